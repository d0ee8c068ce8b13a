"""Follows a line's snapshots and tells its time apart into stretches, with their causes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from calibration.clock import Clock, seconds_between
from calibration.units import NS_PER_S, MonotonicNs
from controller.snapshot import AlarmKind, LineSnapshot
from controller.states import LineState
from telemetry.effectiveness.types import Stretch, StretchKind
from telemetry.wall import UtcMapper

STARVED_AFTER_S: Final = 10.0
"""So long without a new item and the belt counts as empty; at the thinnest feed that sorts at all,
an item every three seconds, chance leaves such a gap once in half a minute of exp(-10/3)."""
RENEWED_EVERY_S: Final = 10.0
"""How often the running stretch is written down: what a kill can cost."""
_MOST_CHANGES: Final = 5_000
_WAITING: Final = "; waiting:"


@dataclass(slots=True, kw_only=True)
class _Running:
    stretch: Stretch
    started_ns: MonotonicNs
    written_ns: MonotonicNs


class StateBook:
    """Stretches of one line. Runs in the event loop; nothing blocks.

    Args:
        clock: durations are by it.
        utc: wall time for people.
        starved_after_s: without a new item, executing counts as starved.
    """

    def __init__(
        self, *, clock: Clock, utc: UtcMapper, starved_after_s: float = STARVED_AFTER_S
    ) -> None:
        self._clock, self._utc = clock, utc
        self._starved_after_s = starved_after_s
        self._running: _Running | None = None
        self._seen, self._seen_ns = -1, clock.now_ns()
        self._session_id = ""
        self._last_id = 0
        self._changes: dict[int, Stretch] = {}

    @property
    def running(self) -> Stretch | None:
        """The stretch that goes on now, None while no line answers."""
        return None if self._running is None else self._present(self._running)

    def observe(
        self, snapshot: LineSnapshot | None, *, first_out: Callable[[], AlarmKind | None]
    ) -> None:
        """Take in the line's newest snapshot. Call it several times a second.

        Args:
            snapshot: None while the line does not answer.
            first_out: the first-out alarm that stands, asked for when a stop begins.
        """
        now_ns = self._clock.now_ns()
        if snapshot is None:
            self._end(now_ns)
            return
        self._count(snapshot, now_ns)
        kind, since_ns = self._kind(snapshot, now_ns)
        running = self._running
        if running is None or not _goes_on(running.stretch, kind, snapshot):
            since_ns = max(since_ns, now_ns if running is None else running.started_ns)
            self._end(since_ns)
            alarm = first_out() if kind is StretchKind.STOPPED else None
            self._begin(kind, snapshot, since_ns, alarm)
        elif seconds_between(running.written_ns, now_ns) >= RENEWED_EVERY_S:
            running.written_ns = now_ns
            self._change(self._present(running))
        self._name_alarm(first_out)

    def take_changes(self) -> tuple[Stretch, ...]:
        """Return the stretches that changed since the last call, for the store."""
        changes, self._changes = tuple(self._changes.values()), {}
        return changes

    def put_back(self, changes: tuple[Stretch, ...]) -> None:
        """Keep changes that could not be written, unless newer ones are there; oldest go first."""
        kept = {stretch.stretch_id: stretch for stretch in changes} | self._changes
        self._changes = dict(list(kept.items())[-_MOST_CHANGES:])

    def close(self) -> None:
        """End the running stretch: this process ends in good order."""
        self._end(self._clock.now_ns())

    def _count(self, snapshot: LineSnapshot, now_ns: MonotonicNs) -> None:
        seen = snapshot.totals.seen
        fresh = snapshot.session_id != self._session_id or snapshot.state is not LineState.EXECUTE
        if fresh or seen != self._seen:
            self._session_id, self._seen, self._seen_ns = snapshot.session_id, seen, now_ns

    def _kind(self, snapshot: LineSnapshot, now_ns: MonotonicNs) -> tuple[StretchKind, MonotonicNs]:
        """Return what the line does and since when."""
        if snapshot.state is not LineState.EXECUTE:
            return StretchKind.STOPPED, now_ns
        if seconds_between(self._seen_ns, now_ns) >= self._starved_after_s:
            return StretchKind.STARVED, self._seen_ns
        return StretchKind.PRODUCING, now_ns

    def _begin(
        self,
        kind: StretchKind,
        snapshot: LineSnapshot,
        since_ns: MonotonicNs,
        alarm: AlarmKind | None,
    ) -> None:
        started_at = self._utc.at_utc(since_ns)
        # A wall clock set back must not give two stretches one number.
        self._last_id = max(self._last_id + 1, round(started_at.timestamp() * 1e6))
        stretch = Stretch(
            stretch_id=self._last_id,
            kind=kind,
            started_at=started_at,
            ended_at=None,
            duration_s=0.0,
            state=snapshot.state,
            mode=snapshot.mode,
            cause=snapshot.state_reason.split(_WAITING)[0],
            alarm=alarm,
        )
        self._running = _Running(stretch=stretch, started_ns=since_ns, written_ns=since_ns)
        self._change(stretch)

    def _name_alarm(self, first_out: Callable[[], AlarmKind | None]) -> None:
        """An alarm may rise a moment after the stop that it explains."""
        running = self._running
        if running is None or running.stretch.kind is not StretchKind.STOPPED:
            return
        if running.stretch.alarm is None and (alarm := first_out()) is not None:
            running.stretch = replace(running.stretch, alarm=alarm)
            self._change(self._present(running))

    def _end(self, at_ns: MonotonicNs) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        duration_s = (at_ns - running.started_ns) / NS_PER_S
        ended_at = running.stretch.started_at + timedelta(seconds=duration_s)
        self._change(replace(running.stretch, ended_at=ended_at, duration_s=duration_s))

    def _present(self, running: _Running) -> Stretch:
        duration_s = seconds_between(running.started_ns, self._clock.now_ns())
        return replace(running.stretch, duration_s=duration_s)

    def _change(self, stretch: Stretch) -> None:
        self._changes[stretch.stretch_id] = stretch


def _goes_on(stretch: Stretch, kind: StretchKind, snapshot: LineSnapshot) -> bool:
    return stretch.kind is kind and stretch.mode is snapshot.mode
