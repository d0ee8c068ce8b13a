"""From the PLC's wrapping 32-bit encoder count to a 64-bit tick, refusing what no belt does."""

from calibration.units import NS_PER_MS, NS_PER_S, BeltTick, MonotonicNs
from plc.codec import signed_difference
from plc.errors import EncoderError, EncoderFault

_SCAN_JITTER_NS = 100_000_000
"""A PLC under load may publish a count this late (90 ms were seen of a soft PLC without real-time
priority). Smaller jumps are left to the clock fit, which then no longer trusts itself."""


class TickExtension:
    """Follows one encoder across its wraps, in both directions.

    After an `EncoderError` the count just read is the new reference, so that one fault is told
    once and counting goes on from there.
    """

    def __init__(self, *, max_ticks_per_s: float, stall_ms: float, jitter_tick: int = 8) -> None:
        """Begin without a reference.

        Args:
            max_ticks_per_s: more than the belt can do; faster is a jump.
            stall_ms: a belt driven this long without a tick means a dead encoder.
            jitter_tick: a belt at rest may rock back by this much; more is running backwards.
        """
        self._max_ticks_per_s = max_ticks_per_s
        self._stall_ns = int(stall_ms * NS_PER_MS)
        self._jitter_tick = jitter_tick
        self._tick: BeltTick | None = None
        self._read_ns = MonotonicNs(0)
        self._uncertain_ns = 0
        self._moved_ns = MonotonicNs(0)
        self._peak_tick = 0

    def restart(self) -> None:
        """Forget the reference: the next count is taken as it is."""
        self._tick = None

    def nearest(self, count: int) -> BeltTick:
        """Return the 64-bit tick nearest the present one whose low 32 bits are `count`.

        Raises:
            EncoderError: no count was read yet.
        """
        if self._tick is None:
            msg = "no encoder count was read yet"
            raise EncoderError(msg)
        return BeltTick(self._tick + signed_difference(count, self._tick))

    def extend(
        self, count: int, *, read_ns: MonotonicNs, belt_driven: bool, uncertain_ns: int = 0
    ) -> BeltTick:
        """Take a 32-bit count read at `read_ns` and return the 64-bit tick.

        Args:
            count: as read.
            read_ns: when the encoder stood at it.
            belt_driven: the drive is on.
            uncertain_ns: how far from `read_ns` that may have been, either way.

        Raises:
            EncoderError: the count jumped, ran backwards, or stood still while the belt is driven.
        """
        if self._tick is None:
            self._rest_at(BeltTick(count), read_ns)
            self._uncertain_ns = uncertain_ns
            return BeltTick(count)
        step = signed_difference(count, self._tick)
        longest_ns = read_ns - self._read_ns + uncertain_ns + self._uncertain_ns + _SCAN_JITTER_NS
        tick = BeltTick(self._tick + step)
        self._tick, self._read_ns, self._uncertain_ns = tick, read_ns, uncertain_ns
        if tick > self._peak_tick or not belt_driven:
            self._moved_ns = read_ns
        fault = self._fault(tick, step, longest_ns / NS_PER_S, read_ns)
        if fault is not None:
            self._rest_at(tick, read_ns)
            raise fault
        self._peak_tick = max(self._peak_tick, tick)
        return tick

    def _rest_at(self, tick: BeltTick, read_ns: MonotonicNs) -> None:
        self._tick, self._peak_tick = tick, tick
        self._read_ns = self._moved_ns = read_ns

    def _fault(
        self, tick: BeltTick, step: int, longest_s: float, read_ns: MonotonicNs
    ) -> EncoderError | None:
        limit = self._max_ticks_per_s * longest_s + self._jitter_tick
        if abs(step) > limit:
            words = (
                f"encoder jumped by {step} ticks in {longest_s * 1e3:.1f} ms; "
                f"the belt can do {limit:.0f}; check the encoder cable and its screen"
            )
            return EncoderError(words, fault=EncoderFault.JUMPED)
        if self._peak_tick - tick > self._jitter_tick:
            words = (
                f"encoder ran backwards by {self._peak_tick - tick} ticks; "
                "check the belt's direction and swap the encoder's A and B if it is right"
            )
            return EncoderError(words, fault=EncoderFault.REVERSED)
        if read_ns - self._moved_ns > self._stall_ns:
            still_ms = (read_ns - self._moved_ns) / NS_PER_MS
            words = (
                f"encoder stood still at {tick} for {still_ms:.0f} ms while the belt is driven; "
                "check coupling, cable and motor protection"
            )
            return EncoderError(words, fault=EncoderFault.STUCK)
        return None
