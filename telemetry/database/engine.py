"""One database, opened: transactions for reading and writing, errors in this package's words."""

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from telemetry.database.address import shown
from telemetry.errors import DatabaseConflictError, DatabaseError, DatabaseUnavailableError

_READ: Final = "sortline_read"
SQLITE_BUSY_MS: Final = 30_000
"""How long a writer waits for another process's transaction on the same SQLite file."""
CONNECT_S: Final = 10
"""A PostgreSQL server that has not answered by then counts as unreachable."""


class Backend(StrEnum):
    """Which engine holds the data."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class Database:
    """Transactions on one database. Any thread may use it; each call blocks on disk or network.

    Opening checks nothing; `telemetry.database.migration.open_database` does.

    Args:
        url: from `telemetry.database.address`.
    """

    def __init__(self, url: URL) -> None:
        self.name = shown(url)
        self.backend = Backend(url.get_backend_name())
        self.url = url
        self.engine = _sqlite(url) if self.backend is Backend.SQLITE else _postgresql(url)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one transaction that may write; it commits at the end, or nothing of it happens.

        On SQLite it takes the write lock at once, so that two writers never deadlock.

        Raises:
            DatabaseUnavailableError: unreachable, full or locked; rolled back, worth a retry.
            DatabaseConflictError: a constraint refused a row; rolled back.
            DatabaseError: anything else that the database refused; rolled back.
        """
        with self._translated(), self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Run one transaction that only reads: it sees one state and blocks no writer.

        Raises:
            DatabaseUnavailableError: unreachable; worth a retry.
            DatabaseError: anything else that the database refused.
        """
        with self._translated(), self.engine.connect() as bare:
            options: dict[str, Any] = {_READ: True}
            if self.backend is Backend.POSTGRESQL:
                options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            yield bare.execution_options(**options)

    @property
    def is_absent(self) -> bool:
        """Whether it is a SQLite file that is not there; a first transaction would make it."""
        return self.backend is Backend.SQLITE and not Path(str(self.url.database)).exists()

    def close(self) -> None:
        """Give all connections back. Idempotent."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise DatabaseConflictError(f"{self.name}: {_words(error.orig)}") from error
        except OperationalError as error:
            raise DatabaseUnavailableError(f"{self.name}: {_words(error.orig)}") from error
        except DBAPIError as error:
            kind = DatabaseUnavailableError if error.connection_invalidated else DatabaseError
            raise kind(f"{self.name}: {_words(error.orig)}") from error
        except psycopg.Error as error:
            kind = (
                DatabaseUnavailableError
                if isinstance(error, psycopg.OperationalError)
                else DatabaseConflictError
                if isinstance(error, psycopg.IntegrityError)
                else DatabaseError
            )
            raise kind(f"{self.name}: {_words(error)}") from error
        except (SQLAlchemyError, OSError) as error:
            raise DatabaseError(f"{self.name}: {error}") from error


def _words(error: BaseException | None) -> str:
    return str(error).strip().replace("\n", "; ")


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_S, "options": "-c timezone=UTC"},
    )


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url)
    event.listen(engine, "do_connect", _make_folder)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_folder(_dialect: object, _record: object, arguments: list[str], _more: object) -> None:
    Path(arguments[0]).parent.mkdir(parents=True, exist_ok=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late for DDL and takes no write lock; ours is explicit.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {SQLITE_BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READ, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
