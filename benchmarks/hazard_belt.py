"""A crowded belt of lamps, look-alikes and targets before the real pipeline, without a plant.

Feed, outlines, sliding and rolling are the twin's; tracker, policy, hazard watch and planner are
the line's own. The eyes are worse than the line's: they miss views and take things for others.
Every pulse is held against the lamps' true outlines. Nothing stops: a line would, so what is
counted here is what the jets did before and around any stop.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.standard_line import standard_line
from calibration.units import NS_PER_S, MonotonicNs
from controller.pipeline import SortingPipeline
from controller.stations import JetBarConfig
from controller.step import LineStatus, PlannedPulse
from models.library import Sprite
from plc.types import EjectionCommand
from twin.air import jet_sd_mm
from twin.belt_items import BeltItems
from twin.config import FeedConfig
from twin.feed import Feed
from twin.heap import visible_shares
from twin.items import (
    OUTLINE_POINTS,
    CatalogueItem,
    Float64Array,
    PlainCatalogue,
    outline_area_mm2,
)
from twin.outlines import contact_mm
from twin.perfect_detector import MIN_VISIBLE
from twin.viewpoint import true_calibration
from vision.types import FRACTIONS, Detections, Fraction, FrameStamp

LAMP, OTHER = FRACTIONS.index(Fraction.MERCURY_LAMP), FRACTIONS.index(Fraction.OTHER)
FRAMES_PER_S = 25.0
"""Half of the standard line's rate: fewer views of each item, and less work."""
VIEW_MISSED = 0.1
"""Share of single views in which the eyes find nothing."""
LAMP_SCORES, OTHER_SCORES = (0.35, 0.97), (0.45, 0.97)
"""Score of the true class, drawn for every view."""
LOOK_ALIKES, LOOK_ALIKE_SCORES = 0.05, (0.2, 0.6)
"""Of the residue, the share that looks like a lamp (pipes, LED tubes), and its lamp score."""
_POOL = 400
COMPUTE_S = 0.025
JITTER_SIGMA = 3.0
"""Spreads of the valves' lag added to each pulse's true air on either side."""
JET_SIGMA = 2.0
"""Half width of a jet beside its nozzle in which it still moves things, in its own spreads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardTally:
    """What came of some items.

    Attributes:
        items: fed.
        lamps: of them, lamps whole and broken, that showed a quarter of themselves in any frame.
        hidden: lamps that never did: nobody can keep clear of what cannot be seen.
        lamps_jetted: lamps of the first kind that air reached.
        hidden_jetted: of the second kind.
        lamps_stopped: lamps believed, and the stop asked for, before they came to the first jets.
        pulses: sent.
        false_stops: other items that would have stopped the line.
        worst_response_mm: longest way of a lamp from first sight to the stop request.
        mean_response_mm: its mean.
        belt_s: belt time.
    """

    items: int
    lamps: int
    hidden: int
    lamps_jetted: int
    hidden_jetted: int
    lamps_stopped: int
    pulses: int
    false_stops: int
    worst_response_mm: float
    mean_response_mm: float
    belt_s: float


class HazardBelt:
    """One stretch of belt. Deterministic by seed."""

    def __init__(self, *, items: int, seed: int, occupancy: float, lamp_share: float) -> None:
        """Lay an empty belt under a fresh pipeline.

        Args:
            items: to feed.
            seed: of feed and eyes.
            occupancy: share of the belt covered.
            lamp_share: share of lamps among the items, broken ones included.
        """
        standard = standard_line()
        self._line, twin = standard.line, standard.twin
        self._speed = twin.belt.speed_mm_per_s
        self._calibration = true_calibration(twin, mm_per_tick=standard.mm_per_tick)
        self._mm_per_tick = standard.mm_per_tick
        station = self._line.stations[0]
        if not isinstance(station, JetBarConfig):
            msg = "the standard line's first station is a jet bar"
            raise TypeError(msg)
        self._bar = station
        self._pipeline = SortingPipeline(
            calibration=self._calibration,
            stations=self._line.stations,
            recipe=self._line.recipe,
            limits=self._line.limits,
            tracker=self._line.tracker,
        )
        mix = {f: s for f, s in twin.feed.mix.items() if f is not Fraction.MERCURY_LAMP}
        scale = (1.0 - lamp_share) / sum(mix.values())
        self._feed = Feed(
            config=FeedConfig(
                occupancy=occupancy,
                mix={**{f: s * scale for f, s in mix.items()}, Fraction.MERCURY_LAMP: lamp_share},
            ),
            slip=twin.slip,
            catalogue=_Pool(),
            belt_width_mm=twin.belt.width_mm,
            belt_speed_mm_per_s=self._speed,
            first_y_mm=0.0,
            seed=seed,
        )
        self._entry_s_mm = -twin.camera.view_length_mm / 2 - 300.0
        self._jet_mm = JET_SIGMA * jet_sd_mm(
            nozzle_mm=self._bar.nozzle_mm, nozzle_distance_mm=twin.air.nozzle_distance_mm
        )
        self._rng = np.random.default_rng([seed, 7])
        self._items = BeltItems.of((), entry_s_mm=self._entry_s_mm)
        self._count, self._limit = 0, items
        self._pulses: deque[EjectionCommand] = deque()
        self._first_seen_mm: dict[int, float] = {}
        self._stopped_mm: dict[int, float] = {}
        self._sent = self._false_stops = 0
        self._lamps: list[tuple[bool, bool]] = []
        self._travel_mm = 0.0

    def run(self) -> HazardTally:
        """Run until every item has passed the jets."""
        seq, step_mm = 0, self._speed / FRAMES_PER_S
        while self._count < self._limit or len(self._items):
            seq += 1
            self._travel_mm = seq * step_mm
            self._take_in()
            self._step(seq)
            self._pass_the_bar()
        responses = [self._stopped_mm[i] - self._first_seen_mm[i] for i in self._stopped_mm] or [
            0.0
        ]
        seen = [jetted for hidden, jetted in self._lamps if not hidden]
        lost = [jetted for hidden, jetted in self._lamps if hidden]
        return HazardTally(
            items=self._count,
            lamps=len(seen),
            hidden=len(lost),
            lamps_jetted=sum(seen),
            hidden_jetted=sum(lost),
            lamps_stopped=len(self._stopped_mm),
            pulses=self._sent,
            false_stops=self._false_stops,
            worst_response_mm=max(responses),
            mean_response_mm=float(np.mean(responses)),
            belt_s=self._travel_mm / self._speed,
        )

    def _take_in(self) -> None:
        fed = self._feed.items_until(self._travel_mm - self._entry_s_mm, self._limit)
        self._count += len(fed)
        if fed:
            self._items = self._items.joined(BeltItems.of(fed, entry_s_mm=self._entry_s_mm))

    def _step(self, seq: int) -> None:
        tick = self._travel_mm / self._mm_per_tick
        ticks_per_s = self._speed / self._mm_per_tick
        stamp = FrameStamp(
            seq=seq, exposed_ns=MonotonicNs(round(seq * NS_PER_S / FRAMES_PER_S)), tick=tick
        )
        status = LineStatus(
            may_fire=True,
            now_tick=tick + COMPUTE_S * ticks_per_s,
            tick_sd=0.5,
            ticks_per_s=ticks_per_s,
            frame_age_ms=COMPUTE_S * 1e3,
        )
        result = self._pipeline.step(stamp, self._look(), status)
        self._note_pulses(result.planned)
        for track in result.hazards:
            self._note_stop(track.x_mm, track.y_mm)

    def _look(self) -> Detections:
        """Return what the eyes make of the belt, worse than any detector that may ship."""
        s_mm = self._travel_mm - self._items.y_mm
        view = self._items.chosen(np.flatnonzero(np.abs(s_mm) < 700.0))
        centres = view.origins_mm(self._travel_mm)
        outline = view.outline_mm + centres[:, None, :]
        outline[:, :, 1] = self._travel_mm - outline[:, :, 1]
        plane, n = self._calibration.plane, len(view)
        px = plane.to_image_px(outline.reshape(-1, 2)).reshape(n, OUTLINE_POINTS, 2)
        whole = np.concatenate((px.min(axis=1), px.max(axis=1)), axis=1)
        boxes = np.clip(whole, 0.0, [plane.image_width_px, plane.image_height_px] * 2)
        shown = _area(boxes) >= MIN_VISIBLE * _area(whole)
        shown &= visible_shares(view, self._travel_mm) >= MIN_VISIBLE
        found = shown & (self._rng.uniform(size=n) >= VIEW_MISSED)
        for item_id in view.item_id[shown & (view.fraction == LAMP)].tolist():
            self._first_seen_mm.setdefault(item_id, self._travel_mm)
        return Detections(
            boxes_px=boxes[found].astype(np.float32), scores=self._scores(view)[found]
        )

    def _scores(self, view: BeltItems) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        n, rng = len(view), self._rng
        scores = rng.uniform(0.0, 0.1, (n, len(FRACTIONS)))
        lamp = view.fraction == LAMP
        low, high = np.where(lamp[:, None], LAMP_SCORES, OTHER_SCORES).T if n else np.empty((2, 0))
        scores[np.arange(n), view.fraction] = rng.uniform(low, high)
        # Which of the residue looks like a lamp is the item's own, not the view's.
        alike = (view.fraction == OTHER) & (view.item_id % 1000 < LOOK_ALIKES * 1000)
        scores[alike, LAMP] = rng.uniform(*LOOK_ALIKE_SCORES, int(alike.sum()))
        return scores.astype(np.float32)

    def _note_pulses(self, planned: tuple[PlannedPulse, ...]) -> None:
        self._sent += len(planned)
        self._pulses.extend(pulse.command for pulse in planned)

    def _note_stop(self, x_mm: float, y_mm: float) -> None:
        """Find which lamp a new belief is about; a stop for something else is a false one."""
        lamps = self._items.chosen(self._items.fraction == LAMP)
        centres = lamps.origins_mm(self._travel_mm)
        near = np.flatnonzero(
            np.hypot(centres[:, 0] - x_mm, centres[:, 1] - y_mm) < lamps.radius_mm + 30.0
        )
        asked_mm = self._travel_mm + COMPUTE_S * self._speed
        new = [i for i in lamps.item_id[near].tolist() if i not in self._stopped_mm]
        if not len(near):
            self._false_stops += 1
        for item_id in new[:1]:
            if asked_mm < self._bar.distance_mm + float(lamps.y_mm[lamps.item_id == item_id][0]):
                self._stopped_mm[item_id] = asked_mm
                self._first_seen_mm.setdefault(item_id, self._travel_mm)

    def _pass_the_bar(self) -> None:
        """Hold the pulses against every lamp that is well past the bar, and let items go."""
        passing_mm = self._items.passing_mm(np.full(len(self._items), self._bar.distance_mm))
        gone = passing_mm + 500.0 < self._travel_mm
        bar_mm = np.array((0.0, self._bar.distance_mm))
        for row in np.flatnonzero(gone & (self._items.fraction == LAMP)).tolist():
            outline = self._items.outline_at_mm(row, float(passing_mm[row]))
            hidden = int(self._items.item_id[row]) not in self._first_seen_mm
            self._lamps.append((hidden, self._struck(outline + bar_mm)))
        if gone.any():
            self._items = self._items.chosen(~gone)
        oldest_mm = self._travel_mm - 3000.0
        while self._pulses and self._pulses[0].close_tick * self._mm_per_tick < oldest_mm:
            self._pulses.popleft()

    def _struck(self, outline_mm: Float64Array) -> bool:
        """Return whether any pulse's air reached an outline as it passed the bar."""
        low, high = outline_mm.min(axis=0), outline_mm.max(axis=0)
        for pulse in self._pulses:
            swept = self._swept_mm(pulse)
            if (
                swept[0, 0] <= high[0]
                and swept[2, 0] >= low[0]
                and swept[0, 1] <= high[1]
                and swept[2, 1] >= low[1]
                and contact_mm(outline_mm, swept) is not None
            ):
                return True
        return False

    def _swept_mm(self, pulse: EjectionCommand) -> Float64Array:
        """Return the rectangle that a pulse's air may reach, x and belt travel."""
        bar, speed = self._bar, self._speed
        spread_mm = JITTER_SIGMA * bar.valve_jitter_ms * 1e-3 * speed + self._jet_mm
        left = bar.valve_map.centre_x_mm(pulse.valves.first) - self._jet_mm
        right = bar.valve_map.centre_x_mm(pulse.valves.last) + self._jet_mm
        opened = pulse.open_tick * self._mm_per_tick + bar.valve_open_lag_ms * 1e-3 * speed
        closed = pulse.close_tick * self._mm_per_tick + bar.valve_close_lag_ms * 1e-3 * speed
        first, last = opened - spread_mm, closed + spread_mm
        return np.array([[left, first], [right, first], [right, last], [left, last]])


class _Pool:
    """Plain items drawn once and fed again and again: drawing takes longer than sorting."""

    sprites: tuple[Sprite, ...] = ()

    def __init__(self) -> None:
        plain, rng = PlainCatalogue(), np.random.default_rng(0)
        self._drawn = {f: [plain.draw(f, rng) for _ in range(_POOL)] for f in FRACTIONS}

    def has(self, fraction: Fraction) -> bool:
        """Return True: every fraction has its pool."""
        return fraction in self._drawn

    def draw(self, fraction: Fraction, rng: np.random.Generator) -> CatalogueItem:
        """Return one of the pool."""
        return self._drawn[fraction][int(rng.integers(_POOL))]

    def mean_area_mm2(self, fraction: Fraction) -> float:
        """Return the pool's mean area."""
        return float(np.mean([outline_area_mm2(i.outline_mm) for i in self._drawn[fraction]]))


def _area(boxes: Float64Array) -> Float64Array:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float64)


def together(tallies: list[HazardTally]) -> HazardTally:
    """Return the sum of tallies; responses by their worst and their mean."""
    total = tallies[0]
    for other in tallies[1:]:
        total = replace(
            total,
            **{
                name: getattr(total, name) + getattr(other, name)
                for name in (
                    "items",
                    "lamps",
                    "hidden",
                    "lamps_jetted",
                    "hidden_jetted",
                    "lamps_stopped",
                    "pulses",
                    "false_stops",
                    "belt_s",
                )
            },
            worst_response_mm=max(total.worst_response_mm, other.worst_response_mm),
        )
    mean = float(
        np.average(
            [t.mean_response_mm for t in tallies],
            weights=[max(t.lamps_stopped, 1) for t in tallies],
        )
    )
    return replace(total, mean_response_mm=mean)
