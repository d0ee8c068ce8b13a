"""Brings rows into a month's table by the fastest way the database has."""

import struct
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from sqlalchemy import Connection

from telemetry.plant.batch import ITEM_TYPE, Rows
from telemetry.plant.tables import ITEM_COLUMNS

if TYPE_CHECKING:
    import psycopg

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
"""Head and end of COPY's binary format (PostgreSQL manual, COPY, "Binary Format")."""


def _wire_type() -> np.dtype[np.void]:
    """A tuple on the wire: its number of fields, then each field's length and big-endian value."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name in ITEM_COLUMNS:
        code = ">i4" if name == "session_no" else ">" + ITEM_TYPE[name].str[1:]
        fields += [(f"{name}_length", ">i4"), (name, code)]
    return np.dtype(fields)


_WIRE: Final = _wire_type()


def copy_rows(connection: Connection, table: str, session_no: int, rows: Rows) -> None:
    """Append rows to a month's table, within the caller's transaction.

    Args:
        connection: in a transaction.
        table: of the month all rows are in.
        session_no: whose they are.
        rows: (n,) of ITEM_TYPE.

    Raises:
        psycopg.Error: PostgreSQL refused; the transaction is lost.
        sqlalchemy.exc.DBAPIError: SQLite refused; likewise.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, _wire_bytes(session_no, rows))
        return
    marks = ", ".join("?" * len(ITEM_COLUMNS))
    columns = [rows[name].tolist() for name in ITEM_COLUMNS[1:]]
    values = [(session_no, *row) for row in zip(*columns, strict=True)]
    statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - a month's table
    connection.exec_driver_sql(statement, cast("Any", values))


def _wire_bytes(session_no: int, rows: Rows) -> bytes:
    wire = np.zeros(len(rows), _WIRE)
    wire["fields"] = len(ITEM_COLUMNS)
    wire["session_no"] = session_no
    for name in ITEM_COLUMNS:
        wire[f"{name}_length"] = _WIRE[name].itemsize
        if name != "session_no":
            wire[name] = rows[name]
    return _SIGNATURE + wire.tobytes() + _TRAILER


def _copy(connection: Connection, table: str, data: bytes) -> None:
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    columns = ", ".join(ITEM_COLUMNS)
    command = f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)"
    with driver.cursor() as cursor, cursor.copy(command.encode()) as copy:
        copy.write(data)
