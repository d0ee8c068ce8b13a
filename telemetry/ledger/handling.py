"""What a person did about the accounts, kept in the ledger for whoever asks later."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Deed(StrEnum):
    """What was done."""

    TICKET_ENTERED = "ticket_entered"
    DELIVERY_RETRIED = "delivery_retried"
    DELIVERY_DROPPED = "delivery_dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Who did what, and why.

    Attributes:
        about: uid of the entry, or destination and key of the parcel.
        did: what was done.
        by: who did it.
        reason: why; empty where none is asked for.
    """

    kind: Literal["handling"] = "handling"
    about: str
    did: Deed
    by: str
    reason: str = ""
