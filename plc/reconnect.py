"""When to try again: exponential back-off with jitter."""

import random

from calibration.units import NS_PER_MS, MonotonicNs


class ReconnectPolicy:
    """Says whether an attempt is due. Pure: the caller brings the time."""

    def __init__(
        self, *, first_ms: float = 100.0, longest_ms: float = 5000.0, seed: int | None = None
    ) -> None:
        """Begin with an attempt due at once.

        Args:
            first_ms: delay after the first failure; doubles with each further one.
            longest_ms: upper limit of the delay.
            seed: of the jitter; None draws one from the system.
        """
        self._first_ms = first_ms
        self._longest_ms = longest_ms
        self._random = random.Random(seed)  # noqa: S311 - spreads attempts, guards nothing
        self._failures = 0
        self._due_ns = MonotonicNs(0)

    @property
    def failures(self) -> int:
        """Failed attempts since the last success."""
        return self._failures

    def due(self, now_ns: MonotonicNs) -> bool:
        """Return whether to try now."""
        return now_ns >= self._due_ns

    def wait_ms(self, now_ns: MonotonicNs) -> float:
        """Return the time until the next attempt is due, zero if it is."""
        return max(0, self._due_ns - now_ns) / NS_PER_MS

    def failed(self, now_ns: MonotonicNs) -> float:
        """Count a failure and schedule the next attempt.

        Returns:
            Delay to it in ms, between half and the whole of the doubled step.
        """
        step_ms = min(self._longest_ms, self._first_ms * 2.0 ** min(self._failures, 30))
        delay_ms = step_ms * self._random.uniform(0.5, 1.0)
        self._failures += 1
        self._due_ns = MonotonicNs(now_ns + int(delay_ms * NS_PER_MS))
        return delay_ms

    def succeeded(self) -> None:
        """Begin anew: the next failure waits only the first step."""
        self._failures = 0
        self._due_ns = MonotonicNs(0)
