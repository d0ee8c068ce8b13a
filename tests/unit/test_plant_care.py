import os
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from sqlalchemy import func, select

from run_line import main
from telemetry.database.address import sqlite_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.errors import DatabaseError
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.corrections import Correction, correct_item
from telemetry.plant.parquet import export_items
from telemetry.plant.parts import known_months
from telemetry.plant.periods import read_period
from telemetry.plant.retention import Retention, prune
from telemetry.plant.tables import CORRECTIONS, DAYS, HOURS, ITEMS, MINUTES
from tests.support.line_stores import FilledStore
from tests.support.plant_items import START, ZONE, batch, made_rows, recount, stored_rollup
from vision.types import Fraction

KEEP = Retention(records_years=5, minutes_days=30, pictures_days=7, pictures_path=None)
LINE = """[telemetry]
host = "127.0.0.1"
port = 0
store_path = "items.sqlite"
socket_path = "s.sock"
"""


@pytest.fixture
def plant(database: Database) -> PlantDatabase:
    opened = PlantDatabase(database)
    opened.deliver(batch(made_rows(300)))
    return opened


def _correction(
    seq: int, *, fraction: Fraction = Fraction.FOOD, mass_g: float = 12.5
) -> Correction:
    return Correction(
        uid=uuid.uuid4(),
        line_id="line-1",
        session_id="s1",
        record_seq=seq,
        fraction=fraction,
        mass_g=mass_g,
        mass_sd_g=0.0,
        author="auditor",
        why="sorted and weighed by hand",
    )


def test_sums_follow_a_correction_and_the_row_stays(plant: PlantDatabase) -> None:
    with plant.database.read() as connection:
        before = connection.execute(select(ITEMS).where(ITEMS.c.record_seq == 7)).one()
    assert correct_item(plant, _correction(7))
    assert correct_item(plant, _correction(7, fraction=Fraction.WEEE, mass_g=99))
    with plant.database.read() as connection:
        assert connection.execute(select(ITEMS).where(ITEMS.c.record_seq == 7)).one() == before
        revisions = connection.scalars(select(CORRECTIONS.c.revision)).all()
    assert sorted(revisions) == [1, 2]
    for table in (MINUTES, HOURS, DAYS):
        assert stored_rollup(plant.database, table) == recount(plant.database, table)


def test_a_correction_sent_twice_corrects_once(plant: PlantDatabase) -> None:
    correction = _correction(9)
    assert correct_item(plant, correction)
    assert not correct_item(plant, correction)
    with pytest.raises(DatabaseError, match="other content"):
        correct_item(plant, replace(correction, mass_g=1.0))
    assert stored_rollup(plant.database, DAYS) == recount(plant.database, DAYS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"record_seq": 9999}, "no record 9999"),
        ({"session_id": "s9"}, "no session s9"),
        ({"mass_g": -1.0}, "-1 g cannot be"),
        ({"mass_g": float("nan")}, "nan g cannot be"),
        ({"mass_g": 1e9}, "cannot be"),
        ({"author": " "}, "no author"),
    ],
)
def test_a_correction_that_makes_no_sense_changes_nothing(
    plant: PlantDatabase, change: dict[str, object], said: str
) -> None:
    with pytest.raises(DatabaseError, match=said):
        correct_item(plant, replace(_correction(1), **change))
    assert stored_rollup(plant.database, DAYS) == recount(plant.database, DAYS)


def test_a_clock_set_back_over_midnight_and_a_months_end_loses_and_doubles_nothing(
    database: Database,
) -> None:
    plant = PlantDatabase(database)
    first = made_rows(200, span_s=5.5 * 3600)
    plant.deliver(batch(first))
    back = made_rows(200, first_seq=201, seed=1, start=START + timedelta(hours=4.5), span_s=3600)
    assert back["at_us"][0] < first["at_us"][-1]
    plant.deliver(batch(back))
    for table in (MINUTES, HOURS, DAYS):
        assert stored_rollup(database, table) == recount(database, table)
    with database.read() as connection:
        assert connection.scalar(select(func.sum(DAYS.c["items"]))) == 400


def test_late_items_change_the_day_they_belong_to_and_mark_it(plant: PlantDatabase) -> None:
    with plant.database.read() as connection:
        before = dict(
            tuple(row)
            for row in connection.execute(
                select(DAYS.c.day, func.max(DAYS.c.changed_at)).group_by(DAYS.c.day)
            )
        )
    plant.deliver(batch(made_rows(5, first_seq=301, span_s=60)))
    with plant.database.read() as connection:
        after = connection.scalar(
            select(func.max(DAYS.c.changed_at)).where(DAYS.c.day == date(2026, 11, 30))
        )
    assert after > before[date(2026, 11, 30)]
    assert stored_rollup(plant.database, DAYS) == recount(plant.database, DAYS)


def test_items_older_than_their_years_go_and_sums_by_day_stay(database: Database) -> None:
    plant = PlantDatabase(database)
    old = datetime(2021, 10, 31, 20, tzinfo=UTC)
    plant.deliver(batch(made_rows(100, start=old, span_s=8 * 3600)))
    plant.deliver(batch(made_rows(100, first_seq=101)))
    days = stored_rollup(database, DAYS)
    gone = prune(database, KEEP, START)
    assert gone.months == ("2021-10",)
    assert gone.minutes > 0
    with database.read() as connection:
        assert known_months(connection) == ("2021-11", "2026-11", "2026-12")
    assert stored_rollup(database, DAYS) == days


def test_a_clock_that_runs_years_ahead_deletes_nothing(plant: PlantDatabase) -> None:
    ahead = datetime.now(UTC) + timedelta(days=365 * 9)
    with pytest.raises(DatabaseError, match="nothing is deleted"):
        prune(plant.database, KEEP, ahead)
    assert prune(plant.database, KEEP, ahead, clock_is_trusted=True).months


def test_fewer_years_than_the_law_asks_for_are_refused(plant: PlantDatabase) -> None:
    with pytest.raises(DatabaseError, match="5 years at least, not 4"):
        prune(plant.database, replace(KEEP, records_years=4), START)


def test_only_old_pictures_go(plant: PlantDatabase, tmp_path: Path) -> None:
    now_s = START.timestamp()
    for name, age_days in (("old.jpg", 8), ("new.jpg", 6), ("old.txt", 900), ("sub/old.png", 8)):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (now_s - age_days * 86400,) * 2)
    gone = prune(
        plant.database,
        replace(KEEP, pictures_path=tmp_path / "pictures"),
        START,
        clock_is_trusted=True,
    )
    left = {path.name for path in (tmp_path / "pictures").rglob("*") if path.is_file()}
    assert (gone.pictures, left) == (2, {"new.jpg", "old.txt"})


def test_exported_days_hold_what_the_database_holds(plant: PlantDatabase, tmp_path: Path) -> None:
    zone = ZoneInfo(ZONE)
    done = export_items(
        plant.database,
        tmp_path / "out",
        first=date(2026, 12, 1),
        last=date(2026, 12, 1),
        zone=zone,
    )
    frame = pl.read_parquet(tmp_path / "out" / "*.parquet")
    rows = made_rows(300)
    midnight_us = round(datetime(2026, 12, 1, tzinfo=zone).timestamp()) * 1_000_000
    inside = rows["at_us"] >= midnight_us
    assert done.items == len(frame) == inside.sum()
    assert frame["mass_mg"].sum() == rows["mass_mg"][inside].sum()
    assert frame["at_utc"].min() == datetime.fromtimestamp(
        rows["at_us"][inside].min() / 1e6, UTC
    ).replace(microsecond=int(rows["at_us"][inside].min() % 1_000_000))
    assert set(frame["fraction"].unique()) <= {fraction.value for fraction in Fraction}
    assert set(frame["line_id"]) == {"line-1"}


def test_an_export_never_mixes_with_what_is_there(plant: PlantDatabase, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("x")
    with pytest.raises(DatabaseError, match="not empty"):
        export_items(
            plant.database,
            tmp_path,
            first=date(2026, 12, 1),
            last=date(2026, 12, 1),
            zone=ZoneInfo(ZONE),
        )


def test_the_commands_send_prune_and_export_a_lines_items(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    line = tmp_path / "line.toml"
    line.write_text(LINE + "[telemetry.database]\n")
    filled = FilledStore(tmp_path / "items.sqlite")
    filled.open_session("s1")
    filled.add("s1", 12)
    assert main(["database", "send", str(line)]) == 0
    assert main(["database", "send", str(line), "--json"]) == 0
    assert main(["database", "prune", str(line)]) == 0
    url = str(sqlite_url(tmp_path / "plant.sqlite"))
    today = ["--from", "2020-01-01", "--to", "2100-01-01", "--url", url]
    assert main(["database", "export", str(tmp_path / "out"), *today]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "12 items of 1 sessions sent"
    assert '"items": 0' in told[1]
    assert told[2].startswith("deleted: 0 months")
    assert told[3].startswith("12 items in 1 files")
    filled.store.close()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("", "no [telemetry.database]"),
        ("[telemetry.database]\nkeep_records_years = 3\n", "telemetry.database.keep_records_years"),
        ('[telemetry.database]\ntime_zone = "Almaty"\n', "no time zone 'Almaty'"),
        ("[telemetry.database]\npassword = 1\n", "telemetry.database.password"),
    ],
)
def test_a_bad_plant_section_names_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], section: str, said: str
) -> None:
    line = tmp_path / "line.toml"
    line.write_text(LINE + section)
    assert main(["database", "send", str(line)]) == 2
    assert said in capsys.readouterr().err


def test_a_full_disk_under_the_plants_file_is_worth_a_retry(tmp_path: Path) -> None:
    database = open_database(sqlite_url(tmp_path / "plant.sqlite"))
    plant = PlantDatabase(database)
    plant.deliver(batch(made_rows(10, span_s=10)))
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        # The pool keeps this one connection: SQLite then refuses to grow the file, as a full disk.
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseError, match="full"):
        plant.deliver(batch(made_rows(5000, first_seq=11, seed=3, span_s=10)))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
    assert plant.deliver(batch(made_rows(5000, first_seq=11, seed=3, span_s=10))).taken == 5000
    assert stored_rollup(database, MINUTES) == recount(database, MINUTES)
    database.close()


def test_a_period_is_the_sum_of_its_days_corrections_included(plant: PlantDatabase) -> None:
    rows = made_rows(300)
    whole = read_period(plant.database, date(2026, 11, 1), date(2026, 12, 31))
    assert whole.items == 300
    assert whole.mass_kg == pytest.approx(rows["mass_mg"].sum() / 1e6)
    correct_item(plant, _correction(7, mass_g=0.0))
    after = read_period(plant.database, date(2026, 11, 1), date(2026, 12, 31))
    assert after.items == 300
    assert after.mass_kg == pytest.approx(whole.mass_kg - rows["mass_mg"][6] / 1e6)
    assert after.changed_at > whole.changed_at
    days = [
        read_period(plant.database, day, day).items
        for day in (date(2026, 11, 30), date(2026, 12, 1))
    ]
    assert sum(days) == 300
    assert min(days) > 0


def test_a_period_without_items_is_empty(plant: PlantDatabase) -> None:
    nothing = read_period(plant.database, date(2020, 1, 1), date(2020, 12, 31))
    assert (nothing.items, nothing.sums, nothing.changed_at) == (0, (), None)
