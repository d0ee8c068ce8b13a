"""What weighs: zero and span of the line's belt scale, and a mass model from weighed items."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from calibration.bench import Task
from calibration.clock import MonotonicClock
from calibration.kept.record import CalibrationRecord
from calibration.mass_model import save
from calibration.procedures.steps import Tell
from calibration.procedures.weighing import (
    WeighingBench,
    calibrate_scale,
    weights_of,
    with_scale,
)
from calibration.procedures.whole import Signature
from calibration.solve.belt_scale import BeltScale as ScaleFit
from controller.config_report import UsageError
from plc.instruments.config import BeltScale, ModbusBeltScale
from plc.instruments.readers import ScaleReader, open_scale
from telemetry.estimates.mass_learning import fit_mass_model, read_weighings
from twin.rig.scale import RigScale, TrueScale
from twin.terminal_person import TerminalPerson
from twin.whole_line import WholeLine


class ReadScale:
    """Implements `WeighingBench` on the line's own scale."""

    def __init__(self, reader: ScaleReader, person: Callable[[Task], float]) -> None:
        """Take a reader that somebody else closes."""
        self._reader, self._person = reader, person

    def ask(self, task: Task) -> float:
        """Show the task and wait for the person. See `WeighingBench`."""
        return self._person(task)

    def total_g(self) -> float:
        """Read the totaliser. See `WeighingBench`.

        Raises:
            plc.errors.PlcError: the scale does not answer.
        """
        return float(self._reader.read_g())


def calibrate_weights(
    whole: WholeLine,
    weights: str | None,
    *,
    twin: bool,
    before: CalibrationRecord,
    signature: Signature,
    tell: Tell,
    console: Console,
) -> CalibrationRecord:
    """Find zero and span of the belt scale and say what to write into the line file.

    Raises:
        UsageError: the line has no scale.
        CalibrationError: no weights are named, or the scale does not follow them.
        plc.errors.PlcError: the scale does not answer.
    """
    weights_kg = weights_of(weights or "")
    if twin:
        truth = TrueScale.drawn(whole.twin.seed)
        fit = calibrate_scale(RigScale(truth, seed=whole.twin.seed), weights_kg, tell)
        console.print(truth.judged(fit.grams_per_count), soft_wrap=True)
        return with_scale(before, fit, "twin", signature)
    scale = None if whole.accounts is None else whole.accounts.belt_scale
    if scale is None:
        msg = "the line file has no [accounts.belt_scale]; name the scale there, or practise "
        raise UsageError(msg + "with --source twin")
    with closing(open_scale(scale, MonotonicClock())) as reader:
        bench: WeighingBench = ReadScale(reader, TerminalPerson(console).ask)
        fit = calibrate_scale(bench, weights_kg, tell)
    console.print(advice(scale, fit), soft_wrap=True)
    return with_scale(before, fit, scale.id, signature)


def advice(scale: BeltScale, fit: ScaleFit) -> str:
    """Return what the line file or the indicator needs so that the scale shows what passes."""
    if isinstance(scale, ModbusBeltScale):
        point = scale.total_kg
        return (
            f"write accounts.belt_scale.total_kg.scale = {point.scale * fit.grams_per_count:.6g} "
            f"(now {point.scale:g}), and set the scale's zero by {-fit.zero_counts:+.0f} g a turn"
        )
    return (
        f"multiply the indicator's span by {fit.grams_per_count:.4f}, and set its zero by "
        f"{-fit.zero_counts:+.0f} g a turn"
    )


def calibrate_mass(samples: str | None, folder: Path) -> str:
    """Learn a mass model from weighed items, keep it beside the calibrations, say how to use it.

    Raises:
        UsageError: no samples are named.
        telemetry.estimates.errors.EstimateError: the samples cannot be used.
        CalibrationError: the model cannot be written.
    """
    if samples is None:
        msg = "mass needs weighed items, as in --samples weighed.csv (columns in docs/estimates.md)"
        raise UsageError(msg)
    path = Path(samples)
    model = fit_mass_model(
        read_weighings(path), fitted_on=datetime.now(UTC).date(), source=path.name
    )
    kept = save(model, folder / "masses")
    spreads = "; ".join(
        f"{law.name}: {law.items} items, spread {law.relative_sd:.0%}" for law in model.laws
    )
    return f'{spreads}\nkept in {kept}; name it in the line file: tracker.mass_model = "{kept}"'
