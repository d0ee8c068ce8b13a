"""The [telemetry.database] section: the plant's database that this line reports to."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from calibration.section import Section

RECORDS_YEARS_MIN = 5
"""Ecological Code of Kazakhstan, Art. 347: records are kept at least five years."""


class PlantConfig(Section):
    """Where a line's items go besides its own store. An address is never written here.

    `DATABASE_URL` in the environment names a PostgreSQL database, password included; without it the
    plant's database is a SQLite file.
    """

    database_path: Path = Path("plant.sqlite")
    """SQLite file, used where the environment has no DATABASE_URL."""
    time_zone: str = "Asia/Almaty"
    """Where a day begins; one for all lines of a plant."""
    batch_items: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    """Items sent in one transaction at most."""
    every_s: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    """How often new items are looked for."""
    keep_records_years: Annotated[int, Field(ge=RECORDS_YEARS_MIN, le=100)] = 7
    """Items are kept at least so long; days' sums are kept for ever."""
    keep_minutes_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """Sums by minute are kept so long."""
    pictures_path: Path | None = None
    """Folder of pictures whose age is limited; nothing else in it is touched."""
    keep_pictures_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    """Pictures older than this are deleted."""

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            msg = f"no time zone {name!r}; write for instance Asia/Almaty"
            raise ValueError(msg) from error
        return name

    def beside(self, folder: Path) -> "PlantConfig":
        """Return the section with its paths taken from a folder."""
        places = {"database_path": (folder / self.database_path).resolve()}
        if self.pictures_path is not None:
            places["pictures_path"] = (folder / self.pictures_path).resolve()
        return self.model_copy(update=places)
