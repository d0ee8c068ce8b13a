"""An item turned out to be something else: the row stays, a correction is added, sums follow."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, select

from telemetry.errors import DatabaseError
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.batch import ITEM_TYPE, MASS_MAX_MG, Rows
from telemetry.plant.codes import FRACTION_CODES
from telemetry.plant.rollups import add_sums, sums_of
from telemetry.plant.tables import CORRECTIONS, ITEMS, LINES, SESSIONS
from vision.types import Fraction

_MG_PER_G = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What one item is, in somebody's word.

    Attributes:
        uid: of this correction; the same uid again changes nothing.
        line_id: of the line.
        session_id: of the line run.
        record_seq: of the item.
        fraction: what it is.
        mass_g: what it weighs.
        mass_sd_g: how surely; 0 where it was weighed.
        author: who says so.
        why: on what grounds.
    """

    uid: uuid.UUID
    line_id: str
    session_id: str
    record_seq: int
    fraction: Fraction
    mass_g: float
    mass_sd_g: float
    author: str
    why: str


def correct_item(plant: PlantDatabase, correction: Correction) -> bool:
    """Record a correction and move the item's part of all sums. Returns False if it was known.

    Raises:
        DatabaseError: no such item, a mass that no item has, or the same uid with other content.
    """
    if not 0.0 <= correction.mass_g <= MASS_MAX_MG / _MG_PER_G or correction.mass_sd_g < 0:
        msg = f"correction {correction.uid}: an item of {correction.mass_g:g} g cannot be"
        raise DatabaseError(msg)
    if not correction.author.strip() or not correction.why.strip():
        msg = f"correction {correction.uid} names no author or no reason"
        raise DatabaseError(msg)
    with plant.database.write() as connection:
        line_no, session_no = _locked(connection, correction)
        known = connection.execute(
            select(CORRECTIONS).where(CORRECTIONS.c.correction_uid == str(correction.uid))
        ).first()
        if known is not None:
            _require_same(known, session_no, correction)
            return False
        before, revision = _present(connection, session_no, correction)
        after = before.copy()
        after["fraction"] = FRACTION_CODES[correction.fraction]
        after["mass_mg"] = round(correction.mass_g * _MG_PER_G)
        after["mass_sd_mg"] = round(correction.mass_sd_g * _MG_PER_G)
        add_sums(connection, line_no, sums_of(before, sign=-1), plant.zone)
        add_sums(connection, line_no, sums_of(after), plant.zone)
        _add(connection, session_no, correction, after, revision)
    return True


def _locked(connection: Connection, correction: Correction) -> tuple[int, int]:
    found = connection.execute(
        select(LINES.c.line_no, SESSIONS.c.session_no)
        .join_from(SESSIONS, LINES)
        .where(
            LINES.c.line_id == correction.line_id,
            SESSIONS.c.session_id == correction.session_id,
        )
        .with_for_update(of=SESSIONS)
    ).first()
    if found is None:
        msg = f"line {correction.line_id} has no session {correction.session_id} here"
        raise DatabaseError(msg)
    return int(found[0]), int(found[1])


def _present(connection: Connection, session_no: int, correction: Correction) -> tuple[Rows, int]:
    """Return the item as it counts now, and the number of the next correction."""
    item = connection.execute(
        select(ITEMS).where(
            ITEMS.c.session_no == session_no, ITEMS.c.record_seq == correction.record_seq
        )
    ).first()
    if item is None:
        msg = f"session {correction.session_id} has no record {correction.record_seq} here"
        raise DatabaseError(msg)
    row = np.zeros(1, ITEM_TYPE)
    for name in ITEM_TYPE.names or ():
        row[name] = getattr(item, name)
    newest = connection.execute(
        select(CORRECTIONS)
        .where(
            CORRECTIONS.c.session_no == session_no,
            CORRECTIONS.c.record_seq == correction.record_seq,
        )
        .order_by(CORRECTIONS.c.revision.desc())
        .limit(1)
    ).first()
    if newest is None:
        return row, 1
    for name in ("fraction", "mass_mg", "mass_sd_mg"):
        row[name] = getattr(newest, name)
    return row, int(newest.revision) + 1


def _add(
    connection: Connection, session_no: int, correction: Correction, row: Rows, revision: int
) -> None:
    connection.execute(
        insert(CORRECTIONS).values(
            correction_uid=str(correction.uid),
            session_no=session_no,
            record_seq=correction.record_seq,
            at_us=int(row["at_us"][0]),
            revision=revision,
            made_at=datetime.now(UTC),
            author=correction.author,
            why=correction.why,
            fraction=int(row["fraction"][0]),
            mass_mg=int(row["mass_mg"][0]),
            mass_sd_mg=int(row["mass_sd_mg"][0]),
        )
    )


def _require_same(known: Any, session_no: int, correction: Correction) -> None:
    same = (
        known.session_no == session_no
        and known.record_seq == correction.record_seq
        and known.fraction == FRACTION_CODES[correction.fraction]
        and known.mass_mg == round(correction.mass_g * _MG_PER_G)
    )
    if not same:
        msg = f"correction {correction.uid} is known with other content; give it a new uid"
        raise DatabaseError(msg)
