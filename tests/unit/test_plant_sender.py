import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import URL

from benchmarks.postgres import running_server, why_no_postgresql
from calibration.clock import MonotonicClock
from telemetry.config import TelemetryConfig
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.errors import DatabaseError, DatabaseUnavailableError, StoreError
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.batch import MASS_MAX_MG
from telemetry.plant.child import SenderChild
from telemetry.plant.codes import FRACTION_OF, OUTCOME_OF
from telemetry.plant.config import PlantConfig
from telemetry.plant.line_store import LineStoreReader
from telemetry.plant.sender import PlantSender
from telemetry.plant.tables import DAYS, HOURS, ITEMS, MINUTES, SESSIONS
from tests.support.line_stores import FilledStore
from tests.support.plant_items import recount, stored_rollup


@pytest.fixture
def line(tmp_path: Path) -> Iterator[FilledStore]:
    filled = FilledStore(tmp_path / "items.sqlite")
    filled.open_session("s1")
    yield filled
    filled.store.close()


def _opened(url: URL) -> PlantDatabase:
    database = open_database(url)
    try:
        return PlantDatabase(database)
    except DatabaseError:
        database.close()
        raise


def _sender(line: FilledStore, url: URL, *, batch_items: int = 40) -> PlantSender:
    return PlantSender(
        source=LineStoreReader(line.path),
        open_plant=lambda: _opened(url),
        batch_items=batch_items,
    )


def _count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(ITEMS)) or 0)


def test_a_lines_records_reach_the_plant_as_they_were(
    line: FilledStore, database: Database
) -> None:
    records = line.add("s1", 130)
    sender = _sender(line, database.url)
    assert sender.send().items == 130
    with database.read() as connection:
        rows = connection.execute(select(ITEMS).order_by(ITEMS.c.record_seq)).all()
    for row, record in zip(rows, records, strict=True):
        assert row.record_seq == record.record_seq
        assert FRACTION_OF[row.fraction] is record.decision.fraction
        assert OUTCOME_OF[row.outcome] is record.outcome
        assert row.mass_mg == int(min(record.track.mass_g * 1000, MASS_MAX_MG))
        assert row.width_mm == pytest.approx(record.track.width_mm, rel=1e-6)
    sender.close()


def test_a_story_with_an_infinity_arrives_like_any_other(
    line: FilledStore, database: Database
) -> None:
    records = line.add("s1", 3)
    with closing(sqlite3.connect(line.path)) as store, store:
        store.execute(
            "UPDATE stories SET story = replace(story, ?, ?) WHERE record_seq = 2",
            (
                f'"slip_y_mm_per_s":{records[1].track.slip_y_mm_per_s}',
                '"slip_y_mm_per_s":Infinity',
            ),
        )
        (story,) = store.execute("SELECT story FROM stories WHERE record_seq = 2").fetchone()
    assert "Infinity" in story
    sender = _sender(line, database.url)
    assert sender.send().items == 3
    sender.close()
    with database.read() as connection:
        rows = connection.execute(select(ITEMS).order_by(ITEMS.c.record_seq)).all()
    assert [row.length_mm for row in rows] == pytest.approx(
        [record.track.length_mm for record in records], rel=1e-6
    )
    assert [row.mass_sd_mg for row in rows] == [
        int(record.track.mass_sd_g * 1000) for record in records
    ]


def test_what_has_arrived_is_not_sent_again_and_what_is_new_is(
    line: FilledStore, database: Database
) -> None:
    line.add("s1", 50)
    sender = _sender(line, database.url)
    assert (sender.send().items, sender.send().sessions) == (50, 0)
    line.add("s1", 25)
    line.close_session("s1")
    line.open_session("s2")
    line.add("s2", 10)
    other = _sender(line, database.url)
    sent = other.send()
    other.close()
    assert (sent.items, sent.known, sent.sessions) == (35, 0, 2)
    with database.read() as connection:
        endings = connection.scalars(select(SESSIONS.c.ending).order_by(SESSIONS.c.session_no))
        assert endings.all() == ["closed", None]
    sender.close()


def test_a_session_that_closes_later_is_told_of(line: FilledStore, database: Database) -> None:
    line.add("s1", 5)
    sender = _sender(line, database.url)
    sender.send()
    line.close_session("s1")
    assert sender.send().sessions == 1
    with database.read() as connection:
        assert connection.scalar(select(SESSIONS.c.ending)) == "closed"
    sender.close()


def test_two_senders_of_one_line_do_no_harm(line: FilledStore, database: Database) -> None:
    line.add("s1", 100)
    first, second = _sender(line, database.url), _sender(line, database.url)
    assert first.send().items == 100
    line.add("s1", 100)
    assert first.send().items == 100
    again = second.send()
    assert again.items == 0
    assert _count(database) == 200
    first.close()
    second.close()


def test_a_store_that_is_not_there_or_not_a_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.sqlite cannot be read"):
        LineStoreReader(tmp_path / "none.sqlite").sessions()
    open_database(URL.create("sqlite", database=str(tmp_path / "plant.sqlite"))).close()
    with pytest.raises(StoreError, match="no store of a line"):
        LineStoreReader(tmp_path / "plant.sqlite").sessions()


@pytest.mark.wire
def test_a_dead_server_loses_nothing_and_is_asked_less_and_less_often(line: FilledStore) -> None:
    if why_no_postgresql():
        pytest.skip(why_no_postgresql())
    with running_server(durable=True) as server:
        url = server.new_database()
        pauses: list[float] = []

        def wait(pause_s: float) -> bool:
            pauses.append(pause_s)
            match len(pauses):
                case 1:
                    line.add("s1", 100)
                case 2:
                    server.stop("immediate")
                    line.add("s1", 100)
                case 6:
                    server.start()
                    line.add("s1", 7)
            return len(pauses) > 7

        sender = _sender(line, url)
        sender.run(wait, every_s=2.5)
        assert pauses == [0.0, 2.5, 1.0, 2.0, 4.0, 8.0, 2.5, 2.5]
        database = open_database(url)
        assert _count(database) == 207
        for table in (MINUTES, HOURS, DAYS):
            assert stored_rollup(database, table) == recount(database, table)
        database.close()
        server.stop("immediate")
        line.add("s1", 1)
        with pytest.raises(DatabaseUnavailableError):
            sender.send()
        server.start()


def _process(config: TelemetryConfig, url: URL) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen(
        (sys.executable, "-m", "telemetry.plant"),
        stdin=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": url.render_as_string(hide_password=False)},
    )
    assert child.stdin is not None
    child.stdin.write(config.model_dump_json().encode() + b"\n")
    child.stdin.flush()
    return child


def _config(line: FilledStore, batch_items: int) -> TelemetryConfig:
    return TelemetryConfig(
        host="127.0.0.1",
        port=0,
        store_path=line.path,
        socket_path=Path("unused.sock"),
        database=PlantConfig(batch_items=batch_items, every_s=0.1),
    )


@pytest.mark.wire
def test_a_sender_killed_again_and_again_brings_every_item_once(
    line: FilledStore, database: Database
) -> None:
    total = 0
    for round_number in range(2):
        line.add("s1", 200)
        total += 200
        child = _process(_config(line, batch_items=3), database.url)
        target = total - 200 + 40 * (round_number + 1)
        while _count(database) < target:
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
        if child.stdin is not None:
            child.stdin.close()
        for table in (MINUTES, HOURS, DAYS):
            assert stored_rollup(database, table) == recount(database, table)
    sender = _sender(line, database.url)
    sender.send()
    sender.close()
    assert _count(database) == total
    with database.read() as connection:
        assert connection.scalar(select(func.count(ITEMS.c.record_seq.distinct()))) == total


@pytest.mark.wire
def test_the_telemetry_process_keeps_a_sender_and_ends_it(
    line: FilledStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    path = tmp_path / "plant" / "plant.sqlite"
    config = _config(line, batch_items=100)
    plant = config.database.model_copy(update={"database_path": path}) if config.database else None
    child = SenderChild(config.model_copy(update={"database": plant}), MonotonicClock())
    line.add("s1", 20)
    child.keep()
    child.keep()
    url = URL.create("sqlite", database=str(path))
    while not path.exists():
        child.keep()
    database = open_database(url)
    while _count(database) < 20:
        child.keep()
    child.stop()
    child.stop()
    assert _count(database) == 20
    database.close()
