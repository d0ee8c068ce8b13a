"""What the ledger raises on purpose, within telemetry's family."""

from telemetry.errors import TelemetryError


class LedgerError(TelemetryError):
    """The ledger refuses an entry or cannot be used; the message names the entry and the remedy."""


class EntryError(LedgerError):
    """An entry that cannot be right: its mass, time, code, shift or revision."""


class RevisionError(EntryError):
    """A uid and revision that exist with other content, or a correction with nothing to correct."""


class ForeignLedgerError(LedgerError):
    """This chain belongs to another plant."""
