"""Fixtures that tests of several layers share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from benchmarks.postgres import PostgresServer, running_server, why_no_postgresql
from telemetry.database.address import sqlite_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    reason = why_no_postgresql()
    if reason:
        pytest.skip(reason)
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.wire)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """Address of an empty database; every test that uses it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "plant.sqlite")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def database(empty_database_url: URL) -> Iterator[Database]:
    """An open database with this program's schema, on SQLite and on PostgreSQL."""
    opened = open_database(empty_database_url)
    yield opened
    opened.close()
