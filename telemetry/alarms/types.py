"""What people see of an alarm, and what they may ask of it (ISA-18.2 / IEC 62682)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.alarm_list import AlarmPriority
from controller.snapshot import AlarmKind
from telemetry.errors import TelemetryError


class AlarmRefusedError(TelemetryError):
    """A request that does not fit the alarm's state; says why, for people."""


class AlarmState(StrEnum):
    """State of an alarm that is not normal."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned_unacknowledged"
    """The condition is gone and nobody has acknowledged it yet."""
    SHELVED = "shelved"
    """Set aside by an operator for a time; it comes back by itself."""
    OUT_OF_SERVICE = "out_of_service"
    """Set aside for repair until a person puts it back."""


class AlarmAct(StrEnum):
    """What happened to an alarm, as the journal keeps it."""

    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SHELF_EXPIRED = "shelf_expired"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEntry:
    """One alarm that is not normal, as lists show it.

    Attributes:
        kind: which; its words are `controller.alarm_list.entry_of(kind).words(language)`.
        state: of the alarm.
        active: whether the condition is there now, also while shelved or out of service.
        priority: from the rationalised list.
        detail: what was seen last, with figures; empty for one set aside before it ever came.
        raised_at: wall time of the last rise, None if it never rose.
        returned_at: when the condition went, None while it is there or never was.
        acknowledged_by: who, empty if nobody.
        acknowledged_at: when, None if nobody.
        first_out: it came first of those that stop the line.
        set_aside_by: who shelved it or took it out of service, empty if neither.
        set_aside_why: the reason given.
        shelved_until: when it comes back by itself, None unless shelved.
    """

    kind: AlarmKind
    state: AlarmState
    active: bool
    priority: AlarmPriority
    detail: str
    raised_at: datetime | None
    returned_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    first_out: bool = False
    set_aside_by: str = ""
    set_aside_why: str = ""
    shelved_until: datetime | None = None

    @property
    def set_aside(self) -> bool:
        """Shelved or out of service: not announced, listed apart."""
        return self.state in (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)

    @property
    def acknowledged(self) -> bool:
        """Somebody has seen this rise."""
        return self.acknowledged_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEvent:
    """One line of the alarm journal.

    Attributes:
        at: wall time.
        kind: which alarm.
        act: what happened.
        operator: who did it, empty for what happened by itself.
        detail: what was seen, or the reason given.
    """

    at: datetime
    kind: AlarmKind
    act: AlarmAct
    operator: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskChange:
    """What is to be written: events, and how the alarms they touch stand now.

    Attributes:
        events: in order.
        entries: as they stand.
        normal: alarms that are normal again.
    """

    events: tuple[AlarmEvent, ...]
    entries: tuple[AlarmEntry, ...]
    normal: tuple[AlarmKind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCount:
    """How often one alarm rose.

    Attributes:
        kind: which.
        rises: in the last 24 h.
        share: of all rises.
    """

    kind: AlarmKind
    rises: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmLoad:
    """How much the alarms ask of people (ISA-18.2 clause 16, EEMUA 191).

    Attributes:
        last_10_min: rises within the last ten minutes; one is acceptable, above ten is a flood.
        peak_10_min: most rises within any ten minutes of the last 24 h.
        last_24_h: rises within the last 24 h; about 150 are acceptable, 300 the most manageable.
        in_flood: more than ten in the last ten minutes.
        standing: active alarms that are not set aside.
        unacknowledged: of those, and of those returned, nobody has acknowledged.
        shelved: set aside for a time.
        out_of_service: set aside for repair.
        chattering: rose three times or more within a minute in the last hour.
        stale: active without a break for more than 24 h.
        most_frequent: at most ten, most frequent first.
    """

    last_10_min: int
    peak_10_min: int
    last_24_h: int
    in_flood: bool
    standing: int
    unacknowledged: int
    shelved: int
    out_of_service: int
    chattering: tuple[AlarmKind, ...]
    stale: tuple[AlarmKind, ...]
    most_frequent: tuple[AlarmCount, ...]
