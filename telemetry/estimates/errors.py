"""What the estimators raise."""

from telemetry.errors import TelemetryError


class EstimateError(TelemetryError):
    """Figures that no estimate can be made from: negative, not finite, or of the wrong shape."""
