"""What can go wrong with calibrations and with taking them."""

from typing import Self

from typing_extensions import override


class CalibrationError(Exception):
    """A calibration file is missing, altered, incomplete, or of another camera or belt."""


class ProcedureError(CalibrationError):
    """A procedure has no result from what it was shown.

    Attributes:
        found: what was seen.
        remedy: what the technician is to do.
    """

    def __init__(self, found: str, remedy: str) -> None:
        """Say what was seen and what to do about it."""
        super().__init__(f"{found}; {remedy}")
        self.found = found
        self.remedy = remedy

    @override
    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Survive the way between processes, which by default keeps the message alone."""
        return type(self), (self.found, self.remedy)
