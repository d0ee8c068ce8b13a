"""Looks now and then what manual samples of a line were entered, for its page.

Runs in a thread of the telemetry process; its libraries are loaded only where a plant's database is
configured. Nothing it does can hold up records or the page.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from telemetry.audited import AuditedPurity
from telemetry.database.engine import Database
from telemetry.errors import DatabaseError
from telemetry.estimates.types import Share
from telemetry.plant.audits import audited_purity
from telemetry.plant.config import PlantConfig
from telemetry.plant.opening import open_plant
from telemetry.wall import utc_now
from vision.types import FRACTIONS

_log = logging.getLogger(__name__)

PERIOD: Final = timedelta(days=30)
"""Samples older than this say nothing of the products now."""
CLOCK_BACK: Final = timedelta(days=1)
"""A clock that was set back makes no sample that is in the database one of the future: entering
refuses those."""
EVERY_S: Final = 10.0
FIRST_S: Final = 0.5
"""While no line was heard of."""
Told = tuple[AuditedPurity, ...]


def purity_now(database: Database, line_id: str, now: datetime) -> Told:
    """Return the purity of every product of a line by the samples of the last 30 days.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    told = []
    for product in FRACTIONS:
        found = audited_purity(
            database,
            line_id,
            product,
            first=now - PERIOD,
            last=now + CLOCK_BACK,
        )
        share = found if isinstance(found, Share) else None
        reason = "" if isinstance(found, Share) else found.reason
        told.append(AuditedPurity(product=product, share=share, reason=reason))
    return tuple(told)


def watch_audits(
    config: PlantConfig,
    line_id: Callable[[], str | None],
    stop: threading.Event,
    tell: Callable[[Told], None],
) -> None:
    """Tell what the samples say, again and again until stopped; trouble is logged once and retried.

    Args:
        config: where the plant's database is.
        line_id: whose samples, None while no line was heard of.
        stop: ends it.
        tell: takes what was found; from this thread.
    """
    trouble = ""
    while not stop.is_set():
        name = line_id()
        try:
            if name is not None:
                with closing(open_plant(config).database) as database:
                    tell(purity_now(database, name, utc_now()))
            trouble = ""
        except DatabaseError as error:
            if str(error) != trouble:
                _log.warning("manual samples cannot be read: %s", error)
            trouble = str(error)
        stop.wait(EVERY_S if name is not None else FIRST_S)
