"""Belt travel per tick from several independent measurements, and what they say of slip."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.board.spec import Float64Array
from calibration.errors import ProcedureError

_CONTRADICTION: Final = 5.0
_LARGEST_SPREAD: Final = 0.004
"""Share by which two measurements of the same belt may differ before one of them is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleMeasurement:
    """One measurement of the belt's travel per tick.

    Attributes:
        source: what with, in words.
        mm_per_tick: measured.
        sd: its standard deviation.
        remedy: what to look at where it contradicts the others.
    """

    source: str
    mm_per_tick: float
    sd: float
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleFit:
    """The belt's travel per tick.

    Attributes:
        mm_per_tick: mean of the measurements, weighted by their precision.
        sd: its standard deviation.
        measurements: what it is the mean of.
    """

    mm_per_tick: float
    sd: float
    measurements: tuple[ScaleMeasurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipFigures:
    """What the belt's texture says of the encoder over several short ways.

    Attributes:
        mm_per_tick: way by texture over ticks, all ways together.
        sd: its standard deviation: slip averages out, and of the ticks between ways only those at
            both ends of all count.
        slip_share: standard deviation of a single way's ratio beyond what measuring explains.
        drift_share: change of the ratio from the first to the last way.
    """

    mm_per_tick: float
    sd: float
    slip_share: float
    drift_share: float


def scale_from_distance(
    *, distance_mm: float, distance_sd_mm: float, first_tick: float, last_tick: float
) -> ScaleMeasurement:
    """Return the scale from a marked distance.

    Args:
        distance_mm: that a mark on the belt moved, by tape.
        distance_sd_mm: how well the tape is read.
        first_tick: count before.
        last_tick: count after.

    Raises:
        ProcedureError: the encoder counted backwards or not at all, or nothing moved.
    """
    counted = last_tick - first_tick
    if distance_mm <= 0:
        msg = f"the mark moved {distance_mm:.0f} mm"
        raise ProcedureError(msg, "start the belt, downstream, and measure again")
    if counted <= 1:
        check_direction(counted, distance_mm)
    ticks_sd = math.sqrt(2 / 12)
    scale = distance_mm / counted
    return ScaleMeasurement(
        source="tape",
        mm_per_tick=scale,
        sd=scale * math.hypot(distance_sd_mm / distance_mm, ticks_sd / counted),
        remedy="measure the marked distance again",
    )


def check_direction(counted: float, way_mm: float) -> None:
    """Refuse an encoder that does not count a belt's way downstream upwards.

    Raises:
        ProcedureError: it counts backwards or not at all.
    """
    if abs(counted) <= 1:
        msg = f"the belt moved {way_mm:.0f} mm and the encoder counted nothing"
        raise ProcedureError(msg, "check the encoder's coupling, its cable and its PLC input")
    if counted < 0:
        msg = f"the encoder counted {counted:+.0f} ticks while the belt ran downstream"
        raise ProcedureError(msg, "swap the encoder's channels A and B, or its sign in the PLC")


def slip_from_ways(ways_mm: Float64Array, ticks: Float64Array, way_sd_mm: float) -> SlipFigures:
    """Return scale, slip and drift from short ways measured by the belt's texture.

    Args:
        ways_mm: (n,) by texture.
        ticks: (n,) counted meanwhile.
        way_sd_mm: how well a way is measured, its two ends' ticks included.

    Raises:
        ProcedureError: fewer than three ways, or an encoder that does not follow them.
    """
    if len(ways_mm) < 3:
        msg = f"{len(ways_mm)} ways could be measured by the belt's texture"
        raise ProcedureError(msg, "light the belt better; a belt without any texture needs marks")
    check_direction(float(ticks.sum()), float(ways_mm.sum()))
    scale = float(ways_mm.sum() / ticks.sum())
    ratios = ways_mm / ticks / scale - 1.0
    expected = way_sd_mm / (scale * ticks)
    scatter = float(np.std(ratios, ddof=1))
    slip = math.sqrt(max(0.0, scatter**2 - float((expected**2).mean())))
    order = np.linspace(-0.5, 0.5, len(ratios))
    return SlipFigures(
        mm_per_tick=scale,
        sd=math.hypot(scale * slip / math.sqrt(len(ratios)), way_sd_mm / float(ticks.sum())),
        slip_share=slip,
        drift_share=float(order @ ratios / (order @ order)),
    )


def combine_scales(measurements: Sequence[ScaleMeasurement]) -> ScaleFit:
    """Return the mean weighted by precision; measurements that contradict each other are refused.

    Raises:
        ProcedureError: two measurements differ by more than their spreads and a few thousandths.
    """
    values = np.array([m.mm_per_tick for m in measurements])
    weights = np.array([m.sd**-2 for m in measurements])
    mean = float(weights @ values / weights.sum())
    for m in measurements:
        off = m.mm_per_tick / mean - 1.0
        if abs(off) > max(_LARGEST_SPREAD, _CONTRADICTION * m.sd / mean):
            others = ", ".join(f"{o.source} {o.mm_per_tick:.5f}" for o in measurements)
            msg = f"{m.source} says {off:+.2%} against the others ({others} mm per tick)"
            raise ProcedureError(msg, m.remedy)
    return ScaleFit(
        mm_per_tick=mean, sd=float(weights.sum() ** -0.5), measurements=tuple(measurements)
    )
