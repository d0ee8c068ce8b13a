"""A small lamp beside the belt that the PLC switches by its encoder: tells the camera's delay.

The lamp is on for the first half of every `period_tick` ticks. Where in that period a frame's
stamp says it was exposed, against whether the lamp was on in it, is a square wave whose phase is
the delay; it is read off the first harmonic, which every frame adds to and no single one decides.
"""

import cmath
import math


class DelayLampWatch:
    """Accumulates frames of the lamp. One thread."""

    def __init__(self, *, period_tick: float, mm_per_tick: float, memory: float) -> None:
        """Begin empty.

        Args:
            period_tick: of the lamp.
            mm_per_tick: belt scale.
            memory: frames over which an old one fades to a third.
        """
        self._period_tick, self._mm_per_tick = period_tick, mm_per_tick
        self._share = 1.0 / memory
        self._wave, self._mean, self._speed, self._count = 0j, 0.0, 0.0, 0

    def add(self, *, tick: float, brightness: float, ticks_per_s: float) -> None:
        """Take in one frame.

        Args:
            tick: at the frame's stamp, the calibrated delay taken off.
            brightness: of the lamp, 0 off to 1 on.
            ticks_per_s: belt speed.
        """
        self._count += 1
        share = max(self._share, 1.0 / self._count)
        phase = 2 * math.pi * tick / self._period_tick
        self._wave += share * (brightness - 0.5) * cmath.exp(-1j * phase) - share * self._wave
        self._speed += share * (ticks_per_s - self._speed)

    @property
    def settled(self) -> bool:
        """Enough frames to judge."""
        return self._count >= 1.0 / self._share and abs(self._wave) > 0.1

    @property
    def delay_ms(self) -> float:
        """How much later than calibrated the stamps are now."""
        # A wave that is on for the first half period has the phase of its middle, a quarter.
        phase = -cmath.phase(self._wave) - math.pi / 2
        phase = (phase + math.pi) % (2 * math.pi) - math.pi
        ticks = phase / (2 * math.pi) * self._period_tick
        return ticks / max(self._speed, 1e-9) * 1000.0
