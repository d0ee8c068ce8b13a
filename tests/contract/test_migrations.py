"""Every schema revision undone and done again, with a plant's records in the tables."""

from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from telemetry.database.engine import Backend, Database
from telemetry.database.migration import Standing, open_database, schema_status, upgrade
from telemetry.errors import DatabaseVersionError
from telemetry.ledger.store import Ledger
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.parts import month_start_us, table_of
from tests.support.plant import NOON, WallClock, accounts, bale, ticket
from tests.support.plant_items import batch, made_rows

Rows = dict[str, list[Any]]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "telemetry.database:migrations")
    config.set_main_option("path_separator", "os")
    return config


REVISIONS = tuple(
    script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()
)
"""Newest first."""


def _move(database: Database, how: Callable[[Config, str], None], revision: str) -> None:
    config = _config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        how(config, revision)


def _contents(database: Database) -> Rows:
    with database.read() as connection:
        tables = inspect(connection).get_table_names()
        names = ("items", *(name for name in tables if name != "items"))
        return {
            name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")).mappings()))
            for name in names
            if name in tables or database.backend is Backend.SQLITE
        }


@pytest.fixture
def filled(database: Database) -> Database:
    PlantDatabase(database).deliver(batch(made_rows(300)))
    ledger = Ledger(database, accounts(), now=WallClock())
    ledger.open_shift(NOON)
    ledger.append([ticket("1", 8000), bale("1", 420)])
    return database


def test_what_a_downgrade_leaves_is_there_after_the_upgrade(filled: Database) -> None:
    before = _contents(filled)
    for revision in REVISIONS[1:]:
        _move(filled, command.downgrade, revision)
        assert schema_status(filled).standing is Standing.OLDER
        left = _contents(filled)
        changed = {name for name in left if left[name] != before[name]}
        assert changed == {"sortline_version"}, revision
        assert len(left["items"]) == 300
        upgrade(filled)
        after = _contents(filled)
        assert after.keys() == before.keys()
        assert {name: after[name] for name in left} == {name: before[name] for name in left}


def test_the_first_revision_undone_leaves_no_table(filled: Database) -> None:
    _move(filled, command.downgrade, "base")
    with filled.read() as connection:
        assert set(inspect(connection).get_table_names()) == {"sortline_version"}
    assert schema_status(filled).standing is not Standing.CURRENT


def test_a_month_of_the_older_program_takes_items_after_the_upgrade(database: Database) -> None:
    _move(database, command.downgrade, "0160")
    if database.backend is Backend.POSTGRESQL:
        low, high = month_start_us("2026-11"), month_start_us("2026-12")
        with database.write() as connection:
            connection.execute(text("INSERT INTO item_parts VALUES ('2026-11', 'items_2026_11')"))
            span = f"FROM ({low}) TO ({high})"
            connection.execute(
                text(f"CREATE TABLE items_2026_11 PARTITION OF items FOR VALUES {span}")
            )
    upgrade(database)
    assert PlantDatabase(database).deliver(batch(made_rows(300))).taken == 300
    with database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM items")) == 300
        for month in ("2026-11", "2026-12"):
            key = inspect(connection).get_pk_constraint(table_of(month))
            assert key["constrained_columns"] == ["session_no", "record_seq"]


def test_a_shared_database_of_an_older_program_waits_for_a_person(filled: Database) -> None:
    _move(filled, command.downgrade, REVISIONS[1])
    if filled.backend is Backend.SQLITE:
        open_database(filled.url).close()
        assert schema_status(filled).standing is Standing.CURRENT
        return
    with pytest.raises(DatabaseVersionError, match=r"run: run_line\.py database upgrade"):
        open_database(filled.url)
