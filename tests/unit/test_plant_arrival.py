from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL

from controller.types import ActionPolicy, DecisionReason, ItemOutcome
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.errors import DatabaseConflictError, DatabaseError
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.codes import ACTION_OF, FRACTION_OF, OUTCOME_OF, REASON_OF, code_names
from telemetry.plant.parts import drop_month, ensure_months, month_of, split_by_month
from telemetry.plant.tables import CODE_NAMES, DAYS, HOURS, ITEMS, MINUTES, PARTS, SESSIONS
from tests.support.plant_items import batch, facts, made_rows, recount, stored_rollup
from vision.types import Fraction


@pytest.fixture
def plant(database: Database) -> PlantDatabase:
    return PlantDatabase(database)


def _items(plant: PlantDatabase) -> int:
    with plant.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(ITEMS)) or 0)


def test_items_of_two_months_go_into_two_parts_and_come_back_as_one(plant: PlantDatabase) -> None:
    rows = made_rows(500)
    arrival = plant.deliver(batch(rows))
    assert (arrival.taken, arrival.known, arrival.arrived_seq) == (500, 0, 500)
    with plant.database.read() as connection:
        months = connection.scalars(select(PARTS.c.month).order_by(PARTS.c.month)).all()
        found = connection.execute(select(ITEMS).order_by(ITEMS.c.record_seq)).all()
    assert months == ["2026-11", "2026-12"]
    for name in ("at_us", "mass_mg", "mass_sd_mg", "fraction", "station", "outcome"):
        assert [getattr(row, name) for row in found] == rows[name].tolist()
    assert [row.confidence for row in found] == pytest.approx(rows["confidence"].tolist())


def test_a_batch_sent_twice_has_its_effect_once(plant: PlantDatabase) -> None:
    rows = made_rows(300)
    plant.deliver(batch(rows))
    again = plant.deliver(batch(rows))
    assert (again.taken, again.known) == (0, 300)
    overlapping = plant.deliver(batch(made_rows(200, first_seq=201)))
    assert (overlapping.taken, overlapping.known, overlapping.arrived_seq) == (100, 100, 400)
    assert _items(plant) == 400
    for table in (MINUTES, HOURS, DAYS):
        assert stored_rollup(plant.database, table) == recount(plant.database, table)


@pytest.mark.parametrize(
    "change",
    [datetime(2026, 11, 30, 3, tzinfo=UTC), datetime(2026, 11, 30, 19, tzinfo=UTC)],
    ids=["shift change at 8:00 in Almaty", "midnight in Almaty"],
)
def test_items_of_an_hour_that_the_clock_told_twice_are_all_booked_once(
    plant: PlantDatabase, change: datetime
) -> None:
    rows = made_rows(400, start=change - timedelta(hours=1), span_s=2 * 3600)
    rows["at_us"][200:] -= 3600 * 1_000_000
    assert plant.deliver(batch(rows)).taken == 400
    assert plant.deliver(batch(rows)).taken == 0
    assert _items(plant) == 400
    for table in (MINUTES, HOURS, DAYS):
        assert stored_rollup(plant.database, table) == recount(plant.database, table)
        with plant.database.read() as connection:
            mass_mg = connection.scalar(select(func.sum(table.c.mass_mg)))
        assert int(mass_mg or 0) == rows["mass_mg"].sum()


def test_sessions_of_several_lines_arrive_at_once(empty_database_url: URL) -> None:
    open_database(empty_database_url).close()

    def send(number: int) -> None:
        database = open_database(empty_database_url)
        own = PlantDatabase(database)
        for first in range(1, 401, 100):
            session = facts(f"line-{number % 3}", f"s{number}")
            own.deliver(batch(made_rows(100, first_seq=first, seed=first * 9 + number), session))
        database.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(6)))
    database = open_database(empty_database_url)
    assert _items(PlantDatabase(database)) == 2400
    for table in (MINUTES, HOURS, DAYS):
        assert stored_rollup(database, table) == recount(database, table)
    database.close()


def test_two_senders_of_one_session_have_the_effect_of_one(empty_database_url: URL) -> None:
    open_database(empty_database_url).close()

    def send(_: int) -> int:
        database = open_database(empty_database_url)
        own = PlantDatabase(database)
        taken = sum(
            own.deliver(batch(made_rows(50, first_seq=first, seed=first))).taken
            for first in range(1, 501, 50)
        )
        database.close()
        return taken

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(send, range(3))) == 500


def test_a_row_that_is_there_already_is_refused_by_the_key(plant: PlantDatabase) -> None:
    rows = made_rows(10, span_s=10)
    plant.deliver(batch(rows))
    with plant.database.write() as connection:
        connection.execute(SESSIONS.update().values(arrived_seq=0))
    with pytest.raises(DatabaseConflictError):
        plant.deliver(batch(rows))
    assert _items(plant) == 10


def test_a_session_that_ended_stays_ended(plant: PlantDatabase) -> None:
    plant.deliver(batch(made_rows(10), facts(ending="closed")))
    plant.deliver(batch(made_rows(10), facts(ending=None)))
    plant.deliver(batch(made_rows(0), facts(ending=None)))
    with plant.database.read() as connection:
        assert connection.scalar(select(SESSIONS.c.ending)) == "closed"


def test_a_plant_counts_its_days_in_one_time_zone(plant: PlantDatabase) -> None:
    with pytest.raises(DatabaseError, match="Asia/Almaty, not Europe/Berlin"):
        PlantDatabase(plant.database, zone_name="Europe/Berlin")


def test_a_day_ends_at_the_plants_midnight(plant: PlantDatabase) -> None:
    plant.deliver(batch(made_rows(200, span_s=240)))
    with plant.database.read() as connection:
        days = connection.execute(
            select(DAYS.c.day, func.sum(DAYS.c["items"])).group_by(DAYS.c.day).order_by(DAYS.c.day)
        ).all()
    assert [str(day) for day, _ in days] == ["2026-11-30", "2026-12-01"]
    assert sum(items for _, items in days) == 200


def test_a_month_is_dropped_whole_and_its_sums_stay(plant: PlantDatabase) -> None:
    plant.deliver(batch(made_rows(300)))
    before = stored_rollup(plant.database, DAYS)
    drop_month(plant.database, "2026-11")
    drop_month(plant.database, "2026-11")
    with plant.database.read() as connection:
        left = connection.scalars(select(ITEMS.c.at_us)).all()
    assert left
    assert {month_of(at_us) for at_us in left} == {"2026-12"}
    assert stored_rollup(plant.database, DAYS) == before


def test_parts_are_made_once_by_many_processes(empty_database_url: URL) -> None:
    open_database(empty_database_url).close()
    months = tuple(f"2026-{number:02d}" for number in range(1, 13))

    def make(_: int) -> None:
        database = open_database(empty_database_url)
        ensure_months(database, months)
        database.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    database = open_database(empty_database_url)
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(PARTS)) == 12
    database.close()


def test_every_word_has_a_number_and_the_database_can_say_it(plant: PlantDatabase) -> None:
    assert set(FRACTION_OF.values()) == set(Fraction)
    assert set(ACTION_OF.values()) == set(ActionPolicy)
    assert set(REASON_OF.values()) == set(DecisionReason)
    assert set(OUTCOME_OF.values()) == set(ItemOutcome)
    with plant.database.read() as connection:
        assert {tuple(row) for row in connection.execute(select(CODE_NAMES))} == set(code_names())


def test_rows_that_are_not_in_order_or_weigh_less_than_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="do not rise"):
        batch(made_rows(5)[::-1])
    rows = made_rows(5)
    rows["mass_mg"][2] = -1
    with pytest.raises(ValueError, match="negative mass"):
        batch(rows)


def test_months_split_at_midnight_utc() -> None:
    parts = split_by_month(made_rows(1000, span_s=70 * 86400))
    assert [month for month, _ in parts] == ["2026-11", "2026-12", "2027-01", "2027-02"]
    assert sum(len(rows) for _, rows in parts) == 1000
    assert np.all(np.diff(np.concatenate([rows["record_seq"] for _, rows in parts])) == 1)


def test_an_item_at_the_first_instant_of_a_month_belongs_to_that_month() -> None:
    rows = made_rows(2)
    begin = round(datetime(2026, 12, 1, tzinfo=UTC).timestamp()) * 1_000_000
    rows["at_us"] = (begin - 1, begin)
    parts = split_by_month(rows)
    assert [(month, rows["at_us"].tolist()) for month, rows in parts] == [
        ("2026-11", [begin - 1]),
        ("2026-12", [begin]),
    ]


def test_year_queries_touch_only_the_months_asked_for(plant: PlantDatabase) -> None:
    plant.deliver(batch(made_rows(100)))
    if plant.database.backend == "sqlite":
        return
    low = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1_000_000)
    with plant.database.read() as connection:
        plan = connection.execute(text(f"EXPLAIN SELECT * FROM items WHERE at_us >= {low}"))
        words = "\n".join(row[0] for row in plan)
    assert "items_2026_12" in words
    assert "items_2026_11" not in words
