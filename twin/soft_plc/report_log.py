"""The soft PLC's rings: pulse reports with their totals, and camera triggers."""

from plc.codec import TICK_MASK, WORD_MASK, ReportEntry, encode_report
from plc.register_flags import PulseReason
from plc.registers import (
    HISTORY,
    HISTORY_REPORTS,
    HISTORY_TRIGGERS,
    LATCHES,
    RECENT,
    RECENT_LATCHES,
    RECENT_REPORTS,
    RECENT_TRIGGERS,
)
from plc.types import PulseOutcome, outcome_of

_ENTRY_BYTES = 2 * RECENT.stride
_LATCH_BYTES = 2 * LATCHES.stride


class ReportLog:
    """Counts outcomes and keeps the last reports as they lie in the registers (big endian)."""

    def __init__(self) -> None:
        """Begin with no reports."""
        self.sequence = 0
        self.recent = bytearray(2 * RECENT.words)
        self.history = bytearray(2 * HISTORY.words)
        self._totals = dict.fromkeys(PulseOutcome, 0)

    def total(self, outcome: PulseOutcome) -> int:
        """Return how many pulses ended this way since boot, low 32 bits."""
        return self._totals[outcome] & TICK_MASK

    def add(self, pulse_id: int, reason: PulseReason, *, open_tick: int, close_tick: int) -> None:
        """Report the end of one pulse, with 64-bit ticks."""
        self._totals[outcome_of(reason)] += 1
        self.sequence = (self.sequence + 1) & TICK_MASK
        entry = encode_report(
            ReportEntry(
                number=self.sequence,
                pulse_id=pulse_id & TICK_MASK,
                reason=reason,
                open_tick=open_tick & TICK_MASK,
                duration_tick=min(max(0, close_tick - open_tick), WORD_MASK),
            )
        )
        at = self.sequence % RECENT_REPORTS * _ENTRY_BYTES
        self.recent[at : at + _ENTRY_BYTES] = entry
        at = self.sequence % HISTORY_REPORTS * _ENTRY_BYTES
        self.history[at : at + _ENTRY_BYTES] = entry


class TriggerLog:
    """Keeps the ticks of the last camera triggers as they lie in the registers (big endian)."""

    def __init__(self) -> None:
        """Begin with no triggers."""
        self.total = 0
        self.recent = bytearray(2 * RECENT_LATCHES.words)
        self.history = bytearray(2 * LATCHES.words)

    def add(self, tick: int) -> None:
        """Latch one trigger at a 64-bit tick."""
        self.total = (self.total + 1) & TICK_MASK
        entry = (tick & TICK_MASK).to_bytes(_LATCH_BYTES)
        at = self.total % RECENT_TRIGGERS * _LATCH_BYTES
        self.recent[at : at + _LATCH_BYTES] = entry
        at = self.total % HISTORY_TRIGGERS * _LATCH_BYTES
        self.history[at : at + _LATCH_BYTES] = entry
