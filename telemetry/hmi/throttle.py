"""Makes guessing passwords slow, without locking anybody out for good."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from calibration.clock import Clock, seconds_between
from calibration.units import MonotonicNs

FREE_TRIES: Final = 5
FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 300.0
KEPT: Final = 4096
"""Names and addresses remembered; beyond it the oldest are forgotten, so memory is bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failures:
    count: int
    last_ns: MonotonicNs


class LoginThrottle:
    """Counts wrong passwords by user name and by address. Event loop only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, *keys: str) -> float:
        """Return how long to wait before the next try, 0 if none is needed."""
        return max(self._wait_s(key) for key in keys)

    def _wait_s(self, key: str) -> float:
        failed = self._failures.get(key)
        if failed is None or failed.count < FREE_TRIES:
            return 0.0
        doublings = min(failed.count - FREE_TRIES, 10)
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**doublings)
        return max(0.0, wait_s - seconds_between(failed.last_ns, self._clock.now_ns()))

    def failed(self, *keys: str) -> None:
        """Count a wrong password."""
        for key in keys:
            before = self._failures.pop(key, None)
            count = 1 if before is None else before.count + 1
            self._failures[key] = _Failures(count=count, last_ns=self._clock.now_ns())
            while len(self._failures) > KEPT:
                self._failures.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        """Forget the wrong ones."""
        for key in keys:
            self._failures.pop(key, None)
