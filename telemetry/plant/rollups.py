"""Sums by minute, hour and day: added to as items arrive, so they never need a recount.

A batch's sums are added in the transaction that brings its rows, in whole milligrams, so roll-ups
equal a recount of the items to the last digit, in whatever order items and corrections came.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from telemetry.plant.batch import US_PER_S, Rows
from telemetry.plant.tables import DAYS, HOURS, MINUTES, ROLLUP_KEYS, ROLLUP_SUMS

_US_PER_MINUTE: Final = 60 * US_PER_S
_MINUTES_PER_HOUR: Final = 60
_S_PER_MINUTE: Final = 60
_MG2_PER_G2: Final = 1e6
_WORDS: Final = ("fraction", "action", "reason", "station", "outcome")

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """Sums of items that share a minute and all words.

    Attributes:
        keys: (n, 6) minute since 1970, then codes of fraction, action, reason, station, outcome.
        items: (n,) how many; negative where a correction takes them away.
        mass_mg: (n,) their mass.
        mass_var_g2: (n,) sum of the squared standard deviations of their masses.
    """

    keys: Int64Array
    items: Int64Array
    mass_mg: Int64Array
    mass_var_g2: npt.NDArray[np.float64]


def sums_of(rows: Rows, *, sign: int = 1) -> Sums:
    """Sum rows by minute and words; `sign` -1 takes them away."""
    words = [rows[name].astype(np.int64) for name in _WORDS]
    keys = np.column_stack([rows["at_us"] // _US_PER_MINUTE, *words])
    variance = (rows["mass_sd_mg"].astype(np.float64) ** 2) / _MG2_PER_G2
    whole = Sums(
        keys=keys,
        items=np.full(len(rows), sign, np.int64),
        mass_mg=sign * rows["mass_mg"].astype(np.int64),
        mass_var_g2=sign * variance,
    )
    return _grouped(whole)


def add_sums(connection: Connection, line_no: int, sums: Sums, zone: ZoneInfo) -> None:
    """Add sums to the roll-ups of one line, within the caller's transaction.

    Args:
        connection: in a transaction.
        line_no: whose items they are.
        sums: from `sums_of`.
        zone: the plant's, which says where a day begins.
    """
    _upsert(connection, MINUTES, line_no, sums, {})
    hours = _grouped(_with_bucket(sums, sums.keys[:, 0] // _MINUTES_PER_HOUR))
    _upsert(connection, HOURS, line_no, hours, {})
    days = _grouped(_with_bucket(sums, _local_days(sums.keys[:, 0], zone)))
    _upsert(connection, DAYS, line_no, days, {"changed_at": datetime.now(UTC)})


def _with_bucket(sums: Sums, bucket: Int64Array) -> Sums:
    keys = sums.keys.copy()
    keys[:, 0] = bucket
    return Sums(keys=keys, items=sums.items, mass_mg=sums.mass_mg, mass_var_g2=sums.mass_var_g2)


def _grouped(sums: Sums) -> Sums:
    keys, place = np.unique(sums.keys, axis=0, return_inverse=True)
    place = place.reshape(-1)
    items, mass_mg = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    np.add.at(items, place, sums.items)
    np.add.at(mass_mg, place, sums.mass_mg)
    variance = np.zeros(len(keys))
    np.add.at(variance, place, sums.mass_var_g2)
    return Sums(keys=keys, items=items, mass_mg=mass_mg, mass_var_g2=variance)


def _local_days(minutes: Int64Array, zone: ZoneInfo) -> Int64Array:
    distinct, place = np.unique(minutes, return_inverse=True)
    days = [
        datetime.fromtimestamp(int(minute) * _S_PER_MINUTE, zone).date().toordinal()
        for minute in distinct
    ]
    return np.array(days, np.int64)[place.reshape(-1)]


def _upsert(
    connection: Connection, table: Table, line_no: int, sums: Sums, more: dict[str, Any]
) -> None:
    """Add to existing sums or begin them; always in the order of the keys, against deadlocks."""
    if not len(sums.keys):
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    bucket = table.primary_key.columns[0].name
    statement = dialect.insert(table)
    added = {name: table.c[name] + statement.excluded[name] for name in ROLLUP_SUMS}
    renewed = {name: statement.excluded[name] for name in more}
    statement = statement.on_conflict_do_update(
        index_elements=[bucket, *ROLLUP_KEYS], set_=added | renewed
    )
    names = (bucket, *_WORDS, *ROLLUP_SUMS)
    values = zip(
        *sums.keys.T.tolist(),
        sums.items.tolist(),
        sums.mass_mg.tolist(),
        sums.mass_var_g2.tolist(),
        strict=True,
    )
    common = {"line_no": line_no} | more
    rows = [dict(zip(names, value, strict=True)) | common for value in values]
    if table is DAYS:
        for row in rows:
            row["day"] = date.fromordinal(int(row["day"]))
    connection.execute(statement, rows)
