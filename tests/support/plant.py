"""A plant for tests of accounts: its section, a wall clock one sets, entries one line long."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.entries import Action, Body, Entry, Mass, MassMethod, Product, Received
from vision.types import Fraction

BIN = "000140000012"
OTHER_BIN = "990040000013"
ALMATY = ZoneInfo("Asia/Almaty")
SHIFT = "2026-10-05/A"
NOON = datetime(2026, 10, 5, 12, tzinfo=ALMATY)


class WallClock:
    """Wall time that stands where the test put it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now.astimezone(UTC)

    def step(self, **by: float) -> None:
        self.now += timedelta(**by)


def accounts(**changes: Any) -> AccountsConfig:
    """Return the section of a plant with day and night shifts, 08:00 and 20:00 in Almaty."""
    document: dict[str, Any] = {
        "facility": {
            "bin": BIN,
            "facility_id": "site-1",
            "name_kk": "Сұрыптау зауыты",
            "name_ru": "Сортировочный завод",
            "name_en": "Sorting plant",
        },
        "equipment": {"rated_t_per_h": 5.0},
        "database_path": Path("plant.sqlite"),
    }
    return AccountsConfig.model_validate(document | changes)


def weighed(kg: float, source: str = "WB-1") -> Mass:
    return Mass(mass_g=round(kg * 1000), method=MassMethod.WEIGHBRIDGE, source=source)


def seen(kg: float, spread: float = 0.1) -> Mass:
    return Mass(
        mass_g=round(kg * 1000),
        method=MassMethod.VISION,
        source="bundle-1",
        low_g=round(kg * 1000 * (1 - spread)),
        high_g=round(kg * 1000 * (1 + spread)),
        level=0.95,
    )


def entry(uid: str, body: Body, *, shift: str = SHIFT, at: datetime = NOON, **more: Any) -> Entry:
    return Entry(uid=uid, at=at, shift=shift, body=body, **more)


def ticket(number: str, kg: float, **more: Any) -> Entry:
    """Return a delivery of mixed municipal waste over the weighbridge."""
    body = Received(code="200301", mass=weighed(kg), supplier="city", vehicle="A 123")
    return entry(f"weighbridge:{number}", body, **more)


def bale(number: str, kg: float, fraction: Fraction = Fraction.PLASTIC, **more: Any) -> Entry:
    """Return a sorted fraction, its mass estimated by the line."""
    code = {Fraction.PLASTIC: "191204", Fraction.PAPER: "191201"}[fraction]
    body = Product(fraction=fraction, bin=fraction.value, code=code, mass=seen(kg), items=int(kg))
    return entry(f"product:{number}", body, **more)


def correction(first: Entry, body: Body | None = None, *, revision: int = 2, **more: Any) -> Entry:
    """Return a revision of an entry: an EDIT with a new body, a CANCEL without one."""
    action = Action.EDIT if body is not None else Action.CANCEL
    return Entry(
        uid=first.uid,
        revision=revision,
        action=action,
        reason=more.pop("reason", "typing error"),
        at=first.at,
        shift=first.shift,
        batch=first.batch,
        body=body if body is not None else first.body,
        **more,
    )
