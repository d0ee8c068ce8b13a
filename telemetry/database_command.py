"""The `database` command: which schema a plant's database has, and bringing it up to date.

Exit codes: 0 done, or the schema is this program's; 1 `status` found a schema that needs
attention; 2 the arguments or the database cannot be used.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from telemetry.database.address import VARIABLE, database_url, parse_url
from telemetry.database.engine import Database
from telemetry.database.migration import (
    UPGRADE_COMMAND,
    SchemaStatus,
    Standing,
    schema_status,
    upgrade,
)
from telemetry.errors import DatabaseError

DEFAULT_FILE: Final = Path("plant.sqlite")
EXIT_OK, EXIT_ATTENTION = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, words, action in (
        ("status", "tell which schema the database has", _show_status),
        ("upgrade", "bring the schema to this program's; an empty database is made ready", _raise),
    ):
        action_parser = actions.add_parser(name, help=words, description=words)
        add_url_argument(action_parser)
        action_parser.add_argument("--json", action="store_true", help="print for a machine")
        action_parser.set_defaults(action=action)


def add_url_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--url`."""
    parser.add_argument(
        "--url",
        help=f"sqlite:///FILE or postgresql://...; default: {VARIABLE}, else {DEFAULT_FILE}",
    )


def run(arguments: argparse.Namespace, _console: Console) -> int:
    """Run the action that was named; return its exit code.

    Raises:
        DatabaseError: the address or the database cannot be used.
    """
    code: int = arguments.action(arguments)
    return code


def named_database(arguments: argparse.Namespace) -> Database:
    """Return the database that `--url`, else `DATABASE_URL`, else the default file names.

    Raises:
        DatabaseError: the address cannot be used.
    """
    if arguments.url:
        return Database(parse_url(arguments.url))
    return Database(database_url(os.environ, default=DEFAULT_FILE))


def _show_status(arguments: argparse.Namespace) -> int:
    database = named_database(arguments)
    if database.is_absent:
        msg = f"{database.name}: no such file; make it with: {UPGRADE_COMMAND}"
        raise DatabaseError(msg)
    try:
        now = schema_status(database)
    finally:
        database.close()
    _tell(arguments, database, now, before=now)
    return EXIT_OK if now.standing is Standing.CURRENT else EXIT_ATTENTION


def _raise(arguments: argparse.Namespace) -> int:
    database = named_database(arguments)
    try:
        before = upgrade(database)
        now = schema_status(database)
    finally:
        database.close()
    _tell(arguments, database, now, before=before)
    return EXIT_OK


def _tell(
    arguments: argparse.Namespace, database: Database, now: SchemaStatus, *, before: SchemaStatus
) -> None:
    told = {
        "database": database.name,
        "before": before.found,
        "schema": now.found,
        "program": now.known,
        "standing": now.standing.value,
    }
    line = f"{database.name}: schema {now.found or 'none'}, {now.standing.value}"
    sys.stdout.write((json.dumps(told) if arguments.json else line) + "\n")
