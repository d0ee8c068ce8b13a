"""Opens what a line's configuration names: the plant's database, and the sender to it."""

import os
from pathlib import Path

from telemetry.database.address import database_url
from telemetry.database.migration import open_database
from telemetry.errors import DatabaseError
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.config import PlantConfig
from telemetry.plant.line_store import LineStoreReader
from telemetry.plant.sender import PlantSender


def open_plant(config: PlantConfig) -> PlantDatabase:
    """Open the plant's database: `DATABASE_URL`'s, else the configured SQLite file.

    Raises:
        DatabaseUnavailableError: it cannot be reached now.
        DatabaseError: it cannot be used.
    """
    database = open_database(database_url(os.environ, default=config.database_path))
    try:
        return PlantDatabase(database, zone_name=config.time_zone)
    except DatabaseError:
        database.close()
        raise


def make_sender(config: PlantConfig, store_path: Path) -> PlantSender:
    """Return the sender of a line's store to its plant; nothing is opened yet."""
    return PlantSender(
        source=LineStoreReader(store_path),
        open_plant=lambda: open_plant(config),
        batch_items=config.batch_items,
    )
