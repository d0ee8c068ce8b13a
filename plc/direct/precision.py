"""How precisely the PC switches a coil, measured, and what belt speed that allows. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from calibration.units import NS_PER_MS

_WINDOW = 4000
"""Newest writes that are judged in operation: enough for a 99.9 % point with four beyond it."""
_JUDGED_FROM = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Distribution of the switching error over a number of writes.

    A write switches its coils some time between sending and acknowledgement; the error is the
    larger distance of these two from the planned instant, so the truth is never worse.

    Attributes:
        writes: measured.
        p50_ms: median error.
        p99_ms: 99 % point.
        p999_ms: 99.9 % point.
        worst_ms: largest.
        latency_ms: median from sending to half of the round trip, which is compensated.
    """

    writes: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    worst_ms: float
    latency_ms: float

    @classmethod
    def of(cls, errors_ns: Iterable[int], *, latency_ns: float) -> Self:
        """Summarise errors.

        Raises:
            ValueError: there are none.
        """
        errors_ms = np.abs(np.fromiter(errors_ns, dtype=np.float64)) / NS_PER_MS
        if not len(errors_ms):
            msg = "no write was measured"
            raise ValueError(msg)
        p50, p99, p999 = np.percentile(errors_ms, (50, 99, 99.9), method="higher")
        return cls(
            writes=len(errors_ms),
            p50_ms=float(p50),
            p99_ms=float(p99),
            p999_ms=float(p999),
            worst_ms=float(errors_ms.max()),
            latency_ms=latency_ns / NS_PER_MS,
        )

    def fastest_mm_per_s(self, pitch_mm: float) -> float:
        """Return the belt speed at which the 99.9 % error is half a nozzle pitch."""
        return pitch_mm / 2 / self.p999_ms * 1e3

    def words(self, pitch_mm: float) -> str:
        """Return the figures in a sentence."""
        return (
            f"coil writes land within {self.p50_ms:.2f} ms (half of them), {self.p99_ms:.2f} ms "
            f"(99 %), {self.p999_ms:.2f} ms (99.9 %) of {self.writes}; half a nozzle pitch of "
            f"{pitch_mm:g} mm allows {self.fastest_mm_per_s(pitch_mm):.0f} mm/s"
        )


class RunningPrecision:
    """The precision in operation: never better than at start, worse as soon as it shows."""

    def __init__(self, start: Precision) -> None:
        """Begin with what was measured at start."""
        self._start = start
        self._errors_ns: deque[int] = deque(maxlen=_WINDOW)
        self._p999_ms = start.p999_ms
        self._added = 0

    def add(self, error_ns: int) -> None:
        """Take the error of one write; judged anew every thousand."""
        self._errors_ns.append(error_ns)
        self._added += 1
        if self._added % _JUDGED_FROM == 0:
            now = Precision.of(self._errors_ns, latency_ns=0.0)
            self._p999_ms = max(self._start.p999_ms, now.p999_ms)

    def fastest_mm_per_s(self, pitch_mm: float) -> float:
        """Return the belt speed that is allowed now."""
        return pitch_mm / 2 / self._p999_ms * 1e3
