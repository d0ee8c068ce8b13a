"""Catalogues of items from the shipped library and from somebody's photographs."""

import cv2
import numpy as np
import pytest

from models.errors import ItemLibraryError
from twin.catalogue import open_catalogue
from vision.types import FRACTIONS, Fraction


def test_shipped_library_holds_items_of_every_fraction():
    catalogue = open_catalogue()
    assert all(catalogue.has(fraction) for fraction in FRACTIONS)
    rng = np.random.default_rng(1)
    for fraction in FRACTIONS:
        item = catalogue.draw(fraction, rng)
        assert 10 < np.ptp(item.outline_mm, axis=0).max() < 1000
        assert item.mass_g > 0


def test_photographs_become_items_of_their_folders_fraction(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "items" / "plastic"
    folder.mkdir(parents=True)
    photograph = np.full((240, 320, 3), 235, np.uint8)
    cv2.rectangle(photograph, (90, 60), (220, 190), (30, 40, 160), -1)
    cv2.imwrite(str(folder / "bottle.jpg"), photograph)
    catalogue = open_catalogue(tmp_path / "items")
    assert [f for f in FRACTIONS if catalogue.has(f)] == [Fraction.PLASTIC]
    assert len(catalogue.sprites) == 1


def test_a_folder_without_photographs_is_refused_by_name(tmp_path):
    with pytest.raises(ItemLibraryError, match=tmp_path.name):
        open_catalogue(tmp_path)
