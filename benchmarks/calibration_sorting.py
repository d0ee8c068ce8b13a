"""What a recovered calibration costs in sorting: the standard scenario sorted with both."""

from benchmarks.standard_line import standard_line
from calibration.line_calibration import LineCalibration
from twin.bins import FractionScore
from twin.simulation import DetectorChoice, SimulationRequest, simulate_twin
from vision.types import Fraction


def sorted_with(believed: LineCalibration | None, items: int) -> FractionScore:
    """Sort the standard scenario with a calibration, None for the true one; perfect detector."""
    standard = standard_line()
    result = simulate_twin(
        SimulationRequest(
            line=standard.line,
            twin=standard.twin.with_changes(occupancy=0.10),
            items=items,
            photographs=None,
            detector=DetectorChoice.PERFECT,
            observer=None,
            believed=believed,
        ),
        lambda _: None,
    )
    return dict(result.fractions or ())[Fraction.PLASTIC]


def sorting_figures(true: FractionScore, recovered: FractionScore) -> tuple[tuple[str, float], ...]:
    """Return purity and recovery with both calibrations and what the recovered one costs.

    What was never ejected has no figure. A loss is in points and positive where the recovered
    calibration sorts worse; the aim is 0.5 at most.
    """
    values: list[tuple[str, float]] = []
    for name in ("purity", "recovery"):
        for score, words in ((true, "true"), (recovered, "recovered")):
            share = getattr(score, f"{name}_mass")
            if share is not None:
                values.append((f"{name}_{words}", float(share)))
        shares = [getattr(score, f"{name}_mass") for score in (true, recovered)]
        if None not in shares:
            values.append((f"{name}_loss_points", 100.0 * (shares[0] - shares[1])))
    return tuple(values)
