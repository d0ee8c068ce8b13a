"""A camera on the endless belt: a frame is exposed at the instant at which it is handed over."""

import threading

from benchmarks.scenes import EndlessBelt
from calibration.clock import Clock
from calibration.units import NS_PER_S, MonotonicNs
from vision.errors import CameraTimeoutError
from vision.types import CameraLosses, Frame


class BeltCamera:
    """Camera port. What it shows, and how often, may be changed while it runs."""

    def __init__(
        self, *, belt: EndlessBelt, frames_per_s: float, speed_mm_per_s: float, clock: Clock
    ) -> None:
        """Point it at a belt.

        Args:
            belt: what it shows.
            frames_per_s: exposures a second; those nobody reads are skipped.
            speed_mm_per_s: of the belt.
            clock: stamps and waits.
        """
        self._clock, self._never = clock, threading.Event()
        self._speed_mm_per_s = speed_mm_per_s
        self._start_ns = self._next_ns = clock.now_ns()
        self._seq = 0
        self.show(belt, frames_per_s)

    def show(self, belt: EndlessBelt, frames_per_s: float) -> None:
        """Show another belt, at another rate, from the next frame on."""
        self._scene = (belt, round(NS_PER_S / frames_per_s))

    @property
    def camera_id(self) -> str:
        """Identity of the camera."""
        return "endless-belt"

    def open(self) -> None:
        """Nothing to connect."""

    def read(self, timeout_s: float) -> Frame:
        """Wait until the next exposure is due and make it; no transfer, no queue.

        Raises:
            CameraTimeoutError: no exposure is due within `timeout_s`.
        """
        wait_s = (self._next_ns - self._clock.now_ns()) / NS_PER_S
        if wait_s > timeout_s:
            msg = f"the next exposure is due in {wait_s:.3f} s"
            raise CameraTimeoutError(msg)
        self._clock.wait(self._never, wait_s)
        belt, period_ns = self._scene
        exposed_ns = self._clock.now_ns()
        skipped = max(0, (exposed_ns - self._next_ns) // period_ns)
        self._seq += 1 + skipped
        self._next_ns = MonotonicNs(self._next_ns + (1 + skipped) * period_ns)
        travel_mm = (exposed_ns - self._start_ns) / NS_PER_S * self._speed_mm_per_s
        return Frame(seq=self._seq, exposed_ns=exposed_ns, image=belt.at(travel_mm))

    def losses(self) -> CameraLosses:
        """Nothing."""
        return CameraLosses()

    def close(self) -> None:
        """Nothing to release."""
