"""Everything the telemetry package raises on purpose."""


class TelemetryError(Exception):
    """Base of the family."""


class WireError(TelemetryError):
    """Bytes between line and telemetry that are not the protocol; the connection is closed."""


class StoreError(TelemetryError):
    """The store cannot be opened or used: not a store, corrupt, or held by another process."""


class StoreVersionError(StoreError):
    """The store was written by a newer program."""


class StoreUnavailableError(StoreError):
    """A write failed and was rolled back, for want of space or by an I/O error; worth a retry."""


class TelemetryStartError(TelemetryError):
    """The telemetry process ended before it was ready."""


class DatabaseError(TelemetryError):
    """The plant's database cannot be opened or used, or refused a statement."""


class DatabaseVersionError(DatabaseError):
    """The database's schema is newer than this program, of another program, or must be upgraded."""


class DatabaseConflictError(DatabaseError):
    """A constraint refused a row: a key that exists, or one that does not."""


class DatabaseUnavailableError(DatabaseError):
    """Unreachable, full or locked: the transaction was rolled back and is worth a retry."""
