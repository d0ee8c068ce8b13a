"""What the JSON API answers with. Times are ISO 8601 with offset; ratios run from 0 to 1."""

from dataclasses import dataclass
from datetime import datetime

from controller.alarm_list import AlarmArea, AlarmPriority
from controller.snapshot import AlarmKind, StageLatency
from controller.states import LineMode, LineState
from telemetry.alarms.types import AlarmEntry, AlarmEvent, AlarmLoad
from telemetry.composition import Flow
from telemetry.effectiveness.types import Effectiveness, ParetoRow, Stretch, TimeCategory
from telemetry.store_reader import StoredItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request was not answered.

    Attributes:
        detail: in words.
    """

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAnswer:
    """The line now.

    Attributes:
        at: when this was put together.
        line_id: which line, None before the first session.
        session_id: of the line run, None before the first.
        answering: the line is connected and its figures are fresh; else they are the last known.
        state: PackML state, None before the first.
        mode: PackML unit mode.
        reason: why it is in this state, in words.
        state_s: how long it has been.
        bundle_id: model bundle in use.
        belt_speed_mm_per_s: of the belt.
        occupancy: share of the belt that items cover, None while it cannot be told.
        items_seen: in this session.
        latencies: by stage, over the newest half second or so.
        minute: throughput and composition of the last minute.
        alarms_standing: active alarms that are not set aside.
        alarms_unacknowledged: nobody has acknowledged them.
        first_out: the alarm that stopped the line first, None without one.
    """

    at: datetime
    line_id: str | None
    session_id: str | None
    answering: bool
    state: LineState | None
    mode: LineMode | None
    reason: str
    state_s: float | None
    bundle_id: str | None
    belt_speed_mm_per_s: float | None
    occupancy: float | None
    items_seen: int
    latencies: tuple[StageLatency, ...]
    minute: Flow
    alarms_standing: int
    alarms_unacknowledged: int
    first_out: AlarmKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsAnswer:
    """Stored items, newest first.

    Attributes:
        session_id: whose.
        items: whole stories.
        next_before_seq: give it as `before_seq` for the page after this one; None on the last.
    """

    session_id: str
    items: tuple[StoredItem, ...]
    next_before_seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftAnswer:
    """One shift and what it came to.

    Attributes:
        shift_id: local day of its start and its name.
        name: of the shift.
        start: with the plant's offset.
        end: with the plant's offset, not included.
        effectiveness: OEE and its parts, up to the present where the shift is running.
    """

    shift_id: str
    name: str
    start: datetime
    end: datetime
    effectiveness: Effectiveness


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftsAnswer:
    """Shifts, newest first, those that have begun.

    Attributes:
        time_zone: that a day begins in.
        shifts: with their figures.
    """

    time_zone: str
    shifts: tuple[ShiftAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsAnswer:
    """Alarms that are not normal, most urgent first, and the load on people.

    Attributes:
        alarms: with their states.
        load: flood figures.
    """

    alarms: tuple[AlarmEntry, ...]
    load: AlarmLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAlarm:
    """A row of the rationalised list.

    Attributes:
        kind: of the alarm.
        area: where to look.
        priority: by consequence and time to act.
        respond_within_s: from the alarm until not acting costs more.
        stops_line: the line stands or does not fire meanwhile.
        name: in the language asked for.
        cause: likewise.
        consequence: likewise.
        response: likewise.
        review: a native speaker has yet to confirm these words.
    """

    kind: AlarmKind
    area: AlarmArea
    priority: AlarmPriority
    respond_within_s: int
    stops_line: bool
    name: str
    cause: str
    consequence: str
    response: str
    review: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmListAnswer:
    """The rationalised list.

    Attributes:
        alarms: every alarm that there is.
    """

    alarms: tuple[ListedAlarm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalAnswer:
    """The alarm journal of a period, newest first.

    Attributes:
        events: what happened.
    """

    events: tuple[AlarmEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonAnswer:
    """A downtime reason.

    Attributes:
        code: of it.
        category: whose time it means.
        kk: Kazakh words.
        ru: Russian words.
        en: English words.
    """

    code: str
    category: TimeCategory
    kk: str
    ru: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimeAnswer:
    """What a period was spent on.

    Attributes:
        stretches: oldest first; the newest where there are more than a thousand.
        pareto: lost time by cause, largest first.
        reasons: that can be entered.
    """

    stretches: tuple[Stretch, ...]
    pareto: tuple[ParetoRow, ...]
    reasons: tuple[ReasonAnswer, ...]
