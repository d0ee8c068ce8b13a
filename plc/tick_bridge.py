"""Ticks of a further PLC against the ticks that the line goes by. Pure.

Each PLC counts an encoder of its own, or the same one from another zero. Two clock fits give both
counts at one instant; their difference is the bridge.
"""

import math
from collections import deque
from typing import Final

import numpy as np

from calibration.units import BeltTick, MonotonicNs
from plc.clock_fit import ClockEstimate, ClockUnsure
from plc.errors import EncoderError

_SAMPLES: Final = 64
"""About two thirds of a second of exchanges: their median shrugs off late answers."""
_READY_FROM: Final = 8
_APART_SIGMA: Final = 6.0
"""Two encoders on one belt that drift apart by more than this against what the fits allow are not
on one belt any more: one slips or loses pulses."""


class TickBridge:
    """other = ratio x line + offset, the offset followed by a sliding median."""

    def __init__(self, *, ratio: float, limit_tick: float) -> None:
        """Begin without knowing the offset.

        Args:
            ratio: ticks of the other PLC for one tick of the line.
            limit_tick: how far the offset may wander before the encoders count as disagreeing.
        """
        self._ratio, self._limit_tick = ratio, limit_tick
        self._offsets: deque[float] = deque(maxlen=_SAMPLES)
        self._agreed: float | None = None

    @property
    def ready(self) -> bool:
        """Whether ticks can be carried across."""
        return len(self._offsets) >= _READY_FROM

    def reset(self) -> None:
        """Forget the offset, as after a restart of either PLC."""
        self._offsets.clear()
        self._agreed = None

    def observe(
        self,
        line: ClockEstimate | ClockUnsure,
        other: ClockEstimate | ClockUnsure,
        now_ns: MonotonicNs,
    ) -> None:
        """Compare both counts at one instant.

        Raises:
            EncoderError: the encoders have drifted apart since they were first compared.
        """
        if not isinstance(line, ClockEstimate) or not isinstance(other, ClockEstimate):
            return
        offset = other.tick_at(now_ns) - self._ratio * line.tick_at(now_ns)
        self._offsets.append(offset)
        if not self.ready:
            return
        if self._agreed is None:
            self._agreed = self._offset
        sd = math.hypot(other.sd_tick_at(now_ns), self._ratio * line.sd_tick_at(now_ns))
        apart = self._offset - self._agreed
        if abs(apart) > self._limit_tick + _APART_SIGMA * sd:
            self.reset()
            msg = (
                f"the encoders of two PLCs have drifted {apart:+.0f} ticks apart; one of them "
                "slips or loses pulses: check both wheels, couplings and cables"
            )
            raise EncoderError(msg)

    def to_other(self, tick: BeltTick) -> BeltTick:
        """Return the other PLC's tick for one of the line's."""
        return BeltTick(round(self._ratio * tick + self._offset))

    def to_line(self, tick: BeltTick) -> BeltTick:
        """Return the line's tick for one of the other PLC's."""
        return BeltTick(round((tick - self._offset) / self._ratio))

    @property
    def _offset(self) -> float:
        return float(np.median(self._offsets))
