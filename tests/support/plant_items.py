"""Made-up items for the plant's database, and the recount that roll-ups must equal."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Table, select

from telemetry.database.engine import Database
from telemetry.plant.batch import ITEM_TYPE, US_PER_S, ItemBatch, Rows, SessionFacts
from telemetry.plant.tables import CORRECTIONS, DAYS, HOURS, ITEMS, LINES, MINUTES, SESSIONS

START = datetime(2026, 11, 30, 18, 58, tzinfo=UTC)
"""Two minutes before midnight in Almaty, five hours before a month ends in UTC."""
ZONE = "Asia/Almaty"
_WORDS = ("fraction", "action", "reason", "station", "outcome")


def facts(
    line_id: str = "line-1", session_id: str = "s1", ending: str | None = None
) -> SessionFacts:
    return SessionFacts(
        line_id=line_id,
        session_id=session_id,
        station_names=("plastic", "paper"),
        opened_at=START,
        account="{}",
        ending=ending,
    )


def made_rows(
    count: int,
    *,
    first_seq: int = 1,
    seed: int = 0,
    start: datetime = START,
    span_s: float = 9 * 3600,
) -> Rows:
    """Rows whose wall times rise over `span_s`, across a midnight and a month's end by default."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, ITEM_TYPE)
    rows["record_seq"] = np.arange(first_seq, first_seq + count)
    offsets = np.sort(rng.integers(0, int(span_s * US_PER_S), count))
    rows["at_us"] = round(start.timestamp()) * US_PER_S + offsets
    rows["mass_mg"] = rng.integers(0, 400_000, count)
    rows["mass_sd_mg"] = rows["mass_mg"] // 2
    rows["width_mm"], rows["length_mm"] = rng.uniform(20, 300, (2, count))
    rows["confidence"] = rng.uniform(0.3, 1, count)
    rows["fraction"] = rng.integers(0, 6, count)
    rows["action"] = np.where(rows["fraction"] < 2, 0, 3)
    rows["reason"] = np.where(rows["fraction"] < 2, 0, 1)
    rows["station"] = np.where(rows["fraction"] < 2, rows["fraction"], -1)
    rows["outcome"] = np.where(rows["fraction"] < 2, 0, 1)
    return rows


def batch(rows: Rows, session: SessionFacts | None = None) -> ItemBatch:
    return ItemBatch(session=session or facts(), bundle_id="bundle-1", rows=rows)


def stored_rollup(database: Database, table: Table) -> Counter[tuple[object, ...]]:
    """Items and mass by bucket, line and words; buckets that a correction emptied are left out."""
    bucket = table.primary_key.columns[0]
    columns = [bucket, LINES.c.line_id, *(table.c[word] for word in _WORDS)]
    query = select(*columns, table.c["items"], table.c.mass_mg).join(LINES)
    found: Counter[tuple[object, ...]] = Counter()
    with database.read() as connection:
        for *key, items, mass_mg in connection.execute(query):
            found[(*key, "items")] = items
            found[(*key, "mass")] = mass_mg
    return +found


def recount(database: Database, table: Table) -> Counter[tuple[object, ...]]:
    """The same from the items themselves, each as its newest correction tells."""
    query = (
        select(ITEMS.c.at_us, ITEMS.c.mass_mg, *(ITEMS.c[word] for word in _WORDS))
        .add_columns(LINES.c.line_id, ITEMS.c.session_no, ITEMS.c.record_seq)
        .select_from(ITEMS)
        .join(SESSIONS, SESSIONS.c.session_no == ITEMS.c.session_no)
        .join(LINES)
    )
    newest = select(CORRECTIONS).order_by(CORRECTIONS.c.revision)
    found: Counter[tuple[object, ...]] = Counter()
    with database.read() as connection:
        corrected = {(c.session_no, c.record_seq): c for c in connection.execute(newest)}
        for row in connection.execute(query):
            now = corrected.get((row.session_no, row.record_seq), row)
            words = (now.fraction, row.action, row.reason, row.station, row.outcome)
            key = (_bucket(row.at_us, table), row.line_id, *words)
            found[(*key, "items")] += 1
            found[(*key, "mass")] += now.mass_mg
    return +found


def _bucket(at_us: int, table: Table) -> object:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    if table is DAYS:
        return at.astimezone(ZoneInfo(ZONE)).date()
    width_s = {MINUTES: 60, HOURS: 3600}[table]
    return at_us // (width_s * US_PER_S)
