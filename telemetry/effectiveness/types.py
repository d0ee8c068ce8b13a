"""How a line's time is told apart, and what effectiveness comes of it (ISO 22400-2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.snapshot import AlarmKind
from controller.states import LineMode, LineState
from telemetry.errors import TelemetryError


class DowntimeRefusedError(TelemetryError):
    """A downtime reason that cannot be entered; says why, for people."""


class StretchKind(StrEnum):
    """What a line was seen doing without a break."""

    PRODUCING = "producing"
    STARVED = "starved"
    """Executing, and nothing lies on the belt."""
    STOPPED = "stopped"
    """In any other PackML state than EXECUTE."""


class TimeCategory(StrEnum):
    """Whose time it was. Only `producing` is actual production time, only `planned` is not busy."""

    PRODUCING = "producing"
    STARVED = "starved"
    """Nothing came from upstream."""
    BLOCKED = "blocked"
    """Nothing could be handed on downstream."""
    EXTERNAL = "external"
    """Suspended, and nobody said for which side."""
    FAULT = "fault"
    """The line itself: held or aborted by a fault, a hazard, a jam, a repair."""
    PLANNED = "planned"
    """A break, cleaning, planned maintenance: not part of the planned busy time."""
    UNEXPLAINED = "unexplained"
    """Stopped by a person, and no reason entered yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Time that passed without a break in what the line did.

    Attributes:
        stretch_id: unique in the store: its start in us since 1970, UTC.
        kind: what it did.
        started_at: wall time.
        ended_at: wall time, None while it goes on.
        duration_s: by the monotonic clock, so a stepped wall clock changes no sum.
        state: PackML state that it began with.
        mode: PackML unit mode.
        cause: what the state machine gave as the reason, in words.
        alarm: the first-out alarm of that moment, None without one.
        reason: code of the downtime reason entered by a person, empty until one is.
        reason_by: who entered it.
        reason_at: when, None until it is.
        note: what else was said.
    """

    stretch_id: int
    kind: StretchKind
    started_at: datetime
    ended_at: datetime | None
    duration_s: float
    state: LineState
    mode: LineMode
    cause: str
    alarm: AlarmKind | None = None
    reason: str = ""
    reason_by: str = ""
    reason_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """What was sorted in a period, by the line's own estimates.

    Attributes:
        items: finished.
        mass_kg: of them.
        good_items: that ended as the recipe wanted.
        good_mass_kg: of those.
    """

    items: int = 0
    mass_kg: float = 0.0
    good_items: int = 0
    good_mass_kg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effectiveness:
    """OEE of a period and what it is made of. Ratios are None where they cannot be told.

    Attributes:
        start: of the period.
        end: of the period; the present where it is not over.
        observed_s: the line was seen for so long.
        unobserved_s: rest of the period: no line was connected; part of no ratio.
        seconds: by category, every category.
        planned_busy_s: PBT = observed - planned.
        availability: APT / PBT, APT being the time producing.
        technical_availability: (PBT - fault - unexplained) / PBT: what the line itself answers for.
        performance: PRI x PQ / APT: mass sorted over what the rated throughput would have sorted.
        quality: GQ / PQ by mass.
        oee: availability x performance x quality.
        production: what was sorted.
        rated_t_per_h: throughput that performance is measured by, None if the plant named none.
        why_not: why a ratio is None, in words; empty if none is.
    """

    start: datetime
    end: datetime
    observed_s: float
    unobserved_s: float
    seconds: dict[TimeCategory, float]
    planned_busy_s: float
    availability: float | None
    technical_availability: float | None
    performance: float | None
    quality: float | None
    oee: float | None
    production: Production
    rated_t_per_h: float | None
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoRow:
    """One cause of lost time.

    Attributes:
        code: of the reason entered; else of the alarm, `alarm:plc_link_lost`; else of the category.
        category: whose time it was.
        stops: how many.
        seconds: together.
        share: of all lost time.
        cumulative_share: of this and all rows above.
    """

    code: str
    category: TimeCategory
    stops: int
    seconds: float
    share: float
    cumulative_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTime:
    """How long the line was in one state of one mode since its session began.

    Attributes:
        mode: PackML unit mode.
        state: PackML state.
        seconds: in all.
    """

    mode: LineMode
    state: LineState
    seconds: float
