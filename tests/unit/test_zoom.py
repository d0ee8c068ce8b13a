"""History from a year to a minute: every zoom counts every item once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from telemetry.database.address import sqlite_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.batch import ITEM_TYPE, US_PER_S, ItemBatch, SessionFacts
from telemetry.plant.zoom import Step, read_history, step_for

ZONE = ZoneInfo("Asia/Almaty")
START = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
COUNT = 6_000
EVERY_S = 10
"""Over a midnight in Almaty (19:00 UTC) and several hours."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = open_database(sqlite_url(tmp_path_factory.mktemp("z") / "plant.sqlite"))
    plant = PlantDatabase(database, zone_name="Asia/Almaty")
    rows = np.zeros(COUNT, ITEM_TYPE)
    rows["record_seq"] = np.arange(1, COUNT + 1)
    rows["at_us"] = (round(START.timestamp()) + np.arange(COUNT) * EVERY_S) * US_PER_S
    rows["mass_mg"] = 50_000
    rows["fraction"] = np.arange(COUNT) % 3
    rows["outcome"] = np.arange(COUNT) % 2
    session = SessionFacts(
        line_id="line-1",
        session_id="s",
        station_names=("plastic",),
        opened_at=START,
        account="{}",
        ending=None,
    )
    plant.deliver(ItemBatch(session=session, bundle_id="b", rows=rows))
    yield database
    database.close()


def test_the_step_follows_the_span() -> None:
    assert step_for(timedelta(minutes=1)) is Step.MINUTE
    assert step_for(timedelta(hours=13)) is Step.HOUR
    assert step_for(timedelta(days=365)) is Step.DAY


@pytest.mark.parametrize("span", [timedelta(days=1), timedelta(days=300)])
def test_every_zoom_counts_every_item_once(database: Database, span: timedelta) -> None:
    history = read_history(database, "line-1", START - timedelta(hours=1), START + span, ZONE)
    assert sum(point.items for point in history.points) == COUNT
    assert sum(p.mass_kg for p in history.points) == pytest.approx(COUNT * 0.05)


def test_a_minute_shows_its_own_items_only(database: Database) -> None:
    history = read_history(database, "line-1", START, START + timedelta(minutes=1), ZONE)
    assert history.step is Step.MINUTE
    assert sum(point.items for point in history.points) == 60 // EVERY_S
    assert {point.at for point in history.points} == {START}


def test_days_begin_at_midnight_of_the_plant(database: Database) -> None:
    history = read_history(database, None, START, START + timedelta(days=100), ZONE)
    first = [p for p in history.points if p.at.day == 1]
    assert sum(point.items for point in first) == 30 * 60 // EVERY_S
    assert all(point.at.hour == 0 for point in history.points)


def test_another_line_has_no_history_and_an_empty_period_is_refused(database: Database) -> None:
    assert read_history(database, "line-2", START, START + timedelta(1), ZONE).points == ()
    with pytest.raises(ValueError, match="end must follow"):
        read_history(database, "line-1", START, START, ZONE)
