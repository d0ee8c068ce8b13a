"""Everything the vision package raises on purpose."""


class VisionError(Exception):
    """Base of the family."""


class CameraError(VisionError):
    """A camera is absent, gone, or refuses a setting."""


class CameraTimeoutError(CameraError):
    """No new frame came in time; the camera is still open."""


class EndOfStreamError(CameraError):
    """A recorded source has no more frames."""


class BundleError(VisionError):
    """A model bundle is missing, corrupt, altered, or of an unknown format."""


class DetectorError(VisionError):
    """The detector could not run."""
