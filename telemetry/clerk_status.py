"""How the plant's accounts stand, as the page is told."""

from dataclasses import dataclass
from typing import Protocol

from telemetry.delivery.queue import ParcelStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentAlarm:
    """Something that stands now.

    Attributes:
        source: scale or channel.
        words: what is wrong, with figures.
    """

    source: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkStatus:
    """How the accounts stand, for the page.

    Attributes:
        trouble: why nothing can be booked just now, empty if all is well.
        dead: parcels that a person must look at.
        instruments: alarms of scales and air channels.
        storage: what lies too long or must leave soon, in words; empty if nothing does.
    """

    trouble: str = ""
    dead: int = 0
    instruments: tuple[InstrumentAlarm, ...] = ()
    storage: str = ""


class PlantClerk(Protocol):
    """What the page asks of whoever keeps the accounts. Any thread may call it; it may block."""

    status: ClerkStatus

    def parcels(self) -> tuple[ParcelStanding, ...]:
        """Return the delivery queue.

        Raises:
            DatabaseError: it cannot be read just now.
        """
        ...

    def revive(self, parcel_id: int) -> None:
        """Try a dead parcel again.

        Raises:
            DeliveryError: it is not dead.
        """
        ...
