"""The plant's own mass model weighs the items, and every figure can be traced to it."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from calibration.mass_model import ClassMassLaw, MassModel, MassModelError, save
from vision.mass import estimate_mass_g
from vision.mass_law import BUILT_IN, MassLaw, read_mass_law
from vision.types import FRACTIONS

EXTENT = np.array([[80.0, 40.0], [60.0, 30.0]])
AREA = EXTENT[0] * EXTENT[1]
UNKNOWN = np.full(2, np.nan)


def _model(*, raised: float = 0.0, names: tuple[str, ...] = FRACTIONS) -> MassModel:
    laws = tuple(
        ClassMassLaw(
            name=str(name),
            coefficients=(0.01 * (place + 1), 0.0, raised),
            covariance=((1e-6, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
            relative_sd=0.2,
            items=100,
            weighings=10,
        )
        for place, name in enumerate(names)
    )
    return MassModel(laws=laws, fitted_on=date(2026, 11, 25), source="test", with_height=raised > 0)


def test_a_learned_law_weighs_by_its_own_coefficients() -> None:
    surely_food = np.eye(6)[:, [2, 2]]
    mass_g, sd_g = MassLaw(model=_model()).estimate(surely_food, EXTENT, UNKNOWN)
    assert mass_g == pytest.approx(0.03 * AREA)
    assert sd_g == pytest.approx(np.hypot(0.2 * 0.03 * AREA, 1e-3 * AREA))


def test_doubt_about_the_class_is_in_the_standard_deviation() -> None:
    either = np.zeros((6, 2))
    either[[0, 5]] = 0.5
    mass_g, sd_g = MassLaw(model=_model()).estimate(either, EXTENT, UNKNOWN)
    assert mass_g == pytest.approx(0.035 * AREA)
    within = 0.5 * (0.2**2 * (0.01**2 + 0.06**2)) + 1e-6
    assert sd_g == pytest.approx(AREA * np.sqrt(within + 0.025**2))


def test_an_item_without_height_is_weighed_by_the_built_in_law_if_the_model_needs_one() -> None:
    surely_food = np.eye(6)[:, [2, 2]]
    height_mm = np.array([25.0, np.nan])
    mass_g, _ = MassLaw(model=_model(raised=1e-4)).estimate(surely_food, EXTENT, height_mm)
    usual_g, _ = estimate_mass_g(surely_food, EXTENT, height_mm)
    assert mass_g[0] == pytest.approx((0.03 + 25e-4) * AREA[0])
    assert mass_g[1] == usual_g[1]


def test_a_file_is_the_law_it_was_saved_as_and_none_is_the_built_in_one(tmp_path: Path) -> None:
    model = _model()
    assert read_mass_law(save(model, tmp_path)).version == model.version
    assert read_mass_law(None) == BUILT_IN
    assert BUILT_IN.version == "built-in"


def test_a_model_of_other_classes_or_changed_by_hand_is_refused(tmp_path: Path) -> None:
    other = save(_model(names=("glass", *FRACTIONS[1:])), tmp_path)
    with pytest.raises(MassModelError, match="is of glass"):
        read_mass_law(other)
    kept = save(_model(), tmp_path)
    content = json.loads(kept.read_text())
    content["laws"][0]["coefficients"][0] *= 2
    kept.write_text(json.dumps(content))
    with pytest.raises(MassModelError, match="changed by hand"):
        read_mass_law(kept)
