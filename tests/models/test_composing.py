import argparse
import dataclasses

import cv2
import numpy as np
import pytest

from models.belts import belt_patch, load_belts, render_belt
from models.compose import (
    ComposeOrder,
    add_arguments,
    compose_dataset,
    make_stock,
    part_seed,
    yolo_lines,
)
from models.errors import DatasetError
from models.library import Sprite, render_sprite
from models.scene import ItemPool, SceneStyle, compose_scene
from models.sources import Part, part_of, source_group
from vision.types import FRACTIONS, Fraction

CLEAN = SceneStyle(width_px=320, height_px=160, clean=True)


def pool_of(*fractions):
    return ItemPool([render_sprite(f, k) for f in fractions for k in range(4)], 0.5)


def flat_sprite(fraction, alpha, length_px=40, width_px=20):
    return Sprite(
        bgr=np.full((width_px, length_px, 3), 250, np.uint8),
        alpha=np.full((width_px, length_px), alpha, np.uint8),
        mm_per_px=2.0,
        fraction=fraction,
        design="flat",
        mass_g=1.0,
        height_mm=1.0,
        source="rendered",
    )


def black_belt():
    belt = render_belt(np.random.default_rng(0))
    return dataclasses.replace(belt, bgr=np.zeros_like(belt.bgr))


def scene_of(seed, pool, style, belt=None):
    rng = np.random.default_rng(seed)
    return compose_scene(rng, pool, belt or render_belt(np.random.default_rng(9)), style)


def test_the_same_seed_composes_the_same_scene():
    first, again = (scene_of(4, pool_of(*Fraction), SceneStyle()) for _ in range(2))
    assert np.array_equal(first.bgr, again.bgr)
    assert first.labels == again.labels


@pytest.mark.parametrize("seed", range(20))
def test_boxes_of_single_opaque_items_match_their_pixels(seed):
    pool = ItemPool([flat_sprite(Fraction.PAPER, 255)], 0.0)
    style = dataclasses.replace(CLEAN, occupancy=(0.0, 0.0), mm_per_px=(2.0, 2.0))
    scene = scene_of(seed, pool, style, dataclasses.replace(black_belt()))
    bright = scene.bgr.max(axis=2) > 90
    if not scene.labels:
        assert np.count_nonzero(bright) < 0.3 * 40 * 20
        return
    (label,) = scene.labels
    rows, cols = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    found = (cols[0], rows[0], cols[-1] + 1, rows[-1] + 1)
    expected = (label.x0_px, label.y0_px, label.x1_px, label.y1_px)
    assert found == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("seed", range(8))
def test_labels_lie_inside_the_picture(seed):
    scene = scene_of(seed, pool_of(*Fraction), SceneStyle(width_px=320, height_px=192))
    for label in scene.labels:
        assert 0 <= label.x0_px < label.x1_px <= 320
        assert 0 <= label.y0_px < label.y1_px <= 192


def test_a_buried_item_is_not_labelled_but_one_under_clear_film_is():
    def labels(alpha_above):
        small = flat_sprite(Fraction.PAPER, 255, 10, 10)
        large = flat_sprite(Fraction.PLASTIC, alpha_above, 600, 600)
        pool = _Sequence([small] * 6 + [large])
        style = dataclasses.replace(CLEAN, occupancy=(0.9, 0.9), mm_per_px=(2.0, 2.0))
        return [label.fraction for label in scene_of(1, pool, style).labels]

    assert Fraction.PAPER not in labels(255)
    assert Fraction.PAPER in labels(60)


class _Sequence(ItemPool):
    def __init__(self, sprites):
        super().__init__(sprites, 0.0)
        self._left = list(sprites)

    def draw(self, rng):
        return self._left.pop(0)


def test_occupancy_is_reached():
    style = dataclasses.replace(CLEAN, height_px=320, occupancy=(0.25, 0.25))
    scene = scene_of(2, pool_of(*Fraction), style)
    assert len(scene.labels) >= 3


def test_fractions_are_drawn_equally_often():
    many = [render_sprite(Fraction.FOOD, k) for k in range(9)] + [render_sprite(Fraction.WEEE, 1)]
    rng = np.random.default_rng(0)
    drawn = [ItemPool(many, 0.5).draw(rng).fraction for _ in range(400)]
    assert 150 < drawn.count(Fraction.WEEE) < 250


def test_yolo_lines_name_class_and_shares():
    scene = scene_of(4, pool_of(Fraction.OTHER), CLEAN)
    first = yolo_lines(scene).splitlines()[0].split()
    label = scene.labels[0]
    assert int(first[0]) == FRACTIONS.index(Fraction.OTHER)
    assert float(first[3]) * 320 == pytest.approx(label.x1_px - label.x0_px, abs=0.01)


def test_belt_patches_have_the_asked_size():
    rng = np.random.default_rng(3)
    assert belt_patch(rng, render_belt(rng, 200), (320, 96)).shape == (96, 320, 3)


def test_neighbouring_photographs_share_a_group():
    assert source_group("trashnet-plastic120") == source_group("trashnet-plastic129")
    assert source_group("trashnet-plastic120") != source_group("trashnet-plastic130")
    assert source_group("IMG_20200329_201009_jpg") == source_group("IMG_20200329_203501_jpg")
    assert source_group("Copy-of-IMG_20200328_135237_jpg") == source_group("IMG_20200328_135240")
    assert source_group("img-000120") != source_group("img-000130")
    assert source_group("550_jpg") == source_group("551_jpg.rf.0a1b2c")


def test_one_group_in_five_is_held_out():
    parts = [part_of(f"photo-{k}") for k in range(0, 40_000, 10)]
    assert parts.count(Part.TRAIN) / len(parts) == pytest.approx(0.8, abs=0.04)
    assert parts.count(Part.VAL) / len(parts) == pytest.approx(0.1, abs=0.03)


def photo(source):
    return dataclasses.replace(flat_sprite(Fraction.PAPER, 255), source=source)


def test_no_source_reaches_two_parts():
    photos = tuple(photo(f"photo-{k}") for k in range(600))
    groups = {}
    for part in Part:
        stock = make_stock(part, 1, 1, photos, None)
        groups[part] = {source_group(sprite.source) for sprite in stock.photos}
    assert all(groups.values())
    assert not groups[Part.TRAIN] & groups[Part.VAL]
    assert not groups[Part.TRAIN] & groups[Part.TEST]
    assert not groups[Part.VAL] & groups[Part.TEST]


def test_parts_render_from_seeds_far_apart():
    starts = sorted(part_seed(part, seed) for part in Part for seed in range(3))
    assert min(np.diff(starts)) >= 1_000_000


def small_order(out, **changes):
    order = ComposeOrder(
        out=out,
        seed=1,
        train=6,
        held_out=3,
        rendered_items=2,
        photo_share=0.5,
        style=SceneStyle(width_px=160, height_px=96),
    )
    return dataclasses.replace(order, **changes)


def test_a_data_set_is_written_the_same_twice_and_refuses_another_order(tmp_path):
    first = compose_dataset(small_order(tmp_path / "a"), None, None)
    compose_dataset(small_order(tmp_path / "b"), None, None)
    assert "mercury_lamp" in first.read_text()
    for subset, count in (("train", 6), ("val", 3), ("test_rendered", 3)):
        images = sorted((tmp_path / "a" / "images" / subset).iterdir())
        assert len(images) == count
        for image in images:
            twin = tmp_path / "b" / "images" / subset / image.name
            assert image.read_bytes() == twin.read_bytes()
            label = f"labels/{subset}/{image.stem}.txt"
            assert (tmp_path / "a" / label).read_text() == (tmp_path / "b" / label).read_text()
    with pytest.raises(DatasetError, match="another data set"):
        compose_dataset(small_order(tmp_path / "a", seed=2), None, None)


def test_belt_photographs_are_split_and_bad_files_named(tmp_path, caplog):
    for k in range(0, 400, 10):
        cv2.imwrite(str(tmp_path / f"{k:04d}.png"), np.full((32, 32, 3), k % 255, np.uint8))
    (tmp_path / "0401.jpg").write_bytes(b"no")
    (tmp_path / "notes.txt").write_text("not a belt")
    found = [belt.source for part in Part for belt in load_belts(tmp_path, part)]
    assert len(found) == len(set(found)) == 40
    assert "0401.jpg" in caplog.text


def test_compose_options_have_help():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert "--photos" in parser.format_help()
