"""One bar's valves over time: pulses that never overlap on a valve, are long enough, and rest.

Windows wanted at the same time are united valve by valve, so that the air covers exactly what was
asked for and no more; a window that meets a pulse already sent is trimmed to what that leaves.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from calibration.valve_map import ValveSpan
from controller.jet_window import JetWindow, StationTiming
from plc.types import EjectionCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedWindow:
    """A window that an item needs; `track_id` names the item."""

    track_id: int
    window: JetWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPulse:
    """A pulse and the items that asked for it in this step.

    Attributes:
        command: the pulse.
        track_ids: items it serves.
        new: it must still be sent; False for one sent in an earlier step.
    """

    command: EjectionCommand
    track_ids: tuple[int, ...]
    new: bool


@dataclass(slots=True)
class _Interval:
    open_tick: int
    close_tick: int
    track_ids: set[int] = field(default_factory=set)


_Column = tuple[int, int, frozenset[int], tuple[int, int]]
"""What valves that go into one pulse have in common: ticks, items, and how late they answer."""


class ValveSchedule:
    """What one station's valves are already committed to. One thread."""

    def __init__(self, *, valve_count: int, max_duty: float, duty_window_ms: float) -> None:
        """Start with all valves at rest."""
        self._committed: list[list[EjectionCommand]] = [[] for _ in range(valve_count)]
        self._sent: list[EjectionCommand] = []
        self._max_duty = max_duty
        self._duty_window_ms = duty_window_ms

    def sent_after(self, tick: float) -> tuple[EjectionCommand, ...]:
        """Return the pulses that close after `tick`, in order of id."""
        self._sent = [pulse for pulse in self._sent if pulse.close_tick > tick]
        return tuple(self._sent)

    def allows_duty(self, window: JetWindow, timing: StationTiming) -> bool:
        """Return whether every valve of the window keeps its duty limit with it."""
        span_tick = self._duty_window_ms * timing.ticks_per_ms
        limit_tick = self._max_duty * span_tick
        length = window.close_tick - window.open_tick
        if length > limit_tick:
            return False
        return all(
            self._busiest(valve, window, span_tick) + length <= limit_tick
            for valve in range(window.first, window.last + 1)
        )

    def _busiest(self, valve: int, window: JetWindow, span_tick: float) -> float:
        """Return the longest committed open time of any duty span that holds the window."""
        first, last = window.close_tick - span_tick, window.open_tick + span_tick
        pulses = [p for p in self._committed[valve] if p.close_tick > first and p.open_tick < last]
        if not pulses:
            return 0.0
        ends = [float(window.close_tick)]
        ends += [float(p.close_tick) for p in pulses if window.close_tick < p.close_tick < last]
        return max(
            sum(
                max(0.0, min(p.close_tick, end) - max(p.open_tick, end - span_tick)) for p in pulses
            )
            for end in ends
        )

    def reserve(
        self,
        wanted: Sequence[WantedWindow],
        timing: StationTiming,
        make: Callable[[JetWindow], EjectionCommand],
        *,
        earliest_tick: int | None = None,
    ) -> tuple[SharedPulse, ...]:
        """Commit the valves for some windows.

        Valves that do not blow are left out; valves that answer unlike their bar are switched
        earlier or later, so that all air comes and goes together.

        Args:
            wanted: windows of this step at this station.
            timing: the station at the present belt speed.
            make: turns a window into a command with a fresh pulse id.
            earliest_tick: nothing that is fired earlier to make up for a slow valve opens before.

        Returns:
            New pulses and, where one already sent covers part of a window, that one. A window of
            which nothing can be served appears in none of them.
        """
        shared: dict[int, tuple[EjectionCommand, set[int]]] = {}
        columns: dict[_Column, list[int]] = {}
        valves = {v for w in wanted for v in range(w.window.first, w.window.last + 1)}
        for valve in sorted(valves - timing.aim.silent):
            shift = timing.shift_tick(valve)
            for piece in self._pieces(valve, wanted, timing, shared, earliest_tick):
                key = (piece.open_tick, piece.close_tick, frozenset(piece.track_ids), shift)
                columns.setdefault(key, []).append(valve)
        result = [
            SharedPulse(command=command, track_ids=tuple(sorted(ids)), new=False)
            for command, ids in shared.values()
        ]
        for (open_tick, close_tick, ids, _), alike in sorted(
            columns.items(), key=lambda c: (c[0][:2], c[1])
        ):
            for span in _runs(alike):
                command = make(
                    JetWindow(
                        first=span.first,
                        last=span.last,
                        open_tick=open_tick,
                        close_tick=close_tick,
                    )
                )
                self._commit(command, timing)
                result.append(SharedPulse(command=command, track_ids=tuple(sorted(ids)), new=True))
        return tuple(result)

    def _commit(self, command: EjectionCommand, timing: StationTiming) -> None:
        self._sent.append(command)
        # Later windows open at most about one view length before this one; twice the duty window
        # is kept so that they still see everything that counts for their duty.
        horizon = command.open_tick - 2.0 * self._duty_window_ms * timing.ticks_per_ms
        for valve in _valves(command.valves):
            pulses = self._committed[valve]
            if pulses and pulses[0].close_tick < horizon:
                pulses[:] = [pulse for pulse in pulses if pulse.close_tick >= horizon]
            pulses.append(command)

    def _pieces(
        self,
        valve: int,
        wanted: Sequence[WantedWindow],
        timing: StationTiming,
        shared: dict[int, tuple[EjectionCommand, set[int]]],
        earliest_tick: int | None,
    ) -> list[_Interval]:
        """Return what one valve has to do beside what it is already committed to."""
        rest_tick = timing.rest_tick
        pieces: list[_Interval] = []
        shift = timing.shift_tick(valve)
        # Shifted first: a valve that opens late and closes in time needs a longer pause.
        mine = [
            _shifted(
                _Interval(w.window.open_tick, w.window.close_tick, {w.track_id}),
                shift,
                earliest_tick,
            )
            for w in wanted
            if w.window.first <= valve <= w.window.last
        ]
        for interval in _united(mine, rest_tick):
            first, last = interval.open_tick - rest_tick, interval.close_tick + rest_tick
            left = [interval]
            for pulse in self._committed[valve]:
                if pulse.close_tick <= first or pulse.open_tick >= last:
                    continue
                if pulse.open_tick < interval.close_tick and pulse.close_tick > interval.open_tick:
                    shared.setdefault(pulse.pulse_id, (pulse, set()))[1].update(interval.track_ids)
                start, end = pulse.open_tick - rest_tick, pulse.close_tick + rest_tick
                left = [part for piece in left for part in _without(piece, start, end)]
            for piece in left:
                pieces.extend(_fitted(piece, timing, rest_tick))
        return pieces


def _valves(span: ValveSpan) -> range:
    return range(span.first, span.last + 1)


def _united(mine: Iterable[_Interval], rest_tick: int) -> list[_Interval]:
    """Unite intervals on one valve that leave it no time to close in between."""
    united: list[_Interval] = []
    for item in sorted(mine, key=lambda i: (i.open_tick, i.close_tick, min(i.track_ids))):
        if united and item.open_tick <= united[-1].close_tick + rest_tick:
            united[-1].close_tick = max(united[-1].close_tick, item.close_tick)
            united[-1].track_ids |= item.track_ids
        else:
            united.append(item)
    return united


def _shifted(interval: _Interval, shift: tuple[int, int], earliest_tick: int | None) -> _Interval:
    """Return an interval moved by what its valve is late, but not to before what can be met."""
    if shift == (0, 0):
        return interval
    open_tick = interval.open_tick - shift[0]
    if earliest_tick is not None:
        open_tick = max(open_tick, min(earliest_tick, interval.open_tick))
    return _Interval(open_tick, interval.close_tick - shift[1], interval.track_ids)


def _without(piece: _Interval, start: int, end: int) -> list[_Interval]:
    """Return what is left of a piece outside start..end."""
    if end <= piece.open_tick or start >= piece.close_tick:
        return [piece]
    parts = []
    if piece.open_tick < start:
        parts.append(_Interval(piece.open_tick, start, piece.track_ids))
    if piece.close_tick > end:
        parts.append(_Interval(end, piece.close_tick, piece.track_ids))
    return parts


def _fitted(piece: _Interval, timing: StationTiming, rest_tick: int) -> list[_Interval]:
    """Split what is too long for one pulse; drop what is too short for the valve to follow."""
    length = piece.close_tick - piece.open_tick
    if length < timing.min_open_tick:
        return []
    longest = timing.max_open_tick
    if length <= longest:
        return [piece]
    count = -(-(length + rest_tick) // (longest + rest_tick))
    step = (length + rest_tick) / count
    edges = [piece.open_tick + round(k * step) for k in range(count + 1)]
    return [
        _Interval(start, min(end - rest_tick, start + longest), piece.track_ids)
        for start, end in itertools.pairwise(edges)
        if min(end - rest_tick, start + longest) - start >= timing.min_open_tick
    ]


def _runs(valves: Sequence[int]) -> list[ValveSpan]:
    """Group ascending valve numbers into contiguous spans."""
    spans: list[ValveSpan] = []
    for valve in valves:
        if spans and valve == spans[-1].last + 1:
            spans[-1] = ValveSpan(first=spans[-1].first, last=valve)
        else:
            spans.append(ValveSpan(first=valve, last=valve))
    return spans
