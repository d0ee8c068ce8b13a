"""What other systems are told of a line, by the tag names of PackML (ISA-TR88.00.02, PackTags).

Both MQTT Sparkplug B and OPC UA take their tags from this one table. Nothing can be written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from controller.snapshot import LineSnapshot
from controller.states import LineMode, LineState
from telemetry.effectiveness.types import StretchKind
from telemetry.hub import LineHub
from telemetry.signals import Signals

TagValue = bool | int | float | str
TagValues = Mapping[str, TagValue]

STATE_NUMBERS: Final = {
    LineState.CLEARING: 1,
    LineState.STOPPED: 2,
    LineState.STARTING: 3,
    LineState.IDLE: 4,
    LineState.SUSPENDED: 5,
    LineState.EXECUTE: 6,
    LineState.STOPPING: 7,
    LineState.ABORTING: 8,
    LineState.ABORTED: 9,
    LineState.HOLDING: 10,
    LineState.HELD: 11,
    LineState.UNHOLDING: 12,
    LineState.SUSPENDING: 13,
    LineState.UNSUSPENDING: 14,
    LineState.RESETTING: 15,
    LineState.COMPLETING: 16,
    LineState.COMPLETE: 17,
}
"""ISA-TR88.00.02, StateCurrent."""
MODE_NUMBERS: Final = {LineMode.PRODUCTION: 1, LineMode.MAINTENANCE: 2, LineMode.MANUAL: 3}
"""ISA-TR88.00.02, UnitModeCurrent."""
_MS_PER_S: Final = 1000.0
_MM_PER_M: Final = 1000.0
_G_PER_KG: Final = 1000.0


class TagKind(StrEnum):
    """Type of a tag's value."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    """Signed, 64 bits."""
    REAL = "real"
    """Double precision."""
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """What tags are read from, in the event loop.

    Attributes:
        hub: the line as telemetry sees it.
        signals: alarms, states, effectiveness.
    """

    hub: LineHub
    signals: Signals

    @property
    def snapshot(self) -> LineSnapshot | None:
        """The newest snapshot."""
        return self.hub.snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One tag.

    Attributes:
        name: with dots between its parts.
        kind: type of its value.
        unit: of the value, empty without one.
        about: in words.
        read: returns the value.
    """

    name: str
    kind: TagKind
    unit: str
    about: str
    read: Callable[[LineView], TagValue]


def _of_line(
    read: Callable[[LineSnapshot], TagValue], without: TagValue
) -> Callable[[LineView], TagValue]:
    return lambda view: without if view.snapshot is None else read(view.snapshot)


def _is_stretch(view: LineView, kind: StretchKind) -> bool:
    running = view.signals.book.running
    return running is not None and running.kind is kind


def _is_suspended(view: LineView) -> bool:
    return view.snapshot is not None and view.snapshot.state is LineState.SUSPENDED


def _first_out(view: LineView) -> str:
    entries = view.signals.desk.entries()
    return next((e.kind.value for e in entries if e.first_out and e.active), "")


def _ratio(part: str) -> Callable[[LineView], TagValue]:
    def read(view: LineView) -> TagValue:
        figures = view.signals.last_day
        value = None if figures is None else getattr(figures, part)
        return -1.0 if value is None else float(value)

    return read


def _mass_kg(view: LineView) -> float:
    return sum(tally.mass_g for tally in view.hub.tallies) / _G_PER_KG


_B, _I, _R, _T = TagKind.BOOLEAN, TagKind.INTEGER, TagKind.REAL, TagKind.TEXT
_ROWS: Final[tuple[tuple[str, TagKind, str, str, Callable[[LineView], TagValue]], ...]] = (
    ("Status.Connected", _B, "", "line connected, figures fresh", lambda v: v.hub.answering),
    (
        "Status.StateCurrent",
        _I,
        "",
        "PackML state number, 0 before the first",
        _of_line(lambda s: STATE_NUMBERS[s.state], 0),
    ),
    (
        "Status.UnitModeCurrent",
        _I,
        "",
        "1 production, 2 maintenance, 3 manual, 0 before the first",
        _of_line(lambda s: MODE_NUMBERS[s.mode], 0),
    ),
    (
        "Status.CurMachSpeed",
        _R,
        "m/s",
        "belt speed",
        _of_line(lambda s: s.belt_speed_mm_per_s / _MM_PER_M, 0.0),
    ),
    (
        "Status.EquipmentInterlock.Starved",
        _B,
        "",
        "executing, and nothing lies on the belt",
        lambda v: _is_stretch(v, StretchKind.STARVED),
    ),
    (
        "Status.EquipmentInterlock.Blocked",
        _B,
        "",
        "suspended: waits for what is before or after the line",
        _is_suspended,
    ),
    (
        "Admin.StateCurrentTime",
        _I,
        "s",
        "time in the present state",
        _of_line(lambda s: int(s.state_ms / _MS_PER_S), 0),
    ),
    (
        "Admin.ProdProcessedCount.AccCount",
        _I,
        "",
        "items seen in this session",
        _of_line(lambda s: s.totals.seen, 0),
    ),
    (
        "Admin.ProdDefectiveCount.AccCount",
        _I,
        "",
        "items wanted and not fired at: late or blocked",
        _of_line(lambda s: s.totals.late + s.totals.blocked, 0),
    ),
    ("Admin.ProdProcessedMass", _R, "kg", "estimated mass in this session", _mass_kg),
    ("Admin.StopReason.ID", _T, "", "first-out alarm, empty without one", _first_out),
    (
        "Admin.StopReason.Text",
        _T,
        "",
        "why the line is in its state",
        _of_line(lambda s: s.state_reason, ""),
    ),
    (
        "Admin.AlarmsStanding",
        _I,
        "",
        "active alarms that are not set aside",
        lambda v: v.signals.desk.load().standing,
    ),
    (
        "Admin.AlarmsUnacknowledged",
        _I,
        "",
        "alarms nobody has acknowledged",
        lambda v: v.signals.desk.load().unacknowledged,
    ),
    (
        "Admin.Bundle",
        _T,
        "",
        "model bundle in use",
        _of_line(lambda s: s.bundle_id, ""),
    ),
    ("Admin.Oee.Availability", _R, "", "of 24 h, -1 where untold", _ratio("availability")),
    ("Admin.Oee.Performance", _R, "", "of 24 h, -1 where untold", _ratio("performance")),
    ("Admin.Oee.Quality", _R, "", "of 24 h, -1 where untold", _ratio("quality")),
    ("Admin.Oee.Oee", _R, "", "of 24 h, -1 where untold", _ratio("oee")),
)
TAGS: Final = tuple(
    Tag(name=name, kind=kind, unit=unit, about=about, read=read)
    for name, kind, unit, about, read in _ROWS
)


def read_tags(view: LineView) -> TagValues:
    """Return the value of every tag now. Runs in the event loop."""
    return {tag.name: tag.read(view) for tag in TAGS}
