"""What reports raise on purpose, within telemetry's family."""

from collections.abc import Sequence

from telemetry.errors import TelemetryError


class ReportError(TelemetryError):
    """A report cannot be made, kept or written; the message says what to do."""


class ReportBlockedError(ReportError):
    """The figures have errors, not only warnings, so nothing is exported."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = tuple(errors)


class ReportRevisionError(ReportError):
    """A uid and revision that exist with other content, or a correction with nothing to correct."""


class SignatureRefusedError(ReportError):
    """No detached signature of this report, or something that must never be stored."""
