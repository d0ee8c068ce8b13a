import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL

from run_line import main
from telemetry.database.address import database_url, parse_url, sqlite_url
from telemetry.database.engine import Backend, Database
from telemetry.database.migration import (
    VERSION_TABLE,
    Standing,
    open_database,
    schema_status,
    upgrade,
)
from telemetry.database.schema import METADATA
from telemetry.errors import (
    DatabaseConflictError,
    DatabaseError,
    DatabaseUnavailableError,
    DatabaseVersionError,
)
from telemetry.plant.tables import LINES, SESSIONS
from telemetry.store_schema import open_database as open_item_store

NOON = datetime(2026, 11, 25, 12, tzinfo=timezone(timedelta(hours=5)))


def _session(number: int, line_no: int = 1) -> dict[str, object]:
    return {
        "line_no": line_no,
        "session_id": f"s{number}",
        "station_names": "[]",
        "opened_at": NOON,
        "arrived_seq": 0,
        "arrived_at": NOON,
        "account": "{}",
    }


def test_an_empty_database_is_made_ready(database: Database) -> None:
    status = schema_status(database)
    assert status.standing is Standing.CURRENT
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(LINES)) == 0


def test_migrations_make_exactly_the_tables_that_the_code_declares(database: Database) -> None:
    options = {
        "version_table": VERSION_TABLE,
        "include_object": lambda _o, name, kind, *_: kind != "table" or name in METADATA.tables,
    }
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_processes_that_upgrade_at_once_do_it_once(empty_database_url: URL) -> None:
    databases = [Database(empty_database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        before = [status.standing for status in pool.map(upgrade, databases)]
    assert before.count(Standing.EMPTY) == 1
    assert before.count(Standing.CURRENT) == 3
    for opened in databases:
        opened.close()


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(DatabaseVersionError, match=r"9999.*newer program"):
        open_database(database.url)
    with pytest.raises(DatabaseVersionError, match="newer program"):
        upgrade(database)


def test_a_database_of_another_program_is_refused(empty_database_url: URL) -> None:
    database = Database(empty_database_url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER)"))
    with pytest.raises(DatabaseVersionError, match="another program"):
        open_database(empty_database_url)
    database.close()


def test_a_lines_own_store_is_no_plant_database(tmp_path: Path) -> None:
    open_item_store(tmp_path / "items.sqlite").close()
    with pytest.raises(DatabaseVersionError, match="another program"):
        open_database(sqlite_url(tmp_path / "items.sqlite"))


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def add_twice() -> None:
        with database.write() as connection:
            connection.execute(LINES.insert(), {"line_id": "a"})
            connection.execute(LINES.insert(), {"line_id": "a"})

    with pytest.raises(DatabaseConflictError):
        add_twice()
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(LINES)) == 0


def test_instants_come_back_in_utc_and_naive_ones_are_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(LINES.insert(), {"line_id": "a"})
        connection.execute(SESSIONS.insert(), _session(1))
    with database.read() as connection:
        opened = connection.scalar(select(SESSIONS.c.opened_at))
    assert opened == NOON
    assert opened.tzinfo is UTC
    with pytest.raises(DatabaseError, match="no time zone"), database.write() as connection:
        connection.execute(
            SESSIONS.insert(), _session(2) | {"opened_at": NOON.replace(tzinfo=None)}
        )


def test_a_session_of_an_unknown_line_is_refused(database: Database) -> None:
    with pytest.raises(DatabaseConflictError), database.write() as connection:
        connection.execute(SESSIONS.insert(), _session(1, line_no=77))


def test_writers_of_several_threads_wait_for_each_other(database: Database) -> None:
    def add(number: int) -> None:
        with database.write() as connection:
            known = connection.scalar(select(func.count()).select_from(LINES))
            connection.execute(LINES.insert(), {"line_id": f"{number} after {known}"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(LINES)) == 40


def test_a_read_transaction_writes_nothing(database: Database) -> None:
    with database.read() as connection:
        if database.backend is Backend.SQLITE:
            connection.execute(LINES.insert(), {"line_id": "a"})
        else:
            with pytest.raises(Exception, match="read-only transaction"):
                connection.execute(LINES.insert(), {"line_id": "a"})
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(LINES)) == 0


@pytest.mark.wire
def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    url = parse_url(f"postgresql://reader:secret@/plant?host={tmp_path}")
    with pytest.raises(DatabaseUnavailableError) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("plant.sqlite", "cannot be read"),
        ("mysql://root:secret@localhost/plant", "'mysql' are not supported"),
        ("postgresql://root:secret@localhost:5432", "names no database"),
        ("postgresql://root:secret@localhost:port/plant", "cannot be read"),
        ("sqlite:///:memory:", "names no database"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_to_write(address: str, said: str) -> None:
    with pytest.raises(DatabaseError, match=f"^DATABASE_URL: .*{said}") as caught:
        database_url({"DATABASE_URL": address}, default=Path("plant.sqlite"))
    assert "secret" not in str(caught.value)


def test_without_an_address_it_is_a_file() -> None:
    url = database_url({}, default=Path("a/plant.sqlite"))
    assert (url.get_backend_name(), url.database) == ("sqlite", "a/plant.sqlite")


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg"])
def test_all_ways_to_write_postgresql_mean_the_same(prefix: str) -> None:
    assert parse_url(f"{prefix}://me@host/plant").drivername == "postgresql+psycopg"


def test_the_command_upgrades_and_tells(
    empty_database_url: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    address = empty_database_url.render_as_string(hide_password=False)
    assert main(["database", "status", "--url", address]) > 0
    assert main(["database", "upgrade", "--url", address]) == 0
    assert main(["database", "status", "--url", address, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["standing"] == "current"
    assert told["schema"] == told["program"]


def test_the_command_refuses_what_it_cannot_open(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["database", "upgrade", "--url", "oracle://x/y"]) == 2
    assert "'oracle' are not supported" in capsys.readouterr().err


def test_asking_for_the_schema_of_an_absent_file_does_not_make_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "folder" / "plant.sqlite"
    assert main(["database", "status", "--url", f"sqlite:///{path}"]) == 2
    assert "database upgrade" in capsys.readouterr().err.replace("\n", " ")
    assert not path.parent.exists()


def test_a_file_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatabaseError, match="file"):
        open_database(sqlite_url(tmp_path / "file" / "plant.sqlite"))


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "plant.sqlite").write_text("not a database, by its length neither" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        open_database(sqlite_url(tmp_path / "plant.sqlite"))


def test_the_line_process_does_not_load_the_database_layer() -> None:
    code = "import run_line, sys; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
