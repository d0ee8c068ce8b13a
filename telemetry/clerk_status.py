"""How the plant's accounts stand, as the page is told."""

from dataclasses import dataclass
from typing import Protocol

from telemetry.delivery.queue import ParcelStanding
from telemetry.ledger.ticket_desk import TicketCheck
from telemetry.ledger.weighbridge import TicketForm


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

    def check_ticket(self, form: TicketForm, by: str) -> TicketCheck:
        """Say what is wrong with a weighbridge ticket, without entering it.

        Raises:
            DatabaseError: the ledger cannot be read just now.
        """
        ...

    def enter_ticket(self, form: TicketForm, by: str) -> TicketCheck:
        """Enter a weighbridge ticket; the same again does nothing.

        Raises:
            TelemetryError: it cannot be written just now.
        """
        ...

    def retry(self, parcel_id: int, by: str) -> None:
        """Try a dead parcel again and book who wanted it.

        Raises:
            DeliveryError: it is not dead, or nobody is named.
        """
        ...

    def drop(self, parcel_id: int, by: str, reason: str) -> None:
        """Give a dead parcel up and book who did and why.

        Raises:
            DeliveryError: it is not dead, or nobody or no reason is named.
        """
        ...
