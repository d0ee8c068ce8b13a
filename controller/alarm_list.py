"""The rationalised alarm list (ISA-18.2): what each alarm means and what is to be done about it.

`alarm_list.toml` beside this file is the one place; line, pages, docs and tests read it here. A
page shows an alarm as `entry_of(kind).words("kk")`, whose `review` says that a native speaker has
not confirmed the words yet.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from calibration.units import NS_PER_S
from controller.snapshot import AlarmKind

LIST_PATH: Final = Path(__file__).with_name("alarm_list.toml")
LANGUAGES: Final = ("kk", "ru", "en")

_Text = Annotated[str, Field(min_length=1)]
_Delay = Annotated[float, Field(ge=0, le=60)]


class AlarmArea(StrEnum):
    """Where on the line to look."""

    HAZARD = "hazard"
    CAMERA = "camera"
    PLC = "plc"
    BELT = "belt"
    VALVES = "valves"
    RECORDS = "records"
    ACCOUNTS = "accounts"


class AlarmPriority(StrEnum):
    """How soon and how surely a person must act, most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class AlarmWords(BaseModel):
    """An alarm in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Text
    cause: _Text
    consequence: _Text
    response: _Text
    review: bool = False
    """A native speaker has yet to confirm the wording."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    area: AlarmArea
    priority: AlarmPriority
    respond_within_s: Annotated[int, Field(ge=60)]
    """At least a minute: what must be answered sooner is for an interlock, not for a person."""
    stops_line: bool = False
    on_delay_s: _Delay = 0.0
    starting_delay_s: _Delay | None = None
    off_delay_s: _Delay = 0.0
    deadband: Annotated[float, Field(ge=0, lt=1)] = 0.0
    kk: AlarmWords
    ru: AlarmWords
    en: AlarmWords


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDefinition:
    """One row of the list.

    Attributes:
        kind: of the alarm.
        area: where to look.
        priority: by consequence and time to act.
        respond_within_s: seconds from the alarm until not acting costs more.
        stops_line: the line stands or does not fire meanwhile; the first of these that comes is
            marked first-out.
        on_delay_ns: the condition must last this long before the alarm rises.
        starting_delay_ns: the same while the device has never answered yet.
        off_delay_ns: the condition must be away this long before the alarm goes.
        deadband: share of its limit by which a level must fall back to count as away.
        wording: by language code: kk, ru, en.
    """

    kind: AlarmKind
    area: AlarmArea
    priority: AlarmPriority
    respond_within_s: int
    stops_line: bool
    on_delay_ns: int
    starting_delay_ns: int
    off_delay_ns: int
    deadband: float
    wording: Mapping[str, AlarmWords]

    def words(self, language: str) -> AlarmWords:
        """Return the alarm's words in `kk`, `ru` or `en`.

        Raises:
            KeyError: another language.
        """
        return self.wording[language]


_ROWS: Final = TypeAdapter(dict[AlarmKind, _Row])


@cache
def alarm_list() -> Mapping[AlarmKind, AlarmDefinition]:
    """Return the whole list in the order of the file.

    Raises:
        ValidationError: the shipped file is damaged; names the row and the field.
    """
    rows = _ROWS.validate_python(tomllib.loads(LIST_PATH.read_text(encoding="utf-8")))
    return {kind: _definition(kind, row) for kind, row in rows.items()}


def entry_of(kind: AlarmKind) -> AlarmDefinition:
    """Return the row of one alarm."""
    return alarm_list()[kind]


def _definition(kind: AlarmKind, row: _Row) -> AlarmDefinition:
    starting_s = row.on_delay_s if row.starting_delay_s is None else row.starting_delay_s
    return AlarmDefinition(
        kind=kind,
        area=row.area,
        priority=row.priority,
        respond_within_s=row.respond_within_s,
        stops_line=row.stops_line,
        on_delay_ns=round(row.on_delay_s * NS_PER_S),
        starting_delay_ns=round(starting_s * NS_PER_S),
        off_delay_ns=round(row.off_delay_s * NS_PER_S),
        deadband=row.deadband,
        wording={"kk": row.kk, "ru": row.ru, "en": row.en},
    )
