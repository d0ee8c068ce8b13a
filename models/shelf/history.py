"""The shelf's history: one JSON line a change, each with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from models.errors import ShelfError

if TYPE_CHECKING:
    from pathlib import Path

BEGINNING: Final = "0" * 64


class ChangeKind(StrEnum):
    """What was done."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


class Change(BaseModel):
    """One line of the history."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ChangeKind
    at_utc: datetime
    by: str
    edition: str
    """Of the bundle that the line loads from now on."""
    before: str | None
    """Of that which it loaded until now, None for the first."""
    reason: str
    gate: dict[str, JsonValue]
    """What the gate measured, empty for a way back."""
    previous_hash: str
    hash: str


def read_history(path: Path) -> tuple[Change, ...]:
    """Read and verify the history; an absent file is an empty one.

    Raises:
        ShelfError: a line is malformed, or was altered, put in or taken out.
    """
    if not path.exists():
        return ()
    changes: list[Change] = []
    expected = BEGINNING
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            change = Change.model_validate_json(line)
        except ValidationError as error:
            raise ShelfError(f"{path}:{number}: not a line of the history; restore it") from error
        if change.previous_hash != expected or change.hash != _hash_of(change):
            raise ShelfError(
                f"{path}:{number}: altered, or a line before it is missing; restore the file"
            )
        changes.append(change)
        expected = change.hash
    return tuple(changes)


def append_change(
    path: Path,
    *,
    kind: ChangeKind,
    at_utc: datetime,
    by: str,
    edition: str,
    before: str | None,
    reason: str,
    gate: dict[str, JsonValue],
) -> Change:
    """Write one more line; the history before it is verified first.

    Raises:
        ShelfError: the history does not verify.
    """
    history = read_history(path)
    bare = Change(
        kind=kind,
        at_utc=at_utc,
        by=by,
        edition=edition,
        before=before,
        reason=reason,
        gate=gate,
        previous_hash=history[-1].hash if history else BEGINNING,
        hash="",
    )
    change = bare.model_copy(update={"hash": _hash_of(bare)})
    with path.open("ab") as file:
        file.write(change.model_dump_json().encode() + b"\n")
        file.flush()
    return change


def _hash_of(change: Change) -> str:
    content = change.model_dump(mode="json", exclude={"hash"})
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
