"""The table of waste codes: lookup by code, day and jurisdiction; mirror entries; display."""

import tomllib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from calibration.section import Section
from telemetry.errors import TelemetryError

SHIPPED = Path(__file__).with_name("list_of_waste.toml")
CODE_DIGITS = 6


class CodeError(TelemetryError):
    """A waste code that cannot be used as asked."""


class UnknownCodeError(CodeError):
    """Not six digits, or not in the table."""


class ExpiredCodeError(CodeError):
    """In the table, but not in force on that day in that jurisdiction."""


class Jurisdiction(StrEnum):
    """Whose list is meant. They part on 2026-11-09, when (EU) 2025/934 applies."""

    KZ = "KZ"
    EU = "EU"


class Role(StrEnum):
    """What a code is used for on a sorting line."""

    INPUT = "input"
    OUTPUT = "output"
    RESIDUE = "residue"
    REMOVAL = "removal"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeEntry:
    """One code as one jurisdiction has it.

    Attributes:
        code: six digits, without spaces or asterisk.
        jurisdiction: whose list.
        hazardous: by the list; apart from the code, which never carries an asterisk here.
        mirror: the counterpart of a mirror entry, empty for an absolute one.
        roles: what it is used for on a line.
        valid_from: first day in force.
        valid_to: last day in force; None while no end is known.
        kz_verified: somebody has read it in Kazakhstan's Classifier.
        verified_against: where the entry was read.
        name_en: condensed wording.
        name_ru: empty where no official or glossary wording was at hand.
        name_kk: as name_ru.
    """

    code: str
    jurisdiction: Jurisdiction
    hazardous: bool
    mirror: str
    roles: frozenset[Role]
    valid_from: date
    valid_to: date | None
    kz_verified: bool
    verified_against: str
    name_en: str
    name_ru: str
    name_kk: str

    def in_force(self, on: date) -> bool:
        """Return whether the entry is in force on a day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    @property
    def printed(self) -> str:
        """The code as lists print it: `20 01 21*`."""
        spaced = f"{self.code[:2]} {self.code[2:4]} {self.code[4:]}"
        return spaced + ("*" if self.hazardous else "")

    def name(self, language: str) -> str:
        """Return the wording in `language` (kk, ru, en), in English where there is none."""
        return {"kk": self.name_kk, "ru": self.name_ru}.get(language, "") or self.name_en


class _Row(Section):
    """One `[[code]]` of the file."""

    code: str = Field(pattern=r"^\d{6}$")
    hazardous: bool
    entry: Literal["absolute", "mirror"]
    mirror: str = Field(default="", pattern=r"^(\d{6})?$")
    roles: frozenset[Role] = Field(min_length=1)
    name_en: str = Field(min_length=1)
    name_ru: str = ""
    name_kk: str = ""
    eu_from: date | None = None
    eu_to: date | None = None
    kz: bool = True
    kz_verified: bool
    verified_against: str = Field(min_length=1)

    @model_validator(mode="after")
    def _mirror_has_a_counterpart(self) -> Self:
        if (self.entry == "mirror") != bool(self.mirror):
            msg = (
                f"code {self.code}: a mirror entry names its counterpart, an absolute one does not"
            )
            raise ValueError(msg)
        return self


class _Head(Section):
    id: str
    version: int
    eu_from: date
    kz_from: date


class _File(Section):
    list: _Head
    code: tuple[_Row, ...]

    @model_validator(mode="after")
    def _mirrors_meet(self) -> Self:
        by_code = {row.code: row for row in self.code}
        if len(by_code) != len(self.code):
            msg = "a code stands twice; give one entry its dates instead"
            raise ValueError(msg)
        for row in self.code:
            other = by_code.get(row.mirror) if row.mirror else None
            if row.mirror and (other is None or other.mirror != row.code):
                msg = f"code {row.code}: its counterpart {row.mirror} does not point back to it"
                raise ValueError(msg)
            if other is not None and other.hazardous == row.hazardous:
                msg = f"code {row.code}: of a mirror pair exactly one is hazardous"
                raise ValueError(msg)
        return self


class CodeTable:
    """All codes of one file, by jurisdiction and day.

    Args:
        list_id: identity of the list with its version, quoted on reports.
        entries: of every jurisdiction.
    """

    def __init__(self, list_id: str, entries: tuple[CodeEntry, ...]) -> None:
        self.list_id = list_id
        self._entries = {(entry.jurisdiction, entry.code): entry for entry in entries}

    @property
    def entries(self) -> tuple[CodeEntry, ...]:
        """Every entry, in the file's order."""
        return tuple(self._entries.values())

    def kz_verified(self) -> bool:
        """Return whether every Kazakh entry has been read in Kazakhstan's Classifier."""
        mine = [e for e in self._entries.values() if e.jurisdiction is Jurisdiction.KZ]
        return bool(mine) and all(entry.kz_verified for entry in mine)

    def lookup(self, code: str, *, on: date, jurisdiction: Jurisdiction) -> CodeEntry:
        """Return the entry in force; the code may be written with spaces and an asterisk.

        Raises:
            UnknownCodeError: not six digits, not in the list, or its asterisk is wrong.
            ExpiredCodeError: not in force on that day.
        """
        digits = parse_code(code)
        entry = self._entries.get((jurisdiction, digits))
        if entry is None:
            msg = (
                f"waste code {code!r} is not in the {jurisdiction.value} table {self.list_id}; "
                "correct it, or add it to the plant's code file"
            )
            raise UnknownCodeError(msg)
        if not entry.in_force(on):
            until = "" if entry.valid_to is None else f" to {entry.valid_to}"
            msg = (
                f"waste code {entry.printed} is in force from {entry.valid_from}{until} in the "
                f"{jurisdiction.value} table, not on {on}; choose another code in [accounts.codes]"
            )
            raise ExpiredCodeError(msg)
        if code.rstrip().endswith("*") and not entry.hazardous:
            msg = f"waste code {code!r} carries an asterisk, but {entry.printed} is not hazardous"
            raise UnknownCodeError(msg)
        return entry

    def mirror_of(self, entry: CodeEntry) -> CodeEntry | None:
        """Return the counterpart of a mirror entry, None for an absolute one."""
        return self._entries[(entry.jurisdiction, entry.mirror)] if entry.mirror else None


def parse_code(text: str) -> str:
    """Return six digits of a code written as `191204`, `19 12 04` or `20 01 21*`.

    Raises:
        UnknownCodeError: it is none of these.
    """
    digits = text.strip().removesuffix("*").replace(" ", "")
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        msg = f"waste code {text!r} is not six digits; write it like 191204 or 20 01 21*"
        raise UnknownCodeError(msg)
    return digits


@cache
def load_table(path: Path = SHIPPED) -> CodeTable:
    """Read a code file, the shipped one by default.

    Raises:
        CodeError: unreadable or not a code file; the message names file and place.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        file = _File.model_validate(document)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        msg = f"code table {path}: {error}"
        raise CodeError(msg) from error
    head = file.list
    entries: list[CodeEntry] = []
    for row in file.code:
        entries.append(_entry(row, Jurisdiction.EU, row.eu_from or head.eu_from, row.eu_to))
        if row.kz:
            entries.append(_entry(row, Jurisdiction.KZ, head.kz_from, None))
    return CodeTable(f"{head.id} v{head.version}", tuple(entries))


def _entry(row: _Row, jurisdiction: Jurisdiction, first: date, last: date | None) -> CodeEntry:
    return CodeEntry(
        code=row.code,
        jurisdiction=jurisdiction,
        hazardous=row.hazardous,
        mirror=row.mirror,
        roles=row.roles,
        valid_from=first,
        valid_to=last,
        kz_verified=row.kz_verified,
        verified_against=row.verified_against,
        name_en=row.name_en,
        name_ru=row.name_ru,
        name_kk=row.name_kk,
    )
