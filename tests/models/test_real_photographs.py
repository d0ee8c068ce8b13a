"""Cutting real photographs; they are no part of the repository, so a machine without them skips."""

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from models.cutouts import find_photo_items, load_photo_items
from vision.types import Fraction

PHOTOS = Path(
    os.environ.get("SORTLINE_PHOTOS", Path(__file__).parents[2].parent / "shared" / "data")
)

pytestmark = pytest.mark.skipif(
    not (PHOTOS / "photos").is_dir(), reason="no photographs; name their folder in SORTLINE_PHOTOS"
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Every two-hundredth photograph, copied into folders named by fraction."""
    folder = tmp_path_factory.mktemp("sample")
    for item in [item for item in find_photo_items(PHOTOS) if item.box is None][::200]:
        target = folder / item.fraction.value
        target.mkdir(exist_ok=True)
        shutil.copy(item.path, target)
    return folder


def test_every_kind_of_photograph_is_found():
    kinds = Counter(item.fraction for item in find_photo_items(PHOTOS))
    assert min(kinds[f] for f in (Fraction.PLASTIC, Fraction.PAPER, Fraction.OTHER)) > 300
    assert kinds[Fraction.WEEE] > 300


def test_real_photographs_are_cut_to_single_items(sample, tmp_path):
    sprites = load_photo_items(sample, cache=tmp_path)
    assert len(sprites) >= 8
    for sprite in sprites:
        share = np.count_nonzero(sprite.alpha >= 128) / sprite.alpha.size
        assert 0.2 < share <= 1.0, sprite.source
        assert 60 <= sprite.length_mm <= 220
