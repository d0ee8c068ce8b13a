import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from calibration.mass_model import MassModel, MassModelError, load, save, size_terms
from run_line import main
from telemetry.estimates.errors import EstimateError
from telemetry.estimates.mass_learning import fit_mass_model, read_weighings
from telemetry.estimates.reconcile import reconcile
from telemetry.estimates.types import MassFigure, Method
from vision.overlap_index import overlap_of
from vision.types import FRACTIONS

TODAY = date(2026, 11, 25)
HEADER = "weighing,fraction,width_mm,length_mm,height_mm,mass_g\n"


def _samples(path: Path, *, per_weighing: int, weighings: int = 60, height: bool = False) -> Path:
    """Items of a known law: mass = (k + 1) 1e-3 A + 1e-5 A^1.5, spread 30 %."""
    rng = np.random.default_rng(7)
    lines = []
    for k, fraction in enumerate(FRACTIONS):
        for weighing in range(weighings):
            width, length = rng.uniform(30, 200, (2, per_weighing))
            area = width * length
            each = (1e-3 * (k + 1) * area + 1e-5 * area**1.5) * rng.lognormal(
                -0.045, 0.3, len(area)
            )
            total = f"{each.sum():.6f}"
            lines += [
                f"{fraction.value}{weighing},{fraction.value},{w:.4f},{n:.4f},"
                f"{'20' if height else ''},{total if i == 0 else ''}\n"
                for i, (w, n) in enumerate(zip(width, length, strict=True))
            ]
    path.write_text(HEADER + "".join(lines))
    return path


def _model(path: Path) -> MassModel:
    return fit_mass_model(read_weighings(path), fitted_on=TODAY, source="test")


@pytest.mark.parametrize("per_weighing", [1, 25])
def test_the_law_is_found_from_single_items_and_from_whole_bins(
    tmp_path: Path, per_weighing: int
) -> None:
    model = _model(_samples(tmp_path / "s.csv", per_weighing=per_weighing))
    rng = np.random.default_rng(8)
    width, length = rng.uniform(30, 200, (2, 6000))
    kind = np.repeat(np.arange(6), 1000)
    area = width * length
    truth = 1e-3 * (kind + 1) * area + 1e-5 * area**1.5
    sums, covariance = model.total(size_terms(width, length), kind)
    for k in range(6):
        error = sums[k] - truth[kind == k].sum()
        assert abs(error) < 3 * np.sqrt(covariance[k, k])
        assert np.sqrt(covariance[k, k]) < 0.08 * sums[k]
        assert model.laws[k].relative_sd == pytest.approx(0.3, rel=0.25)


def test_the_model_agrees_with_the_scale_on_its_own_samples(tmp_path: Path) -> None:
    weighings = read_weighings(_samples(tmp_path / "s.csv", per_weighing=4))
    model = fit_mass_model(weighings, fitted_on=TODAY, source="test")
    for k, law in enumerate(model.laws):
        own = weighings.fraction == k
        said = (weighings.terms[own] @ np.array(law.coefficients)).sum()
        assert said == pytest.approx(weighings.mass_g[own].sum())
        assert min(law.coefficients) >= 0


def test_more_samples_are_surer(tmp_path: Path) -> None:
    few = _model(_samples(tmp_path / "few.csv", per_weighing=1, weighings=20))
    many = _model(_samples(tmp_path / "many.csv", per_weighing=1, weighings=800))
    sizes, kind = size_terms([100.0], [100.0]), np.array([0])
    spread = [
        np.sqrt(
            m.total(sizes, kind)[1][0, 0] - (m.laws[0].relative_sd * m.mean_g(sizes, kind)[0]) ** 2
        )
        for m in (few, many)
    ]
    assert spread[0] > 3 * spread[1]


def test_a_model_is_kept_under_the_name_of_its_content(tmp_path: Path) -> None:
    model = _model(_samples(tmp_path / "s.csv", per_weighing=2, height=True))
    path = save(model, tmp_path / "models")
    assert load(path) == model
    assert path.stem == model.version
    assert model.with_height
    document = json.loads(path.read_text())
    document["laws"][0]["relative_sd"] = 0.01
    path.write_text(json.dumps(document))
    with pytest.raises(MassModelError, match="changed by hand"):
        load(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "not a mass model"),
        ("[1", "not a mass model"),
        ('{"format": 9}', "format 9"),
    ],
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(content)
    with pytest.raises(MassModelError, match=said):
        load(path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1,plastic,10,10,,-5\n", "row 2: mass_g -5 is not between"),
        ("1,plastic,10,10,,1e9\n", "mass_g 1e"),
        ("1,plastic,ten,10,,5\n", "row 2: width_mm 'ten' is not a number"),
        ("1,glass,10,10,,5\n", "row 2: fraction 'glass' is none of plastic"),
        ("1,plastic,10,10,,5\n1,paper,10,10,,5\n", "2 fractions"),
        ("1,plastic,10,10,,5\n1,plastic,10,10,,6\n", "2 masses"),
        ("1,plastic,10,10,,\n", "0 masses"),
        ("1,plastic,nan,10,,5\n", "width_mm nan"),
        ("", "no rows"),
    ],
)
def test_samples_that_make_no_sense_name_their_row(tmp_path: Path, rows: str, said: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(EstimateError, match=said):
        read_weighings(path)


def test_too_few_samples_say_what_to_weigh(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(HEADER + "1,plastic,10,10,,5\n")
    with pytest.raises(EstimateError, match="1 weighings of plastic"):
        _model(path)
    path.write_text("fraction,mass_g\n")
    with pytest.raises(EstimateError, match="no column length_mm"):
        read_weighings(path)


def test_a_scale_moves_what_pictures_know_least() -> None:
    parts, covariance = np.array([100.0, 100.0]), np.diag([100.0, 1.0])
    result = reconcile(parts, covariance, MassFigure(kg=210, sd_kg=0.1, method=Method.SCALE))
    assert result.parts_kg == pytest.approx([109.9, 100.1], abs=0.02)
    assert result.total.kg == pytest.approx(210, abs=0.01)
    assert (result.vision.kg, result.scale.kg) == (200.0, 210)
    assert result.total.is_estimate
    assert not result.scale.is_estimate
    assert result.total.sd_kg < 0.1
    assert result.agree


def test_scale_and_pictures_that_contradict_each_other_are_told() -> None:
    result = reconcile(
        np.array([100.0]), np.array([[1.0]]), MassFigure(kg=150, sd_kg=1, method=Method.SCALE)
    )
    assert not result.agree
    assert result.z == pytest.approx(50 / np.sqrt(2))


def test_no_part_becomes_negative_and_the_parts_still_add_up() -> None:
    result = reconcile(
        np.array([100.0, 1.0]),
        np.diag([1.0, 100.0]),
        MassFigure(kg=60, sd_kg=0.01, method=Method.SCALE),
    )
    assert result.parts_kg[1] == 0.0
    assert result.parts_kg.sum() == pytest.approx(result.total.kg)
    assert result.total.kg == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "covariance", "kg"),
    [
        ([-1.0], [[1.0]], 5.0),
        ([1.0], [[np.inf]], 5.0),
        ([1.0], [[1.0]], -5.0),
        ([1.0], [[0.0]], 5.0),
    ],
)
def test_masses_that_make_no_sense_are_refused(
    parts: list[float], covariance: list[list[float]], kg: float
) -> None:
    with pytest.raises(EstimateError):
        reconcile(
            np.array(parts), np.array(covariance), MassFigure(kg=kg, sd_kg=0, method=Method.SCALE)
        )


def test_items_apart_overlap_not_at_all_and_items_upon_each_other_twice() -> None:
    apart = overlap_of(
        np.array([100.0, 300.0]), np.array([0.0, 0.0]), np.full(2, 100.0), np.full(2, 100.0)
    )
    assert (apart.index, apart.valid) == (1.0, True)
    stacked = overlap_of(np.full(2, 100.0), np.zeros(2), np.full(2, 100.0), np.full(2, 100.0))
    assert (stacked.index, stacked.valid) == (2.0, False)
    half = overlap_of(np.array([100.0, 150.0]), np.zeros(2), np.full(2, 100.0), np.full(2, 100.0))
    assert half.index == pytest.approx(2 / 1.5)


def test_an_empty_belt_overlaps_not_at_all() -> None:
    none = np.zeros(0)
    assert overlap_of(none, none, none, none).index == 1.0


def test_a_stretch_too_long_for_one_look_is_refused() -> None:
    with pytest.raises(ValueError, match="100 m"):
        overlap_of(np.zeros(2), np.array([0.0, 2e5]), np.ones(2), np.ones(2))


def test_the_command_plans_an_audit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimates", "plan", "--expected", "0.95", "--half-width", "0.01", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["items"] == pytest.approx(2 * 1825, rel=0.02)
    assert told["items_without_error"] == 299
    assert main(["estimates", "plan", "--expected", "95"]) == 2
    assert "between 0 and 1" in capsys.readouterr().err


def test_the_command_learns_a_model_and_names_a_bad_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = _samples(tmp_path / "s.csv", per_weighing=3, weighings=10)
    words = ["estimates", "fit-mass", str(samples), "--into", str(tmp_path / "models")]
    assert main([*words, "--date", "2026-11-25"]) == 0
    path = Path(capsys.readouterr().out.splitlines()[-1])
    assert load(path).source == "s.csv"
    samples.write_text(HEADER + "1,plastic,10,10,,-5\n")
    assert main(words) == 2
    assert "row 2" in capsys.readouterr().err
