"""Opens the database that a plant's accounts are kept in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from telemetry.database.address import database_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.ledger.config import AccountsConfig


@contextmanager
def plant_database(accounts: AccountsConfig) -> Iterator[Database]:
    """Open the database that DATABASE_URL names, else the plant's SQLite file.

    Raises:
        DatabaseError: it cannot be reached or used.
    """
    database = open_database(database_url(os.environ, default=accounts.database_path))
    try:
        yield database
    finally:
        database.close()
