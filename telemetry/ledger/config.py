"""The [accounts] section of line.toml: whose figures these are and how they are kept."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from calibration.section import Section
from plc.instruments.config import BeltScale
from telemetry.codes.plant import PlantCodes
from telemetry.delivery.config import DeliveryConfig
from telemetry.ledger.air_config import AirConfig
from telemetry.ledger.identity import bin_problem
from telemetry.ledger.shifts import ShiftCalendar


class FacilityConfig(Section):
    """The plant that answers for the figures."""

    bin: str
    """Business identification number, 12 digits with its check digit."""
    facility_id: str = Field(pattern=r"^[\w.-]{1,60}$")
    """The plant's own name for the site, where a company has several."""
    name_kk: str = Field(min_length=1)
    name_ru: str = Field(min_length=1)
    name_en: str = ""
    kato: str = Field(default="", pattern=r"^(\d{9})?$")
    """Administrative territory code, nine digits; empty if not filled in."""

    @field_validator("bin")
    @classmethod
    def _bin_holds(cls, text: str) -> str:
        problem = bin_problem(text)
        if problem:
            raise ValueError(problem)
        return text


class BaselineConfig(Section):
    """The year that landfilled waste is compared with."""

    year: int = Field(default=2025, ge=2000, le=2100)
    received_t: Annotated[float, Field(gt=0)]
    landfilled_t: Annotated[float, Field(ge=0)]
    source: str = Field(min_length=1)
    """Where the two figures stand, for whoever asks."""


class EquipmentConfig(Section):
    """The installed equipment."""

    rated_t_per_h: Annotated[float, Field(gt=0, le=500)]
    """Capacity by its design."""
    since: date | None = None
    """When it was last changed, for the reader of a report."""


class AccountsConfig(Section):
    """Everything the ledger and the reports need to know of the plant."""

    facility: FacilityConfig
    equipment: EquipmentConfig
    database_path: Path
    """SQLite file of the ledger and the reports where DATABASE_URL names no database."""
    calendar: ShiftCalendar = ShiftCalendar()
    codes: PlantCodes = PlantCodes()
    baseline: BaselineConfig | None = None
    weighbridge: bool = True
    """Tickets say what comes in. Without one a belt scale does, else the line's estimate."""
    belt_scale: BeltScale | None = None
    air: AirConfig | None = None
    deliveries: tuple[DeliveryConfig, ...] = ()
    """Who receives filed reports."""
    balance_limit_pct: Annotated[float, Field(gt=0, le=100)] = 5.0
    """Mass balance that closes worse than this is a warning; drying alone makes it non-zero."""
    stock_months: int = Field(default=3, ge=1, le=12)
    """Longest storage of non-hazardous waste at a sorting station (Ecological Code, art. 320)."""

    @field_validator("deliveries")
    @classmethod
    def _names_differ(cls, deliveries: tuple[DeliveryConfig, ...]) -> tuple[DeliveryConfig, ...]:
        if len({delivery.name for delivery in deliveries}) != len(deliveries):
            msg = "two deliveries have the same name"
            raise ValueError(msg)
        return deliveries

    def beside(self, folder: Path) -> "AccountsConfig":
        """Return the section with its relative paths made to start at the line file's folder."""
        codes = self.codes.model_copy(update={"table": folder / self.codes.table})
        path = (folder / self.database_path).resolve()
        deliveries = tuple(delivery.beside(folder) for delivery in self.deliveries)
        moved = {"database_path": path, "codes": codes, "deliveries": deliveries}
        return self.model_copy(update=moved)
