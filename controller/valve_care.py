"""A running line's valves: wear counted, evidence gathered, the technician told which to change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from calibration.drift.alarm import DriftFinding
from calibration.units import MonotonicNs
from calibration.valve_response import BarResponse, ValveHealth
from controller.downstream_look import DownstreamFollower
from controller.miss_watch import DownstreamCount, MissWatch, SuspectValve
from controller.stations import JetBarConfig, StationConfig
from controller.step import DecidedItem
from controller.types import ItemOutcome, ItemRecord
from controller.valve_wear import BarCount, BarWear, ValveWear
from plc.types import EjectionCommand, EjectionReport
from vision.types import Detections, FrameStamp

_NAMED = 6
"""Valves named in one alarm; more are counted, the list is in the report."""


class ValveCare:
    """One line's valves. One thread, but for `counts`; pure."""

    def __init__(
        self,
        stations: Sequence[StationConfig],
        *,
        wear: ValveWear,
        misses: MissWatch | None,
        tested: Iterable[BarResponse] = (),
        warn_share: float = 1.0,
        follower: DownstreamFollower | None = None,
    ) -> None:
        """Begin with what is known of the valves.

        Args:
            stations: of the line.
            wear: counts of the bars.
            misses: evidence from downstream; None where nobody looks there.
            tested: last valve tests.
            warn_share: share of the rated life from which a valve is to be changed.
            follower: of the camera behind the bars; None where there is none.
        """
        self._bars = {i: s for i, s in enumerate(stations) if isinstance(s, JetBarConfig)}
        self._wear, self._misses, self._warn_share = wear, misses, warn_share
        self._follower, self._frames = follower, 0
        by_name = {bar.station: bar for bar in tested}
        self._tested = {i: by_name[s.name] for i, s in self._bars.items() if s.name in by_name}
        self._known_bad = tuple(self._bad_by_test())
        self._found: tuple[str, ...] = ()
        self._worn: tuple[str, ...] = ()
        self._silent: tuple[tuple[int, int], ...] = ()
        self._counts: Mapping[str, BarCount] = {}

    @property
    def silent(self) -> tuple[tuple[int, int], ...]:
        """(station, valve) of valves found in operation not to blow."""
        return self._silent

    @property
    def words(self) -> str | None:
        """Which valves a technician has to see to and why, None if none."""
        found = [*self._found, *self._known_bad, *self._worn]
        shown, hidden = found[:_NAMED], len(found) - _NAMED
        return "; ".join([*shown, *([f"and {hidden} more"] if hidden > 0 else [])]) or None

    @property
    def late_bars(self) -> tuple[DriftFinding, ...]:
        """Bars that blow late or weakly by what is seen downstream."""
        return () if self._misses is None else self._misses.late_bars

    @property
    def air_nl_per_t(self) -> float | None:
        """Normal litres per tonne of items seen, None before the first item."""
        return self._wear.air_nl_per_t

    def counts(self) -> Mapping[str, BarCount]:
        """Return the newest counts by station; from any thread."""
        return self._counts

    def decided(self, item: DecidedItem) -> None:
        """Note an item and what is to become of it."""
        self._wear.seen(item.track.mass_g)
        if self._misses is not None:
            self._misses.decided(item)

    def commanded(self, commands: Iterable[EjectionCommand]) -> None:
        """Note pulses on their way to the PLC."""
        for command in commands:
            self._wear.commanded(command)

    def reported(self, report: EjectionReport, ticks_per_s: float) -> EjectionCommand | None:
        """Note what the PLC made of a pulse; returns what was asked for where it fired."""
        return self._wear.reported(report, ticks_per_s)

    def closed(self, records: Iterable[ItemRecord]) -> None:
        """Note items whose every pulse was fired."""
        if self._misses is None:
            return
        for record in records:
            if record.outcome is ItemOutcome.EJECTED:
                self._misses.ejected(record.track.track_id)

    @property
    def downstream(self) -> DownstreamCount | None:
        """What was seen behind the bars, None where nobody looks."""
        return None if self._misses is None else replace(self._misses.count, frames=self._frames)

    def looked(self, stamp: FrameStamp, detections: Detections) -> None:
        """Take a frame of the camera behind the bars; nothing happens where there is none."""
        if self._follower is None or self._misses is None:
            return
        self._frames += 1
        look = self._follower.look(stamp, detections)
        if look.blind:
            self._misses.blind(stamp.tick, view_begins_mm=self._follower.begin_mm)
        self._misses.saw(look.sightings)
        if self._misses.passed(stamp.tick):
            suspects = self._misses.suspects
            self._silent = tuple((s.station, s.valve) for s in suspects)
            self._found = tuple(self._suspect_words(suspect) for suspect in suspects)

    def at(self, now_ns: MonotonicNs) -> None:
        """Let time pass."""
        self._wear.at(now_ns)

    def bars(self) -> tuple[BarWear, ...]:
        """Return the bars' wear for the snapshot, and renew what `counts` returns."""
        self._counts = {bar.station: bar for bar in self._wear.since_new()}
        silent = {
            index: (self._tested[index].silent if index in self._tested else frozenset())
            | {valve for station, valve in self._silent if station == index}
            for index in self._bars
        }
        bars = self._wear.bars(silent)
        by_name = {bar.name: bar for bar in self._bars.values()}
        self._worn = tuple(
            f"{_named(by_name[bar.station], bar.worn_valve)} has done {bar.life_share:.0%} of its "
            "rated cycles"
            for bar in bars
            if bar.life_share >= self._warn_share
        )
        return bars

    def _suspect_words(self, suspect: SuspectValve) -> str:
        bar = self._bars[suspect.station]
        return (
            f"{_named(bar, suspect.valve)} does not blow items off in time: "
            f"{suspect.missed} of the last {suspect.items} it was fired at were seen downstream"
        )

    def _bad_by_test(self) -> Iterable[str]:
        for index, bar in self._tested.items():
            for valve in bar.valves:
                if valve.health is not ValveHealth.OK:
                    kind = "slow" if valve.health is ValveHealth.SLOW else "dead"
                    where = _named(self._bars[index], valve.valve)
                    yield f"{where} is {kind} by the test of {bar.measured_at_utc[:10]}"


def _named(bar: JetBarConfig, valve: int) -> str:
    """Name a valve as it is printed on the bar, and where it is."""
    return (
        f"station {bar.name} valve {bar.first_printed + valve} "
        f"(at {bar.valve_map.centre_x_mm(valve):.0f} mm)"
    )
