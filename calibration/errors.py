"""What can go wrong with calibrations and with taking them."""


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
