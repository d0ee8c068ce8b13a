"""The line's camera when the twin's scene process renders the belt in real time."""

from multiprocessing.connection import Connection

from calibration.units import MonotonicNs
from twin.frame_ring import FrameNotice, FrameRing
from vision.errors import CameraError, CameraTimeoutError
from vision.types import CameraLosses, Frame


class TwinCamera:
    """Camera port over a frame ring; the newest announced frame wins."""

    def __init__(self, *, camera_id: str, ring: FrameRing, notices: Connection) -> None:
        """Take the reading ends; the composition root owns and closes them."""
        self._camera_id = camera_id
        self._ring = ring
        self._notices = notices

    @property
    def camera_id(self) -> str:
        """Stable identity of the device."""
        return self._camera_id

    def open(self) -> None:
        """Nothing to connect: the scene process exposes as long as it runs."""

    def read(self, timeout_s: float) -> Frame:
        """Block until a frame not yet returned is there, then return the newest.

        Raises:
            CameraTimeoutError: no new frame within `timeout_s`.
            CameraError: the scene process is gone.
        """
        try:
            notice = self._newest(timeout_s)
        except (EOFError, OSError) as error:
            msg = "the twin's scene process has ended; start the demonstration again"
            raise CameraError(msg) from error
        image = self._ring.copy(notice)
        if image is None:
            msg = f"frame {notice.seq} was overwritten before it was read"
            raise CameraTimeoutError(msg)
        return Frame(seq=notice.seq, exposed_ns=MonotonicNs(notice.exposed_ns), image=image)

    def _newest(self, timeout_s: float) -> FrameNotice:
        if not self._notices.poll(timeout_s):
            msg = f"no frame from the twin within {timeout_s:.1f} s"
            raise CameraTimeoutError(msg)
        notice: FrameNotice = self._notices.recv()
        while self._notices.poll(0):
            notice = self._notices.recv()
        return notice

    def losses(self) -> CameraLosses:
        """Nothing: the ring holds whole frames only."""
        return CameraLosses()

    def close(self) -> None:
        """Nothing to release here; the composition root owns ring and connection."""
