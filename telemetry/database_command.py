"""The `database` command: the plant's database, looked after by its administrator.

Exit codes: 0 done; 1 `status` found a schema that needs attention; 2 the arguments, the line
file or the database cannot be used.
"""

import argparse
import json
import os
import sys
from contextlib import closing
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console

from controller.line_file import read_document
from telemetry.database.address import VARIABLE, database_url, parse_url
from telemetry.database.engine import Database
from telemetry.database.migration import (
    UPGRADE_COMMAND,
    Standing,
    open_database,
    schema_status,
    upgrade,
)
from telemetry.errors import DatabaseError
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.opening import read_accounts
from telemetry.ledger.plant_database import plant_database
from telemetry.ledger.store import Ledger
from telemetry.ledger.weighbridge import with_openings
from telemetry.line_section import read_telemetry
from telemetry.plant.audits import ProductSample, enter_sample
from telemetry.plant.config import PlantConfig
from telemetry.plant.opening import make_sender, open_plant
from telemetry.plant.parquet import export_items
from telemetry.plant.retention import Retention, prune
from telemetry.plant.sample_entries import audits_of
from telemetry.plant.sample_file import COLUMNS, read_samples
from telemetry.wall import utc_now

DEFAULT_FILE: Final = PlantConfig().database_path
EXIT_OK, EXIT_ATTENTION = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, words, action in (
        ("status", "tell which schema the database has", _show_status),
        ("upgrade", "bring the schema to this program's; an empty database is made ready", _raise),
    ):
        _add_url(_action(actions, name, words, action))
    exporting = _action(actions, "export", "write items of whole days as Parquet files", _export)
    _add_url(exporting)
    exporting.add_argument("folder", type=Path, help="new or empty folder")
    for name, words in (("--from", "first day"), ("--to", "last day, included")):
        exporting.add_argument(
            name, dest=name[2:] + "_day", type=_day, required=True, metavar="DAY", help=words
        )
    exporting.add_argument("--time-zone", default=PlantConfig().time_zone, help="where days begin")
    sending = _action(actions, "send", "send what a line's store has on to its plant, once", _send)
    _add_line(sending)
    entering = _action(actions, "enter-samples", "enter samples sorted by hand", _enter)
    _add_line(entering)
    entering.add_argument("samples", type=Path, help=f"CSV with columns {', '.join(COLUMNS)}")
    pruning = _action(actions, "prune", "delete what is older than the line file keeps it", _prune)
    _add_line(pruning)
    pruning.add_argument("--now", type=_day, metavar="DAY", help="another day than the clock's")


def _action(actions: Any, name: str, words: str, action: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=words, description=words)
    parser.add_argument("--json", action="store_true", help="print for a machine")
    parser.set_defaults(action=action)
    return parser


def _add_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        help=f"sqlite:///FILE or postgresql://...; default: {VARIABLE}, else {DEFAULT_FILE}",
    )


def _add_line(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "line", type=Path, metavar="LINE.toml", help="a line file with [telemetry.database]"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is no day; write it as 2026-11-25"
        raise argparse.ArgumentTypeError(msg) from error


def run(arguments: argparse.Namespace, _console: Console) -> int:
    """Run the action that was named; return its exit code.

    Raises:
        ConfigError: the line file cannot be used.
        DatabaseError: the address or the database cannot be used.
        StoreError: the line's store cannot be read.
    """
    code: int = arguments.action(arguments)
    return code


def _url_database(arguments: argparse.Namespace) -> Database:
    if arguments.url:
        return Database(parse_url(arguments.url))
    return Database(database_url(os.environ, default=DEFAULT_FILE))


def _require_present(database: Database) -> None:
    if database.is_absent:
        msg = f"{database.name}: no such file; make it with: {UPGRADE_COMMAND}"
        raise DatabaseError(msg)


def _show_status(arguments: argparse.Namespace) -> int:
    with closing(_url_database(arguments)) as database:
        _require_present(database)
        now = schema_status(database)
    told = {"database": database.name, "schema": now.found, "program": now.known}
    told["standing"] = now.standing.value
    _tell(arguments, told, f"{database.name}: schema {now.found or 'none'}, {now.standing.value}")
    return EXIT_OK if now.standing is Standing.CURRENT else EXIT_ATTENTION


def _raise(arguments: argparse.Namespace) -> int:
    with closing(_url_database(arguments)) as database:
        before = upgrade(database)
        now = schema_status(database)
    told = {"database": database.name, "before": before.found, "schema": now.found}
    _tell(arguments, told, f"{database.name}: schema {now.found}, was {before.found or 'empty'}")
    return EXIT_OK


def _export(arguments: argparse.Namespace) -> int:
    named = _url_database(arguments)
    _require_present(named)
    named.close()
    with closing(open_database(named.url)) as database:
        done = export_items(
            database,
            arguments.folder,
            first=arguments.from_day,
            last=arguments.to_day,
            zone=ZoneInfo(arguments.time_zone),
        )
    told = {"items": done.items, "files": [str(path) for path in done.files]}
    _tell(arguments, told, f"{done.items} items in {len(done.files)} files in {arguments.folder}")
    return EXIT_OK


def _plant_section(line: Path) -> tuple[PlantConfig, Path]:
    config = read_telemetry(line)
    if config.database is None:
        msg = f"{line} has no [telemetry.database]; add it, its keys are all optional"
        raise DatabaseError(msg)
    return config.database, config.store_path


def _enter(arguments: argparse.Namespace) -> int:
    plant, _ = _plant_section(arguments.line)
    document = read_document(arguments.line)
    samples = read_samples(arguments.samples, str(document["line"]["id"]))
    if "accounts" in document:
        _book(read_accounts(arguments.line), samples)
    with closing(open_plant(plant).database) as database:
        new = sum(enter_sample(database, sample, now=datetime.now(UTC)) for sample in samples)
    told = {"samples": len(samples), "new": new}
    words = f"{new} samples entered, {len(samples) - new} known before"
    sys.stdout.write((json.dumps(told) if arguments.json else words) + "\n")
    return EXIT_OK


def _book(accounts: AccountsConfig, samples: tuple[ProductSample, ...]) -> None:
    """The ledger first, all or none: what it refuses does not reach the page either."""
    entries = [entry for sample in samples for entry in audits_of(sample, accounts)]
    with plant_database(accounts) as database:
        Ledger(database, accounts, now=utc_now).append(with_openings(entries, accounts))


def _send(arguments: argparse.Namespace) -> int:
    plant, store_path = _plant_section(arguments.line)
    with closing(make_sender(plant, store_path)) as sender:
        sent = sender.send()
    told = {"items": sent.items, "known": sent.known, "sessions": sent.sessions}
    _tell(arguments, told, f"{sent.items} items of {sent.sessions} sessions sent")
    return EXIT_OK


def _prune(arguments: argparse.Namespace) -> int:
    section, _ = _plant_section(arguments.line)
    now = datetime.now(UTC)
    if arguments.now is not None:
        now = datetime.combine(arguments.now, time(), UTC)
    retention = Retention(
        records_years=section.keep_records_years,
        minutes_days=section.keep_minutes_days,
        pictures_days=section.keep_pictures_days,
        pictures_path=section.pictures_path,
    )
    with closing(open_plant(section).database) as database:
        gone = prune(database, retention, now, clock_is_trusted=arguments.now is not None)
    told = {"months": list(gone.months), "minutes": gone.minutes, "pictures": gone.pictures}
    words = f"{len(gone.months)} months, {gone.minutes} minutes' sums, {gone.pictures} pictures"
    _tell(arguments, told, f"deleted: {words}")
    return EXIT_OK


def _tell(arguments: argparse.Namespace, told: dict[str, Any], words: str) -> None:
    sys.stdout.write((json.dumps(told) if arguments.json else words) + "\n")
