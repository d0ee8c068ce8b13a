"""One simulation of the sorting benchmark: which line sorts which belt, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.byte_line import Boxed, byte_line
from benchmarks.naive_line import FIXED_MARGIN_MS, NaiveLine
from benchmarks.standard_line import StandardLine, standard_line
from controller.line_file import LineFile
from twin.assembly import PipelineMaker
from twin.bins import Bins
from twin.simulation import DetectorChoice, SimulationRequest, simulate_twin
from vision.types import FRACTIONS, Fraction

NOMINAL_MM_PER_S: Final = 2800.0
_NO_LIMIT: Final = 1e9
_STIFF_SLIP_MM_PER_S: Final = 0.01


class Method(StrEnum):
    """Which line sorts. The values end the keys of its figures."""

    OURS = ""
    NAIVE = "naive"
    """No tracking, a fixed delay at nominal speed, the box's window with 5 ms on either side."""
    BYTETRACK = "bytetrack"
    """Ultralytics' ByteTrack in place of the tracker; the planner is this line's."""
    FIXED_WINDOWS = "fixed_windows"
    """This line's tracker; every target gets its box's window with 5 ms on either side."""
    NO_OUTLINES = "no_outlines"
    """Boxes instead of outlines."""
    NO_WEIGHING = "no_weighing"
    """By-catch costs nothing."""
    NO_AIR_PRICE = "no_air_price"
    """Air costs nothing: whole windows, shrunk for neighbours only."""
    ONE_BY_ONE = "one_by_one"
    """Windows chosen one after the other, without a second look."""
    NO_SLIP = "no_slip"
    """Encoder only: items are taken to lie still."""
    ONE_SLIP = "one_slip"
    """The same slip prior for every class."""
    FOUND_OUTLINES = "found_outlines"
    """Outlines read from the picture inside each box (`detector.find_outlines`)."""
    ONE_VIEW = "one_view"
    """All views of an item count as one: no evidence gathered."""


ABLATIONS: Final = (
    Method.NO_OUTLINES,
    Method.NO_WEIGHING,
    Method.NO_AIR_PRICE,
    Method.ONE_BY_ONE,
    Method.NO_SLIP,
    Method.ONE_SLIP,
    Method.ONE_VIEW,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One simulation to run.

    Attributes:
        occupancy: share of the belt's area covered.
        detector: whose eyes.
        items: how many.
        method: which line.
        seed: of the belt.
        speed_mm_per_s: of the belt.
    """

    occupancy: float
    detector: DetectorChoice
    items: int
    method: Method = Method.OURS
    seed: int = 1
    speed_mm_per_s: float = NOMINAL_MM_PER_S

    @property
    def suffix(self) -> str:
        """End of its figures' keys, for instance `_05`, `_05_shipped` or `_10_naive`."""
        shipped = "shipped" if self.detector is DetectorChoice.SHIPPED else ""
        speed = self.speed_mm_per_s
        parts = (
            f"{round(self.occupancy * 100):02d}",
            "" if speed == NOMINAL_MM_PER_S else f"{speed:.0f}mm",
            self.method.value,
            shipped,
        )
        return "".join(f"_{part}" for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """What simulations of one point came to; tallies of several seeds add up.

    Attributes:
        bins: (3, 2, 2) items, mass (g) and squared mass (g²); target or not; in its bin or not.
        items: fed.
        unclosed: items that the line saw and did not account for; must be zero.
        lamps_jetted: lamps struck by a jet.
        taken_for_lamps: items that stopped the belt and were taken off by hand.
        air_valve_s: valve-seconds of air.
        belt_s: of belt time.
        wall_s: of the computer's.
    """

    bins: npt.NDArray[np.float64]
    items: int
    unclosed: int
    lamps_jetted: int
    taken_for_lamps: int
    air_valve_s: float
    belt_s: float
    wall_s: float

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        return Tally(
            bins=self.bins + other.bins,
            items=self.items + other.items,
            unclosed=self.unclosed + other.unclosed,
            lamps_jetted=self.lamps_jetted + other.lamps_jetted,
            taken_for_lamps=self.taken_for_lamps + other.taken_for_lamps,
            air_valve_s=self.air_valve_s + other.air_valve_s,
            belt_s=self.belt_s + other.belt_s,
            wall_s=self.wall_s + other.wall_s,
        )


def simulate(point: Point) -> Tally:
    """Run one point on one core."""
    standard = standard_line()
    line, pipeline = _line_of(point.method, standard, point.speed_mm_per_s)
    result = simulate_twin(
        SimulationRequest(
            line=line,
            twin=standard.twin.with_changes(
                occupancy=point.occupancy,
                seed=point.seed,
                belt_speed_mm_per_s=point.speed_mm_per_s,
            ),
            items=point.items,
            photographs=None,
            detector=point.detector,
            observer=None,
            pipeline=pipeline,
        ),
        lambda _: None,
    )
    totals = result.totals
    closed = sum(totals.ejected) + totals.passed + totals.late + totals.blocked + totals.removed
    if result.bins is None:
        msg = "a simulation of the twin has bins"
        raise TypeError(msg)
    return Tally(
        bins=_table(result.bins),
        items=result.items,
        unclosed=totals.seen - closed,
        lamps_jetted=result.lamps_jetted or 0,
        taken_for_lamps=totals.removed,
        air_valve_s=result.air_open_s or 0.0,
        belt_s=result.belt_s,
        wall_s=result.wall_s,
    )


def _table(bins: Bins) -> npt.NDArray[np.float64]:
    table = np.zeros((3, 2, 2))
    for fraction in FRACTIONS:
        row = 0 if fraction is Fraction.PLASTIC else 1
        for index in range(bins.removed + 1):
            column = 0 if index == 0 else 1
            table[:, row, column] += (
                bins.count(index, fraction),
                bins.mass_g(index, fraction),
                bins.mass2_g2(index, fraction),
            )
    return table


def _line_of(
    method: Method, standard: StandardLine, speed_mm_per_s: float
) -> tuple[LineFile, PipelineMaker | None]:
    line = standard.line
    margins = {"lead_margin_ms": FIXED_MARGIN_MS, "trail_margin_ms": FIXED_MARGIN_MS}
    free = {"air_price_g_per_valve_s": 0.0}
    recipe: dict[Method, dict[str, Any]] = {
        Method.FIXED_WINDOWS: {**margins, **free, "max_by_catch_ratio": _NO_LIMIT},
        Method.NO_WEIGHING: {"max_by_catch_ratio": _NO_LIMIT},
        Method.NO_AIR_PRICE: free,
    }
    tracker: dict[Method, dict[str, Any]] = {
        Method.NO_SLIP: {"slip_sd_mm_per_s": _STIFF_SLIP_MM_PER_S, "slip_factors": {}},
        Method.ONE_SLIP: {"slip_factors": {}},
        Method.ONE_VIEW: {"view_correlation": 1.0},
    }
    limits: dict[Method, dict[str, Any]] = {Method.ONE_BY_ONE: {"planning_rounds": 1}}
    pipelines: dict[Method, PipelineMaker] = {
        Method.NAIVE: partial(NaiveLine, nominal_mm_per_s=speed_mm_per_s),
        Method.BYTETRACK: byte_line,
        Method.FIXED_WINDOWS: Boxed,
        Method.NO_OUTLINES: Boxed,
    }
    changed = line.model_copy(
        update={
            "recipe": line.recipe.model_copy(update=recipe.get(method, {})),
            "tracker": line.tracker.model_copy(update=tracker.get(method, {})),
            "detector": line.detector.model_copy(
                update={"find_outlines": method is Method.FOUND_OUTLINES}
            ),
            "limits": line.limits.model_copy(update=limits.get(method, {})),
        }
    )
    return changed, pipelines.get(method)
