"""What the dispatcher needs of a transport."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from telemetry.errors import TelemetryError


class DeliveryError(TelemetryError):
    """A parcel was not delivered, as far as this side knows."""


class DeliveryRetryError(DeliveryError):
    """Worth another try: no answer, half an answer, busy, or out of order for now.

    Args:
        words: what happened.
        wait: what the receiver asked for, None if nothing.
    """

    def __init__(self, words: str, *, wait: timedelta | None = None) -> None:
        super().__init__(words)
        self.wait = wait


class DeliveryRefusedError(DeliveryError):
    """The receiver will never take this parcel; a person must look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One filed report for one receiver.

    Attributes:
        parcel_id: in the queue.
        destination: name of the receiver.
        facility: whose report: BIN and site.
        key: idempotency key, the same at every try: uid and revision.
        content: its bytes.
        sha256: of the content.
        attempts: tries before this one.
    """

    parcel_id: int
    destination: str
    facility: str
    key: str
    content: bytes
    sha256: str
    attempts: int

    @property
    def file_name(self) -> str:
        """A name for transports that deliver files."""
        return f"{self.facility.replace('/', '-')}-{self.key.replace(':', '-r')}.json"


class Transport(Protocol):
    """One way to one receiver. Used by one thread at a time."""

    def send(self, parcel: Parcel) -> str:
        """Deliver; a parcel delivered before may be delivered again to the same effect.

        Blocks up to the transport's timeout.

        Returns:
            The receipt, text as the receiver gave it.

        Raises:
            DeliveryRetryError: not known to be delivered; try again.
            DeliveryRefusedError: refused for good.
        """
        ...
