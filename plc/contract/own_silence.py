"""Whether the PC that checks fell silent itself: on a busy machine that is no fault of the PLC."""

from calibration.clock import Clock
from calibration.units import NS_PER_MS, MonotonicNs


class OwnSilence:
    """The longest time between two writes that were meant to follow each other."""

    def __init__(self, clock: Clock) -> None:
        """Begin before the first write."""
        self._clock = clock
        self._wrote_ns: MonotonicNs | None = None
        self._longest_ms = 0.0

    def begin(self) -> None:
        """Forget what was."""
        self._wrote_ns, self._longest_ms = None, 0.0

    def wrote(self) -> None:
        """Note a write."""
        self._longest_ms = self.longest_ms
        self._wrote_ns = self._clock.now_ns()

    def meant(self) -> None:
        """Note that from now on nothing is written on purpose."""
        self._longest_ms = self.longest_ms
        self._wrote_ns = None

    @property
    def longest_ms(self) -> float:
        """The longest silence so far, the present one included."""
        if self._wrote_ns is None:
            return self._longest_ms
        return max(self._longest_ms, (self._clock.now_ns() - self._wrote_ns) / NS_PER_MS)
