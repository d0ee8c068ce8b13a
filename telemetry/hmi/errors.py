"""What the page's own books refuse."""

from telemetry.errors import StoreError, TelemetryError


class AccountError(TelemetryError):
    """A user, name or password that cannot be taken; the message says why and what to do."""


class AccountStoreError(StoreError):
    """The file of users cannot be opened or used."""
