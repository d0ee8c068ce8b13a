"""The alarm desk: every alarm that is not normal, in its ISA-18.2 state, and what people ask of it.

For a page (in the event loop, nothing blocks): `hub.desk.entries()` is the list, most urgent first;
`shelve`, `unshelve`, `take_out_of_service` and `return_to_service` do what their names say or raise
`AlarmRefusedError` with the reason; `load()` has the flood figures. A page acknowledges through
`hub.request(AcknowledgeAlarm(...))`, which tells both this desk and the line.
"""

import dataclasses
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from controller.alarm_list import AlarmPriority, entry_of
from controller.snapshot import Alarm, AlarmKind
from telemetry.alarms.load import alarm_load
from telemetry.alarms.rises import Rises
from telemetry.alarms.types import (
    AlarmAct,
    AlarmEntry,
    AlarmEvent,
    AlarmLoad,
    AlarmRefusedError,
    AlarmState,
    DeskChange,
)
from telemetry.wall import UtcMapper, WallClock, utc_now

LONGEST_SHELF: Final = timedelta(hours=12)
"""One shift: whoever shelves an alarm answers for it and hands it over."""
REASON_CHARACTERS: Final = 200
_RANK: Final = {priority: rank for rank, priority in enumerate(AlarmPriority)}


class AlarmDesk:
    """Keeps the alarms' states. Runs in the event loop; nothing blocks.

    Args:
        utc: maps the line's time to wall time.
        now: wall time.
        entries: as a journal kept them over a restart.
        rises: of the last day, likewise.
    """

    def __init__(
        self,
        *,
        utc: UtcMapper,
        now: WallClock = utc_now,
        entries: Iterable[AlarmEntry] = (),
        rises: Iterable[tuple[datetime, AlarmKind]] = (),
    ) -> None:
        self._utc, self._now = utc, now
        self._entries = {entry.kind: entry for entry in entries}
        self._rises = Rises(rises)
        self._events: list[AlarmEvent] = []

    def entries(self) -> tuple[AlarmEntry, ...]:
        """Return what is not normal: most urgent first, then oldest; what is set aside last."""
        return tuple(sorted(self._entries.values(), key=_order))

    def entry(self, kind: AlarmKind) -> AlarmEntry | None:
        """Return one alarm, None while it is normal."""
        return self._entries.get(kind)

    def observe(self, standing: Iterable[Alarm]) -> None:
        """Take in which conditions stand now; shelves that are over end. Call it regularly."""
        now = self._now()
        alarms = {alarm.kind: alarm for alarm in standing}
        for kind in tuple(self._entries):
            self._expire(kind, now)
            if kind not in alarms:
                self._returned(kind, now)
        for alarm in sorted(alarms.values(), key=lambda alarm: alarm.raised_ns):
            self._stands(alarm, now)

    def acknowledge(self, kind: AlarmKind, operator: str) -> None:
        """Note that an operator has seen the alarm; doing so twice changes nothing.

        Raises:
            AlarmRefusedError: it is normal, or set aside.
        """
        entry = self._entries.get(kind)
        if entry is None or entry.set_aside:
            why = "is set aside" if entry is not None else "does not stand"
            raise AlarmRefusedError(f"alarm {kind.value} {why}")
        if entry.acknowledged:
            return
        at = self._now()
        if entry.active:
            self._put(entry, state=AlarmState.ACKNOWLEDGED, **_by(operator, at))
        else:
            del self._entries[kind]
        self._log(kind, AlarmAct.ACKNOWLEDGED, operator=operator)

    def shelve(self, kind: AlarmKind, operator: str, *, seconds: float, reason: str) -> None:
        """Set an alarm aside for a time, whether it stands or not.

        Args:
            kind: which.
            operator: who answers for it.
            seconds: for how long, up to a shift of 12 h.
            reason: why, in words.

        Raises:
            AlarmRefusedError: critical, out of service, too long, or no reason given.
        """
        longest_s = LONGEST_SHELF.total_seconds()
        if not 0 < seconds <= longest_s:
            raise AlarmRefusedError(f"an alarm is shelved for up to {longest_s / 3600:g} h")
        if entry_of(kind).priority is AlarmPriority.CRITICAL:
            raise AlarmRefusedError(f"alarm {kind.value} is critical and is not shelved")
        if self._state(kind) is AlarmState.OUT_OF_SERVICE:
            raise AlarmRefusedError(f"alarm {kind.value} is out of service")
        until = self._now() + timedelta(seconds=seconds)
        self._set_aside(kind, AlarmState.SHELVED, operator, reason, until=until)
        self._log(kind, AlarmAct.SHELVED, operator=operator, detail=reason)

    def unshelve(self, kind: AlarmKind, operator: str) -> None:
        """Take an alarm off the shelf before its time.

        Raises:
            AlarmRefusedError: it is not shelved.
        """
        self._bring_back(kind, AlarmState.SHELVED, AlarmAct.UNSHELVED, operator)

    def take_out_of_service(self, kind: AlarmKind, operator: str, *, reason: str) -> None:
        """Set an alarm aside for repair, until a person puts it back.

        Raises:
            AlarmRefusedError: critical, out of service already, or no reason given.
        """
        if entry_of(kind).priority is AlarmPriority.CRITICAL:
            raise AlarmRefusedError(f"alarm {kind.value} is critical and stays in service")
        if self._state(kind) is AlarmState.OUT_OF_SERVICE:
            raise AlarmRefusedError(f"alarm {kind.value} is out of service already")
        self._set_aside(kind, AlarmState.OUT_OF_SERVICE, operator, reason, until=None)
        self._log(kind, AlarmAct.OUT_OF_SERVICE, operator=operator, detail=reason)

    def return_to_service(self, kind: AlarmKind, operator: str) -> None:
        """Put an alarm back into service.

        Raises:
            AlarmRefusedError: it is not out of service.
        """
        self._bring_back(kind, AlarmState.OUT_OF_SERVICE, AlarmAct.IN_SERVICE, operator)

    def load(self) -> AlarmLoad:
        """Return how much the alarms ask of people."""
        return alarm_load(self._entries.values(), self._rises, self._now())

    def take_change(self) -> DeskChange | None:
        """Return what has happened since the last call and is to be written, None if nothing."""
        if not self._events:
            return None
        events, self._events = tuple(self._events), []
        touched = dict.fromkeys(event.kind for event in events)
        return DeskChange(
            events=events,
            entries=tuple(self._entries[kind] for kind in touched if kind in self._entries),
            normal=tuple(kind for kind in touched if kind not in self._entries),
        )

    def _stands(self, alarm: Alarm, now: datetime) -> None:
        entry = self._entries.get(alarm.kind)
        if entry is None or not entry.active:
            self._raise(alarm, entry)
            entry = self._entries[alarm.kind]
        elif entry.detail != alarm.detail:
            self._entries[alarm.kind] = entry = dataclasses.replace(entry, detail=alarm.detail)
        if alarm.acknowledged and entry.state is AlarmState.UNACKNOWLEDGED:
            self._put(entry, state=AlarmState.ACKNOWLEDGED, **_by(entry.acknowledged_by, now))
            self._log(alarm.kind, AlarmAct.ACKNOWLEDGED)

    def _raise(self, alarm: Alarm, before: AlarmEntry | None) -> None:
        at = self._utc.at_utc(alarm.raised_ns)
        fresh = AlarmEntry(
            kind=alarm.kind,
            state=AlarmState.UNACKNOWLEDGED,
            active=True,
            priority=entry_of(alarm.kind).priority,
            detail=alarm.detail,
            raised_at=at,
            first_out=self._is_first_out(alarm.kind),
        )
        if before is not None and before.set_aside:
            fresh = dataclasses.replace(
                fresh,
                state=before.state,
                set_aside_by=before.set_aside_by,
                set_aside_why=before.set_aside_why,
                shelved_until=before.shelved_until,
                first_out=False,
            )
        else:
            self._rises.add(at, alarm.kind)
        self._entries[alarm.kind] = fresh
        self._events.append(
            AlarmEvent(at=at, kind=alarm.kind, act=AlarmAct.RAISED, detail=alarm.detail)
        )

    def _is_first_out(self, kind: AlarmKind) -> bool:
        """Of alarms that stop the line, the one that came while no other of them stood."""
        others = (e for e in self._entries.values() if e.kind is not kind and not e.set_aside)
        return entry_of(kind).stops_line and not any(
            entry.active and entry_of(entry.kind).stops_line for entry in others
        )

    def _returned(self, kind: AlarmKind, now: datetime) -> None:
        entry = self._entries.get(kind)
        if entry is None or not entry.active:
            return
        self._log(kind, AlarmAct.RETURNED)
        if entry.set_aside:
            self._put(entry, active=False, returned_at=now)
        elif entry.acknowledged:
            del self._entries[kind]
        else:
            self._put(entry, state=AlarmState.RETURNED, active=False, returned_at=now)

    def _expire(self, kind: AlarmKind, now: datetime) -> None:
        entry = self._entries[kind]
        if entry.shelved_until is not None and now >= entry.shelved_until:
            self._restore(entry)
            self._log(kind, AlarmAct.SHELF_EXPIRED)

    def _state(self, kind: AlarmKind) -> AlarmState | None:
        entry = self._entries.get(kind)
        return None if entry is None else entry.state

    def _set_aside(
        self, kind: AlarmKind, state: AlarmState, who: str, why: str, *, until: datetime | None
    ) -> None:
        if not why.strip():
            raise AlarmRefusedError("say why it is set aside")
        entry = self._entries.get(kind) or AlarmEntry(
            kind=kind,
            state=state,
            active=False,
            priority=entry_of(kind).priority,
            detail="",
            raised_at=None,
        )
        self._put(
            entry,
            state=state,
            first_out=False,
            set_aside_by=who,
            set_aside_why=why.strip()[:REASON_CHARACTERS],
            shelved_until=until,
        )

    def _bring_back(self, kind: AlarmKind, state: AlarmState, act: AlarmAct, operator: str) -> None:
        entry = self._entries.get(kind)
        if entry is None or entry.state is not state:
            raise AlarmRefusedError(f"alarm {kind.value} is not {state.value.replace('_', ' ')}")
        self._restore(entry)
        self._log(kind, act, operator=operator)

    def _restore(self, entry: AlarmEntry) -> None:
        """Let an alarm be announced again; a condition that stands comes back unacknowledged."""
        if not entry.active:
            del self._entries[entry.kind]
            return
        self._put(
            entry,
            state=AlarmState.UNACKNOWLEDGED,
            acknowledged_by="",
            acknowledged_at=None,
            set_aside_by="",
            set_aside_why="",
            shelved_until=None,
        )

    def _put(self, entry: AlarmEntry, **changes: object) -> None:
        self._entries[entry.kind] = dataclasses.replace(entry, **changes)  # type: ignore[arg-type]

    def _log(self, kind: AlarmKind, act: AlarmAct, *, operator: str = "", detail: str = "") -> None:
        self._events.append(
            AlarmEvent(at=self._now(), kind=kind, act=act, operator=operator, detail=detail)
        )


def _by(operator: str, at: datetime) -> dict[str, object]:
    return {"acknowledged_by": operator, "acknowledged_at": at}


def _order(entry: AlarmEntry) -> tuple[bool, int, bool, float]:
    raised = entry.raised_at.timestamp() if entry.raised_at is not None else 0.0
    return entry.set_aside, _RANK[entry.priority], not entry.first_out, raised
