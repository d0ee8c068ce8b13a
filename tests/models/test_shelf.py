"""A bundle goes through the gate onto the shelf, and back in one command."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.__main__ import main
from models.belts import render_belt
from models.compose import yolo_lines
from models.errors import ShelfError
from models.evaluate import DEFAULT_BUNDLE
from models.export import write_manifest
from models.library import load_sprites
from models.scene import ItemPool, SceneStyle, compose_scene
from models.shelf.gate import BundleStanding, ClassStanding, objections
from models.shelf.shelf import Shelf, edition_of
from vision.bundle import read_manifest
from vision.types import Fraction

LINE = Path(__file__).parents[2] / "deploy" / "lines" / "demo.toml"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A data set of a few rendered scenes with every fraction in them."""
    folder = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(5)
    pool, belt = ItemPool(load_sprites(), 0.0), render_belt(rng)
    style = SceneStyle(occupancy=(0.2, 0.2), mm_per_px=(2.5, 3.1), clean=True)
    for kind in ("images", "labels"):
        (folder / kind / "val").mkdir(parents=True)
    for index in range(24):
        scene = compose_scene(rng, pool, belt, style)
        cv2.imwrite(str(folder / "images" / "val" / f"{index}.jpg"), scene.bgr)
        (folder / "labels" / "val" / f"{index}.txt").write_text(yolo_lines(scene))
    return folder


@pytest.fixture
def candidates(tmp_path):
    """The shipped bundle, and one whose thresholds let hardly anything through."""
    good, deaf = tmp_path / "good", tmp_path / "deaf"
    shutil.copytree(DEFAULT_BUNDLE, good)
    shutil.copytree(DEFAULT_BUNDLE, deaf)
    manifest = read_manifest(deaf)
    high = dict.fromkeys(manifest.classes, 0.97)
    write_manifest(manifest.model_copy(update={"thresholds": high}), deaf)
    return good, deaf


@pytest.fixture
def patient_line(tmp_path):
    """The demonstration line on a machine that may take its time."""
    path = tmp_path / "line.toml"
    text = LINE.read_text().replace("inference_ms = 25", "inference_ms = 5000")
    for name in ("../recipes", "../../models"):
        text = text.replace(f'"{name}', f'"{(LINE.parent / name).resolve()}')
    path.write_text(text)
    return path


def promote(bundle, shelf, line, scenes, *more):
    return main(
        [
            *("promote", str(bundle), "--shelf", str(shelf), "--line", str(line)),
            *("--dataset", str(scenes), "--reason", "a test", "--by", "Айгүл", *more),
        ]
    )


def test_a_bundle_is_promoted_a_worse_one_is_not_and_all_is_told(
    scenes, candidates, patient_line, tmp_path, capsys
):
    good, deaf = candidates
    shelf = tmp_path / "shelf"
    assert promote(good, shelf, patient_line, scenes) == 0
    assert "promoted" in capsys.readouterr().out
    assert (shelf / "current" / "manifest.json").is_file()
    assert promote(deaf, shelf, patient_line, scenes) == 1
    told = capsys.readouterr().out
    assert "not promoted" in told
    assert "recall at most" in told
    assert Shelf(shelf).current.name == edition_of(good)
    assert main(["list", "--shelf", str(shelf)]) == 0
    assert "by Айгүл: a test" in capsys.readouterr().out


def test_a_bundle_too_slow_for_the_line_is_refused(scenes, candidates, patient_line, capsys):
    good, _ = candidates
    patient_line.write_text(
        patient_line.read_text().replace("inference_ms = 5000", "inference_ms = 0.01")
    )
    assert promote(good, patient_line.parent / "shelf", patient_line, scenes) == 1
    assert "the line allows 0.01 ms" in capsys.readouterr().out


@pytest.fixture
def shelf(candidates, tmp_path):
    """A shelf on which `deaf` followed `good`, without any gate."""
    shelf = Shelf(tmp_path / "shelf")
    for bundle in candidates:
        shelf.promote(bundle, by="tester", reason="set up", gate={})
    return shelf


def test_one_command_takes_the_last_promotion_back(shelf, candidates, capsys):
    good, deaf = candidates
    assert shelf.current.name == edition_of(deaf)
    assert main(["rollback", "--shelf", str(shelf.folder), "--reason", "misnames paper"]) == 0
    assert shelf.current.name == edition_of(good)
    assert main(["rollback", "--shelf", str(shelf.folder), "--reason", "further"]) == 2
    assert "nothing was current before" in capsys.readouterr().err


def test_what_went_back_may_be_promoted_again_and_go_back_again(shelf, candidates):
    good, deaf = candidates
    shelf.roll_back(by="t", reason="one")
    shelf.promote(deaf, by="t", reason="two", gate={})
    shelf.roll_back(by="t", reason="three")
    assert shelf.current.name == edition_of(good)
    assert [c.kind.value for c in shelf.history()] == [
        "promoted",
        "promoted",
        "rolled_back",
        "promoted",
        "rolled_back",
    ]


def test_the_same_bundle_twice_is_refused(shelf, candidates):
    with pytest.raises(ShelfError, match="is current already"):
        shelf.promote(candidates[1], by="t", reason="again", gate={})


@pytest.mark.parametrize("spoil", ["reason", "taken out", "cut"])
def test_a_history_that_was_tampered_with_is_noticed(shelf, spoil):
    path = shelf.folder / "history.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    if spoil == "reason":
        lines[0] = lines[0].replace("set up", "forged")
    elif spoil == "taken out":
        del lines[0]
    else:
        lines[1] = lines[1][:40]
    path.write_text("".join(lines))
    with pytest.raises(ShelfError, match="restore"):
        shelf.history()


def test_a_bundle_altered_on_the_shelf_is_not_rolled_back_to(shelf, candidates):
    place = shelf.folder / edition_of(candidates[0])
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["thresholds"]["paper"] = 0.01
    (place / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ShelfError, match="its manifest was altered"):
        shelf.roll_back(by="t", reason="back")


def test_a_kill_between_history_and_link_is_mended_by_the_next_command(shelf, candidates, capsys):
    good, _ = candidates
    link = shelf.folder / "current"
    link.unlink()
    link.symlink_to(edition_of(good))
    main(["rollback", "--shelf", str(shelf.folder), "--reason", "x"])
    assert shelf.current.name == edition_of(good)
    assert "rolled back" in capsys.readouterr().out


STANDING = BundleStanding(
    classes={
        Fraction.PAPER: ClassStanding(
            items=100, recall=0.8, recall_high=0.87, precision=0.9, precision_high=0.95
        )
    },
    lamp_recall=0.9,
    lamp_false=2,
    detect_p95_ms=9.0,
)


def paper(**changes):
    standing = replace(STANDING.classes[Fraction.PAPER], **changes)
    return replace(STANDING, classes={Fraction.PAPER: standing})


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (paper(recall=0.7, recall_high=0.79), "paper: recall at most 0.790, now 0.800"),
        (paper(precision=0.8, precision_high=0.88), "paper: precision at most 0.880"),
        (replace(STANDING, classes={}), "paper: the candidate does not know it"),
        (replace(STANDING, lamp_recall=0.89), "lamps: 0.8900 found, now 0.9000"),
        (replace(STANDING, lamp_false=3), "lamps: 3 false alarms, now 2"),
        (replace(STANDING, detect_p95_ms=30.0), "detecting takes 30.0 ms"),
    ],
)
def test_the_gate_objects_to_each_thing_that_gets_worse(candidate, words):
    (objection,) = objections(candidate, STANDING, budget_ms=25.0)
    assert objection.startswith(words)


def test_the_gate_lets_an_equal_or_slightly_lower_bundle_pass():
    assert objections(STANDING, STANDING, budget_ms=25.0) == ()
    lower = paper(recall=0.78, recall_high=0.85)
    assert objections(lower, STANDING, budget_ms=25.0) == ()
    assert objections(STANDING, None, budget_ms=25.0) == ()
