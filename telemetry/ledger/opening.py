"""Opens what the accounts commands need: the plant's section of a line file, and its database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from controller.config_report import ConfigError, problems_of
from controller.line_file import read_document
from telemetry.database.address import database_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.ledger.config import AccountsConfig


def read_accounts(path: Path) -> AccountsConfig:
    """Return the [accounts] section of a line file.

    Raises:
        ConfigError: no such file, no such section, or problems in it.
    """
    document = read_document(path)
    content = document.get("accounts")
    if content is None:
        msg = f"{path}: no [accounts] section; a plant's figures need its BIN: see docs/accounts.md"
        raise ConfigError([msg])
    try:
        accounts = AccountsConfig.model_validate(content)
    except ValidationError as error:
        found = problems_of(error, content, section="accounts")
        raise ConfigError([f"{path}: {problem}" for problem in found]) from error
    return accounts.beside(path.resolve().parent)


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
