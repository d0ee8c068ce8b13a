"""From a totaliser's readings to the mass that passed: wrap, reset, a zero that creeps back."""

from dataclasses import dataclass
from typing import Final

_CREEP_SHARE: Final = 0.001
"""An empty belt's zero drifts: a total may creep back by so much of its range without a reset."""
_WRAP_SHARE: Final = 0.1
"""A wrap goes from the last tenth of the range to its first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What has passed since the first reading.

    Attributes:
        mass_g: whole grams, never less than before.
        resets: times that the total was set to zero or jumped back; what passed between the last
            reading and the reset is unknown.
    """

    mass_g: int
    resets: int


class Totaliser:
    """Follows one totaliser. Pure; used by one thread.

    Args:
        wraps_at_g: where it begins again at zero.
    """

    def __init__(self, wraps_at_g: int) -> None:
        self._wraps_at_g = wraps_at_g
        self._last_g: int | None = None
        self._passed_g = 0
        self._resets = 0

    def take(self, total_g: int) -> Passed:
        """Take a reading; return what has passed since the first one."""
        if self._last_g is not None:
            self._passed_g += self._step(total_g, self._last_g)
        if self._last_g is None or not self._crept_back(total_g, self._last_g):
            self._last_g = total_g
        return Passed(mass_g=self._passed_g, resets=self._resets)

    def _crept_back(self, now_g: int, last_g: int) -> bool:
        return 0 < last_g - now_g <= _CREEP_SHARE * self._wraps_at_g

    def _step(self, now_g: int, last_g: int) -> int:
        if now_g >= last_g:
            return now_g - last_g
        if self._crept_back(now_g, last_g):
            return 0
        edge_g = _WRAP_SHARE * self._wraps_at_g
        if last_g >= self._wraps_at_g - edge_g and now_g <= edge_g:
            return now_g + self._wraps_at_g - last_g
        self._resets += 1
        return max(0, now_g)
