"""Labelled pictures of other tools come in, are checked, and go out again."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.__main__ import main
from models.datasets import yolo
from models.datasets.check import Severity, check_dataset
from models.datasets.formats import FORMATS, LabelFormat
from models.datasets.intake import CLASS_NAMES, take_in
from models.datasets.taxonomy import load_taxonomy
from models.datasets.types import LabelledBox, LabelledPicture
from models.datasets.version import content_hash
from models.errors import DatasetError
from models.sources import Part
from vision.types import Fraction

WIDTH_PX, HEIGHT_PX = 160, 120


def picture(name, *boxes, part=None):
    return LabelledPicture(
        name=name, width_px=WIDTH_PX, height_px=HEIGHT_PX, boxes=tuple(boxes), part=part
    )


def box(label, x0=20.0, y0=30.0, x1=90.0, y1=80.0):
    return LabelledBox(label=label, x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1)


def draw(path, seed):
    """Write a picture that resembles no other seed's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), image)


@pytest.fixture
def shot(tmp_path):
    """Pictures as a phone names them, and their labels."""
    names = [f"belt{n:03d}.jpg" for n in range(10, 130, 10)]
    for seed, name in enumerate(names):
        draw(tmp_path / "shots" / name, seed)
    labels = list(Fraction)
    return tmp_path / "shots", tuple(
        picture(name, box(labels[i % 6].value), box("other", 100.0, 5.0, 159.5, 60.25))
        for i, name in enumerate(names)
    )


@pytest.mark.parametrize("kind", [f for f in LabelFormat if f is not LabelFormat.YOLO])
def test_labels_survive_the_way_through_every_format(kind, shot, tmp_path):
    images, pictures = shot
    out = tmp_path / ("labels" if kind is LabelFormat.VOC else f"labels.{kind.value}.json")
    FORMATS[kind].write(pictures, out, CLASS_NAMES)
    again = FORMATS[kind].read(out, images)
    assert [p.name for p in again] == [p.name for p in pictures]
    for before, after in zip(pictures, again, strict=True):
        assert (after.width_px, after.height_px) == (before.width_px, before.height_px)
        for one, other in zip(before.boxes, after.boxes, strict=True):
            assert other.label == one.label
            for edge in ("x0_px", "y0_px", "x1_px", "y1_px"):
                assert getattr(other, edge) == pytest.approx(getattr(one, edge), abs=0.01)


def test_a_set_that_is_taken_in_is_split_by_source_and_read_back(shot, tmp_path):
    images, pictures = shot
    out = tmp_path / "set"
    found = take_in(pictures, images, load_taxonomy("sortline"), out, source="test")
    again = yolo.read(out, None)
    assert sum(found.pictures.values()) == len(again) == len(pictures)
    assert sum(found.boxes.values()) == sum(len(p.boxes) for p in again)
    for part in Part:
        assert all(part.value in p.name for p in again if p.part is part)
    record = json.loads((out / "dataset.json").read_text())
    assert record["version"] == content_hash(out)


def test_the_version_is_of_the_content_and_of_nothing_else(shot, tmp_path):
    images, pictures = shot
    taxonomy = load_taxonomy("sortline")
    one = take_in(pictures, images, taxonomy, tmp_path / "one", source="test")
    two = take_in(pictures, images, taxonomy, tmp_path / "two", source="another")
    assert one.version == two.version
    label = next((tmp_path / "two" / "labels").rglob("*.txt"))
    label.write_text("0 0.5 0.5 0.1 0.1\n")
    assert content_hash(tmp_path / "two") != one.version


@pytest.mark.parametrize(
    ("table", "classes", "first"),
    [
        ("taco", 60, ("Clear plastic bottle", "plastic")),
        ("trashnet", 6, ("cardboard", "paper")),
        ("zerowaste", 4, ("soft_plastic", "plastic")),
        ("warp", 28, ("glass-dark", "other")),
    ],
)
def test_the_tables_of_known_data_sets_name_every_class_of_theirs(table, classes, first):
    taxonomy = load_taxonomy(table)
    assert len(taxonomy.fraction_of) == classes
    label, fraction = first
    assert taxonomy.fraction_of[label.casefold().translate({ord(c): None for c in " -_"})] == (
        Fraction(fraction)
    )


def test_classes_are_mapped_and_unlabelled_litter_is_left_out(shot, tmp_path):
    images, pictures = shot
    litter = tuple(
        replace(p, boxes=(box("clear plastic_bottle"), box("Unlabeled litter"))) for p in pictures
    )
    found = take_in(litter, images, load_taxonomy("taco"), tmp_path / "set", source="taco")
    assert found.boxes == {"plastic": len(pictures)}


def wrong_class(p):
    return replace(p, boxes=(box("unobtainium"),)), "no word on 'unobtainium'"


def far_out(p):
    return replace(p, boxes=(box("food", 20.0, 30.0, 200.0, 80.0),)), "reaches 40.0 px out"


def no_area(p):
    return replace(p, boxes=(box("food", 20.0, 30.0, 20.0, 80.0),)), "has no area"


def missing(p):
    return replace(p, name="gone.jpg"), "no such picture"


def other_size(p):
    return replace(p, width_px=320), "its labels were made on 320 x 120"


def outside(p):
    return replace(p, name="../secret.jpg"), "leads out of"


@pytest.mark.parametrize(
    "spoil", [wrong_class, far_out, no_area, missing, other_size, outside], ids=lambda f: f.__name__
)
def test_what_cannot_be_taken_in_is_named_with_its_place(spoil, shot, tmp_path):
    images, pictures = shot
    spoilt, words = spoil(pictures[0])
    with pytest.raises(DatasetError, match=words):
        take_in(
            (spoilt, *pictures[1:]),
            images,
            load_taxonomy("sortline"),
            tmp_path / "set",
            source="test",
        )


def test_nothing_labelled_and_a_used_folder_are_refused(shot, tmp_path):
    images, pictures = shot
    bare = [replace(p, boxes=()) for p in pictures]
    taxonomy = load_taxonomy("sortline")
    with pytest.raises(DatasetError, match="not one label"):
        take_in(bare, images, taxonomy, tmp_path / "set", source="test")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    with pytest.raises(DatasetError, match="not empty"):
        take_in(pictures, images, taxonomy, tmp_path / "used", source="test")


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        (LabelFormat.COCO, "{}", "images: Field required"),
        (LabelFormat.COCO, "not json", "Invalid JSON"),
        (
            LabelFormat.COCO,
            (
                '{"images": [], "categories": [], "annotations": '
                '[{"image_id": 3, "category_id": 1, "bbox": [0, 0, 1, 1]}]}'
            ),
            r"annotations.0: picture 3 is not listed",
        ),
        (LabelFormat.CVAT, "<annotations/>", "export the task as CVAT for images"),
        (LabelFormat.CVAT, "<annotations><image/></annotations>", "lacks the attribute 'name'"),
        (
            LabelFormat.CVAT,
            '<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>',
            "not usable XML",
        ),
        (LabelFormat.LABEL_STUDIO, '[{"data": {}, "annotations": [{"result": []}]}]', "task 0"),
    ],
)
def test_malformed_labels_are_told_by_file_and_field(kind, content, words, tmp_path):
    path = tmp_path / "labels"
    path.write_text(content)
    with pytest.raises(DatasetError, match=words):
        FORMATS[kind].read(path, tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.1", "4 values"),
        ("7 0.5 0.5 0.1 0.1", "class 7 is not in"),
        ("plastic 0.5 0.5 0.1 0.1", "is not `class cx cy w h`"),
        ("0 nan 0.5 0.1 0.1", "no number"),
    ],
)
def test_a_bad_line_of_yolo_labels_is_told_by_its_number(line, words, shot, tmp_path):
    images, pictures = shot
    out = tmp_path / "set"
    take_in(pictures, images, load_taxonomy("sortline"), out, source="test")
    label = next((out / "labels").rglob("*.txt"))
    label.write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(DatasetError, match=rf"{label.name}:2: .*{words}"):
        yolo.read(out, None)


def test_polygons_of_segmentation_labels_become_their_upright_boxes(shot, tmp_path):
    images, pictures = shot
    out = tmp_path / "set"
    take_in(pictures, images, load_taxonomy("sortline"), out, source="test")
    label = next((out / "labels").rglob("*.txt"))
    label.write_text("1 0.1 0.2 0.5 0.2 0.5 0.8 0.3 0.9\n")
    found = next(p for p in yolo.read(out, None) if label.stem in p.name)
    (only,) = found.boxes
    assert (only.x0_px, only.x1_px) == pytest.approx((0.1 * WIDTH_PX, 0.5 * WIDTH_PX))
    assert (only.y0_px, only.y1_px) == pytest.approx((0.2 * HEIGHT_PX, 0.9 * HEIGHT_PX))


@pytest.fixture
def spoilt(tmp_path):
    """A data set with one fault of every kind; returns its folder."""
    out = tmp_path / "spoilt"
    for part, names in {"train": ["a1", "b1", "c1"], "val": ["d1"], "test": ["e1"]}.items():
        for name in names:
            draw(out / "images" / part / f"{name}.jpg", sum(map(ord, name)))
    shown = cv2.imread(str(out / "images" / "train" / "a1.jpg"))
    smaller = cv2.resize(shown, (120, 90))
    cv2.imwrite(str(out / "images" / "test" / "z9.jpg"), smaller, [cv2.IMWRITE_JPEG_QUALITY, 60])
    pictures = (
        picture("images/train/a1.jpg", box("plastic"), box("plastic", 5, 5, 9, 40)),
        picture("images/train/b1.jpg", box("plastic", 100, 30, 200, 80)),
        picture("images/train/c1.jpg", box("plastic")),
    )
    pictures = tuple(replace(p, part=Part.TRAIN) for p in pictures)
    for part in (Part.VAL, Part.TEST):
        (name,) = sorted((out / "images" / part.value).iterdir())[-1:]
        pictures += (picture(f"images/{part.value}/{name.name}", part=part),)
    yolo.write(pictures, out, CLASS_NAMES)
    return out


def test_the_check_finds_what_would_spoil_training(spoilt):
    report = check_dataset(yolo.read(spoilt, None), spoilt)
    kinds = {(f.severity, f.kind) for f in report.findings}
    assert (Severity.ERROR, "out of range") in kinds
    assert (Severity.ERROR, "one class") in kinds
    assert (Severity.ERROR, "duplicate across parts") in kinds
    assert (Severity.NOTE, "tiny box") in kinds
    assert (Severity.NOTE, "scarce class") in kinds
    twice = next(f for f in report.findings if f.kind == "duplicate across parts")
    assert {"images/train/a1.jpg", "images/test/z9.jpg"} <= {twice.place, twice.detail.split()[0]}


def test_a_cut_off_picture_is_found(spoilt):
    path = spoilt / "images" / "train" / "c1.jpg"
    path.write_bytes(path.read_bytes()[:400])
    report = check_dataset(yolo.read(spoilt, None), spoilt)
    assert "images/train/c1.jpg" in {f.place for f in report.findings if f.kind == "corrupt"}


def test_a_sound_set_passes(shot, tmp_path):
    images, pictures = shot
    many = tuple(
        replace(p, boxes=(box(CLASS_NAMES[i % 6]),), part=Part.VAL if i > 9 else Part.TRAIN)
        for i, p in enumerate(pictures)
    )
    out = tmp_path / "set"
    take_in(many, images, load_taxonomy("sortline"), out, source="test")
    assert check_dataset(yolo.read(out, None), out).errors == 0


def test_the_commands_take_in_check_and_hand_on(shot, tmp_path, capsys):
    images, pictures = shot
    labels = tmp_path / "labels.json"
    FORMATS[LabelFormat.COCO].write(pictures, labels, CLASS_NAMES)
    out, sheet = tmp_path / "set", tmp_path / "sheet.png"
    take = ["import", "--format", "coco", "--labels", str(labels), "--images", str(images)]
    assert main([*take, "--out", str(out)]) == 0
    assert "version" in capsys.readouterr().out
    main(["check", str(out), "--sheet", str(sheet)])
    assert cv2.imread(str(sheet)).shape[1] == 6 * 240
    assert main(["export-labels", str(out), "--format", "cvat", "--out", f"{tmp_path}/x.xml"]) == 0
    assert len(FORMATS[LabelFormat.CVAT].read(Path(f"{tmp_path}/x.xml"), None)) == len(pictures)
    assert main([*take, "--out", str(out)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main([*take, "--out", f"{tmp_path}/more", "--taxonomy", "taco"]) == 2
    assert "no word on 'food'" in capsys.readouterr().err


def test_a_plants_own_table_is_read_and_its_faults_are_told(tmp_path):
    table = tmp_path / "plant.toml"
    table.write_text('[ours]\n"Бөтелке" = "plastic"\n"Қап" = "bone"\n')
    with pytest.raises(DatasetError, match=r"\[ours\] Қап: 'bone' is none of plastic"):
        load_taxonomy("ours", table)
    table.write_text('[ours]\n"Бөтелке" = "plastic"\n')
    assert load_taxonomy("ours", table).fraction_of == {"бөтелке": Fraction.PLASTIC}
    with pytest.raises(DatasetError, match="no table \\[theirs\\]; there are: ours"):
        load_taxonomy("theirs", table)
