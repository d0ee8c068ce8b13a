"""Watches a running line's frames for drift of its calibration. A few frames a second suffice."""

import math
from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.drift.alarm import (
    FALSE_ALARM_SIGMA,
    MEMORY,
    DriftFinding,
    DriftKind,
    SteadyMean,
)
from calibration.drift.cost import (
    ACROSS_COST,
    ALONG_COST,
    BLUR_COST,
    DARK_COST,
    cost_of,
    limit_of,
)
from calibration.drift.marks import SEARCH_PX, FixedMarks, Image, blur_of, see_marks
from calibration.drift.reference import DriftReference
from calibration.drift.window import (
    GRID,
    Lamp,
    LightSplit,
    cell_brightness,
    cell_name,
    clipped_change,
)
from calibration.solve.belt_flow import TRUSTED_PEAK, BeltFlow

LIGHT_LOOKS: Final = 41
"""Items lie in a cell less than half of the time: its median over so many looks is the belt's."""
_MOST_CELLS: Final = 4
"""Told at once; a whole view gone dark is one alarm, not thirty."""
_SHORTEST_WAY_MM: Final = 10.0
_FLOW_WIDTH_MM: Final = 240.0
_FLOW_INSET_MM: Final = 20.0
_MARK_SPREAD_PX: Final = 0.9
"""Usual spread of the marks' edges when in focus: pixel, lens and smoothing together."""
_UNSEEN_SHARE: Final = 0.5
"""Of the looks without any mark; a hand or a tall item hides them for a look or two."""
_LOST_MARKS: Final = "so far, or so covered, that no mark beside the belt is found"
_HALF_BELT_M: Final = 0.5
"""A turned view errs by this arm at the belt's edges."""


class DriftMonitor:
    """Takes frames in and says what drifted. One thread; no I/O."""

    def __init__(
        self,
        reference: DriftReference,
        plane: BeltPlane,
        *,
        mm_per_tick: float,
        bar_distance_mm: float,
        lamps: tuple[Lamp, ...] = (),
    ) -> None:
        """Begin with everything as calibrated.

        Args:
            reference: the line as calibrated.
            plane: calibrated camera and belt plane.
            mm_per_tick: calibrated scale.
            bar_distance_mm: farthest jet bar: over this way an error of scale grows.
            lamps: over the belt.
        """
        self._reference, self._plane = reference, plane
        self._mm_per_tick, self._bar_mm = mm_per_tick, bar_distance_mm
        self._light, self._lamps = LightSplit(plane, lamps), lamps
        self._flow, self._search_mm = _narrow_flow(plane), _search_mm(plane)
        self._before: tuple[npt.NDArray[np.float32], float] | None = None
        self._means: dict[str, SteadyMean] = {}
        self._changes: deque[Float64Array] = deque(maxlen=LIGHT_LOOKS)

    @property
    def limits(self) -> dict[str, float]:
        """From where on each measured quantity is told."""
        along, dark = limit_of(ALONG_COST), limit_of(DARK_COST)
        return {
            "across": limit_of(ACROSS_COST),
            "along": along,
            "turn": along / _HALF_BELT_M,
            "blur": limit_of(BLUR_COST),
            "unseen": _UNSEEN_SHARE,
            "scale": along / self._bar_mm,
            **{_lamp_key(lamp.name): dark for lamp in self._lamps},
            **{_cell_key(row, column): dark for row, column in np.ndindex(*GRID)},
        }

    def look(self, image: Image, tick: float) -> dict[str, float]:
        """Take in one frame.

        Args:
            image: raw image frame.
            tick: belt tick at its exposure; frames close together tell the encoder's slip.

        Returns:
            What this one frame measured of the camera's place, focus and the encoder, by name, in
            the units of `limits`.
        """
        measured = self._flow_measured(image, tick)
        if "scale" not in measured:
            # The second frame of a pair shows the same items again and adds nothing.
            change = clipped_change(cell_brightness(image), self._reference.brightness)
            self._changes.append(change)
        if self._reference.marks is not None:
            measured |= _marks_measured(image, self._reference.marks, self._plane)
        for name, value in measured.items():
            self._means.setdefault(name, SteadyMean(memory=MEMORY)).add(value)
        return measured

    @property
    def newest_change(self) -> Float64Array:
        """The last look's (4, 8) logarithm of brightness over the reference's."""
        return self._changes[-1]

    def findings(self) -> tuple[DriftFinding, ...]:
        """Return what drifted beyond its limit and surely so, the most costly cells only."""
        limits = self.limits
        found = [
            self._finding(name, mean.mean, limits[name])
            for name, mean in self._means.items()
            if mean.beyond(limits[name]) and (mean.mean > 0 or name in _BOTH_WAYS)
        ]
        found += [
            self._finding(name, lost, limits[name])
            for name, lost in self._lost_light().items()
            if lost > limits[name]
        ]
        cells = [f for f in found if f.kind is DriftKind.WINDOW_DIRTY]
        cells.sort(key=lambda f: -f.value)
        return (*(f for f in found if f not in cells), *cells[:_MOST_CELLS])

    def _finding(self, name: str, value: float, limit: float) -> DriftFinding:
        kind, where, unit, cost, scale = self._meaning(name, value)
        return DriftFinding(
            kind=kind,
            where=where,
            value=value * scale,
            limit=limit * scale,
            unit=unit,
            loss_points=cost,
        )

    def _meaning(self, name: str, value: float) -> tuple[DriftKind, str, str, float, float]:
        """Return kind, place, unit, points lost and the factor to the unit of a quantity."""
        moved, dark = DriftKind.CAMERA_MOVED, DriftKind.WINDOW_DIRTY
        head, _, rest = name.partition(" ")
        if head == "lamp":
            lost = cost_of(value, DARK_COST)
            return DriftKind.LIGHT_FAILING, rest, "of its light lost", lost, 1.0
        if head == "cell":
            row, column = (int(part) for part in rest.split())
            share = cost_of(value, DARK_COST) / (GRID[0] * GRID[1])
            return dark, cell_name(row, column), "of the light lost", share, 1.0
        arm_mm = value * _HALF_BELT_M
        way_mm = value * self._bar_mm
        return {
            "unseen": (
                moved,
                _LOST_MARKS,
                "of the looks",
                cost_of(self._search_mm, ALONG_COST),
                1.0,
            ),
            "across": (moved, "across the belt", "mm", cost_of(value, ACROSS_COST), 1.0),
            "along": (moved, "along the belt", "mm", cost_of(value, ALONG_COST), 1.0),
            "turn": (moved, "turned", "mm per metre", cost_of(arm_mm / 2, ALONG_COST), 1.0),
            "blur": (DriftKind.FOCUS_LOST, "", "px further blur", cost_of(value, BLUR_COST), 1.0),
            "scale": (
                DriftKind.ENCODER_SLIP,
                "",
                "% of the belt's way",
                cost_of(way_mm, ALONG_COST),
                100.0,
            ),
        }[name]

    def _lost_light(self) -> dict[str, float]:
        """Return what lamps and cells have lost, nothing before there were enough looks."""
        if len(self._changes) < LIGHT_LOOKS:
            return {}
        changes = np.array(self._changes)
        lamps, rest = self._light.split(np.median(changes, axis=0))
        sure = np.argwhere(rest > FALSE_ALARM_SIGMA * median_sd(changes))
        return {
            **{_lamp_key(name): loss for name, loss in lamps},
            **{_cell_key(row, column): float(rest[row, column]) for row, column in sure.tolist()},
        }

    def _flow_measured(self, image: Image, tick: float) -> dict[str, float]:
        flat, before = self._flow.flat(image), self._before
        self._before = (flat, tick)
        if before is None:
            return {}
        way_mm = (tick - before[1]) * self._mm_per_tick
        if not _SHORTEST_WAY_MM < way_mm < self._flow.longest_mm:
            return {}
        shift = self._flow.shift(before[0], flat, expected_mm=way_mm)
        return {"scale": shift.s_mm / way_mm - 1.0} if shift.peak >= TRUSTED_PEAK else {}


_BOTH_WAYS: Final = frozenset({"across", "along", "turn", "scale"})
"""Quantities that may err either way; light and focus are only told when they are lost."""


def median_sd(changes: Float64Array) -> Float64Array:
    """Return the standard deviation of a median over looks less the reference's own, by cell.

    A median scatters sqrt(pi / 2) times as much as a mean; the reference is one of as many looks.
    """
    spread = np.asarray(changes.std(axis=0), dtype=np.float64)
    return spread * math.sqrt(math.pi / 2 * 2 / len(changes))


def _lamp_key(name: str) -> str:
    return f"lamp {name}"


def _cell_key(row: int, column: int) -> str:
    return f"cell {row} {column}"


def _marks_measured(image: Image, marks: FixedMarks, plane: BeltPlane) -> dict[str, float]:
    seen = see_marks(image, marks, plane)
    if seen is None:
        return {"unseen": 1.0}
    return {
        "unseen": 0.0,
        "across": float(seen.shift_mm[0]),
        "along": float(seen.shift_mm[1]),
        "turn": seen.turn_mm_per_m,
        "blur": blur_of(seen.sharpness, _MARK_SPREAD_PX),
    }


def _search_mm(plane: BeltPlane) -> float:
    """Return the way in the middle of the view within which marks are looked for."""
    u, v = plane.image_width_px / 2, plane.image_height_px / 2
    middle, away = plane.to_machine_mm([(u, v), (u, v + SEARCH_PX)])
    return float(np.hypot(*(away - middle)))


def _narrow_flow(plane: BeltPlane) -> BeltFlow:
    """Return a comparer of a strip in the middle of the belt: enough, and cheap."""
    width, height = plane.image_width_px, plane.image_height_px
    v = np.linspace(8, height - 8, 17)
    middle = plane.to_machine_mm(np.column_stack((np.full_like(v, width / 2), v)))
    x = float(np.median(middle[:, 0]))
    s = middle[:, 1]
    return BeltFlow(
        plane,
        x_range_mm=(x - _FLOW_WIDTH_MM / 2, x + _FLOW_WIDTH_MM / 2),
        s_range_mm=(float(s.min()) + _FLOW_INSET_MM, float(s.max()) - _FLOW_INSET_MM),
    )
