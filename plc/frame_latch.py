"""Which camera trigger belongs to which frame, and how well its tick agrees with the clock fit.

A PLC with a latch notes the encoder count at each camera trigger. The camera numbers its frames,
the PLC its triggers; the two numberings differ by a constant until one of them misses an edge.
The constant is learned from the clock fit and checked against it with every frame. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from plc.types import TriggerLatch

_KEPT: Final = 512
"""Triggers remembered: five seconds at 100 frames a second, longer than any frame is under way."""
_AGREE: Final = 5
"""Frames in a row that must name the same difference of numbers before it is believed."""
_DISAGREE: Final = 5
"""Frames in a row whose latch and fit contradict each other before that is an alarm."""
_SIGMA: Final = 4.0
_LEAST_TICK: Final = 4.0
"""A latch taken by the PLC's scan is up to a millisecond late: some ticks at full speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latched:
    """What the latch says of one frame.

    Attributes:
        tick: at the middle of the exposure, by the latch.
        number: of the trigger.
    """

    tick: float
    number: int


class FrameLatch:
    """Matches frames to triggers. One thread."""

    def __init__(self) -> None:
        """Begin without triggers; without any the clock fit is all there is."""
        self._ticks: dict[int, int] = {}
        self._apart: int | None = None
        self._candidate: int | None = None
        self._agreeing = self._contradicting = 0
        self._difference_tick = 0.0
        self.late_tick: float | None = None
        """How much later than by its trigger the fit places the newest frame; None where no trigger
        is known to be its own."""
        self.matched = self.missed = self.slips = 0
        """Frames placed by their trigger, frames whose trigger is not known, and times that the
        two numberings were found to have moved against each other."""

    @property
    def disagreement(self) -> str | None:
        """What latch and clock fit disagree about, None while they agree."""
        if self._contradicting < _DISAGREE:
            return None
        return (
            f"camera trigger and clock fit put the last {self._contradicting} frames "
            f"{self._difference_tick:+.0f} ticks apart"
        )

    def reset(self) -> None:
        """Forget everything, as after a restart of the PLC or a fault of the encoder."""
        self._ticks.clear()
        self._apart = self._candidate = None
        self._agreeing = self._contradicting = 0

    def add(self, triggers: Sequence[TriggerLatch]) -> None:
        """Take new triggers, oldest first. A number that runs backwards begins anew."""
        for trigger in triggers:
            if self._ticks and trigger.number <= next(reversed(self._ticks)):
                self.reset()
            self._ticks[trigger.number] = trigger.tick
        while len(self._ticks) > _KEPT:
            del self._ticks[next(iter(self._ticks))]

    def tick_of(
        self, seq: int, *, fit_tick: float, sd_tick: float, lead_tick: float
    ) -> Latched | None:
        """Return what the latch says of a frame, None where it cannot say.

        Args:
            seq: the camera's frame number.
            fit_tick: at the middle of the exposure, by the clock fit.
            sd_tick: standard deviation of that.
            lead_tick: belt travel from the trigger's edge to the middle of the exposure.
        """
        self.late_tick = None
        if not self._ticks:
            return None
        at_trigger = fit_tick - lead_tick
        near_tick = max(_LEAST_TICK, _SIGMA * sd_tick)
        number = min(self._ticks, key=lambda n: abs(self._ticks[n] - at_trigger))
        fits = abs(self._ticks[number] - at_trigger) <= near_tick
        self._learn(number - seq if fits else None)
        if self._apart is None:
            return None
        tick = self._ticks.get(seq + self._apart)
        if tick is None:
            self.missed += 1
            return None
        self.matched += 1
        self.late_tick = at_trigger - tick
        self._compare(tick - at_trigger, near_tick)
        return Latched(tick=tick + lead_tick, number=seq + self._apart)

    def _learn(self, apart: int | None) -> None:
        """Believe a difference of numbers once several frames in a row name it."""
        if apart is None or apart == self._apart:
            self._candidate, self._agreeing = None, 0
            return
        self._agreeing = self._agreeing + 1 if apart == self._candidate else 1
        self._candidate = apart
        if self._agreeing >= _AGREE:
            self.slips += self._apart is not None
            self._apart, self._candidate, self._agreeing = apart, None, 0
            self._contradicting = 0

    def _compare(self, difference_tick: float, near_tick: float) -> None:
        if abs(difference_tick) <= near_tick:
            self._contradicting = 0
            return
        self._contradicting += 1
        self._difference_tick = difference_tick
