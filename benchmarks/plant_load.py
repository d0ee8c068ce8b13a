"""Made-up lines that send items to a plant's database, each in a process of its own."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from telemetry.database.address import parse_url
from telemetry.database.migration import open_database
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.batch import ITEM_TYPE, US_PER_S, ItemBatch, Rows, SessionFacts

ITEMS_PER_S: Final = 4_000
"""Of one line: four items per millisecond."""
START: Final = datetime(2026, 3, 1, 3, tzinfo=UTC)
_CHOICES: Final = (
    (0, 0, 0, 0, 0),
    (1, 0, 0, 1, 0),
    (2, 3, 1, -1, 1),
    (5, 3, 1, -1, 1),
    (0, 3, 2, -1, 1),
)
"""Fraction, action, reason, station, outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLoad:
    """What one line is to send.

    Attributes:
        address: of the database, password included.
        number: of the line.
        items: in all.
        batch_items: in one transaction.
    """

    address: str
    number: int
    items: int
    batch_items: int


def send_all(loads: tuple[LineLoad, ...]) -> float:
    """Send all loads at once, a process per line; return the wall time in s, first to last."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(len(loads), mp_context=context) as pool:
        spans = tuple(pool.map(_send, loads))
    return max(end for _, end in spans) - min(start for start, _ in spans)


def _send(load: LineLoad) -> tuple[float, float]:
    database = open_database(parse_url(load.address))
    plant = PlantDatabase(database)
    session = SessionFacts(
        line_id=f"line-{load.number}",
        session_id="load",
        station_names=("plastic", "paper"),
        opened_at=START,
        account="{}",
        ending=None,
    )
    rng = np.random.default_rng(load.number)
    begun = time.monotonic()
    for first in range(1, load.items + 1, load.batch_items):
        count = min(load.batch_items, load.items + 1 - first)
        rows = made_rows(rng, first, count)
        plant.deliver(ItemBatch(session=session, bundle_id="bundle", rows=rows))
    ended = time.monotonic()
    database.close()
    return begun, ended


def made_rows(rng: np.random.Generator, first_seq: int, count: int) -> Rows:
    """Return items that follow one another at the line's rate."""
    rows = np.zeros(count, ITEM_TYPE)
    seq = np.arange(first_seq, first_seq + count)
    rows["record_seq"] = seq
    rows["at_us"] = round(START.timestamp()) * US_PER_S + seq * (US_PER_S // ITEMS_PER_S)
    rows["mass_mg"] = rng.integers(2_000, 200_000, count)
    rows["mass_sd_mg"] = rows["mass_mg"] // 2
    rows["width_mm"], rows["length_mm"] = rng.uniform(30, 250, (2, count))
    rows["confidence"] = rng.uniform(0.5, 1, count)
    chosen = np.array(_CHOICES)[rng.integers(0, len(_CHOICES), count)]
    for place, name in enumerate(("fraction", "action", "reason", "station", "outcome")):
        rows[name] = chosen[:, place]
    return rows
