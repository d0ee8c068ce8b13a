import logging

import cv2
import numpy as np
import pytest

from models.cutouts import default_cache, find_photo_items, load_photo_items
from models.errors import ItemLibraryError
from models.segment import cut_object
from vision.types import Fraction


def made_up_photo(colour=(30, 60, 190), centre=(120, 90), size=(80, 50)):
    """A box on a white board with a brightness slope and noise, (180, 240, 3)."""
    rng = np.random.default_rng(1)
    slope = np.linspace(235, 205, 240)[None, :, None]
    photo = np.clip(np.broadcast_to(slope, (180, 240, 3)) + rng.normal(0, 2, (180, 240, 3)), 0, 255)
    photo = photo.astype(np.uint8)
    x0, y0 = centre[0] - size[0] // 2, centre[1] - size[1] // 2
    cv2.rectangle(photo, (x0, y0), (x0 + size[0], y0 + size[1]), colour, cv2.FILLED)
    return photo


def test_an_object_on_a_board_is_cut_at_its_outline():
    bgr, alpha = cut_object(made_up_photo())
    scale = 224 / 240
    assert alpha.shape[1] == pytest.approx(81 * scale, abs=5)
    assert alpha.shape[0] == pytest.approx(51 * scale, abs=5)
    assert np.count_nonzero(alpha > 128) > 0.9 * alpha.size
    assert np.median(bgr[alpha > 200], axis=0) == pytest.approx([30, 60, 190], abs=8)


def test_a_frame_filling_object_is_kept_whole():
    rng = np.random.default_rng(2)
    photo = np.clip(rng.normal((90, 130, 160), 4, (120, 160, 3)), 0, 255).astype(np.uint8)
    _, alpha = cut_object(photo)
    assert np.count_nonzero(alpha > 128) > 0.9 * 120 * 160


def test_a_labelled_box_limits_the_cut():
    photo = made_up_photo()
    cv2.circle(photo, (30, 30), 15, (0, 160, 0), cv2.FILLED)
    bgr, alpha = cut_object(photo, (0.5, 0.5, 0.42, 0.36))
    assert np.median(bgr[alpha > 200], axis=0) == pytest.approx([30, 60, 190], abs=12)


def write_photos(folder, fraction, count=2):
    target = folder / fraction
    target.mkdir(parents=True)
    for k in range(count):
        cv2.imwrite(str(target / f"thing-{k}.png"), made_up_photo(size=(80 + 10 * k, 50)))


def test_folders_named_by_fraction_become_sprites(tmp_path):
    write_photos(tmp_path / "set", "paper")
    write_photos(tmp_path / "set" / "photos", "food")
    sprites = load_photo_items(tmp_path / "set", cache=tmp_path / "cache")
    assert [s.fraction for s in sprites] == [Fraction.PAPER] * 2 + [Fraction.FOOD] * 2
    assert {s.source for s in sprites} == {"thing-0", "thing-1"}
    assert all(60 <= s.length_mm <= 220 for s in sprites)
    assert all(s.mass_g > 0.5 for s in sprites)


def test_cuts_come_back_from_the_cache_unchanged(tmp_path):
    write_photos(tmp_path / "set", "weee", 1)
    cache = tmp_path / "cache"
    (first,) = load_photo_items(tmp_path / "set", cache=cache)
    (stored,) = cache.glob("*.webp")
    before = stored.stat().st_mtime_ns
    (again,) = load_photo_items(tmp_path / "set", cache=cache)
    assert stored.stat().st_mtime_ns == before
    assert again.length_mm == first.length_mm
    assert again.mass_g == pytest.approx(first.mass_g, rel=0.05)


def test_two_processes_cut_the_same_sprites_as_one(tmp_path):
    write_photos(tmp_path / "set", "other", 4)
    one = load_photo_items(tmp_path / "set", cache=tmp_path / "a")
    two = load_photo_items(tmp_path / "set", cache=tmp_path / "b", workers=2)
    assert [s.source for s in one] == [s.source for s in two]
    assert all(np.array_equal(a.alpha, b.alpha) for a, b in zip(one, two, strict=True))


def test_an_unreadable_image_is_named_and_left_out(tmp_path, caplog):
    write_photos(tmp_path / "set", "plastic", 1)
    (tmp_path / "set" / "plastic" / "broken.jpg").write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        sprites = load_photo_items(tmp_path / "set", cache=tmp_path / "cache")
    assert len(sprites) == 1
    assert "broken.jpg" in caplog.text


def test_a_folder_without_fractions_is_refused_with_the_names_it_needs(tmp_path):
    (tmp_path / "holiday").mkdir()
    with pytest.raises(ItemLibraryError, match="mercury_lamp"):
        load_photo_items(tmp_path, cache=tmp_path / "cache")


def test_only_unreadable_images_are_an_error(tmp_path):
    (tmp_path / "food").mkdir()
    (tmp_path / "food" / "a.jpg").write_bytes(b"")
    with pytest.raises(ItemLibraryError, match="none of 1"):
        load_photo_items(tmp_path, cache=tmp_path / "cache")


def test_boxed_photographs_are_found_with_their_class(tmp_path):
    base = tmp_path / "weee-boxes"
    for kind in ("images", "labels"):
        (base / kind).mkdir(parents=True)
    cv2.imwrite(str(base / "images" / "a.jpg"), made_up_photo())
    (base / "labels" / "a.txt").write_text(
        "3 0.5 0.5 0.4 0.4\n5 0.2 0.2 0.2 0.2\n2 0.9 0.9 0.02 0.1\n"
    )
    items = find_photo_items(tmp_path)
    assert [item.fraction for item in items] == [Fraction.WEEE, Fraction.PLASTIC]


def test_the_cache_lies_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "sortline" / "cutouts"
