"""The soft PLC's pulse reports: totals and the two rings of the register map."""

from plc.codec import TICK_MASK, WORD_MASK, ReportEntry, encode_report
from plc.registers import HISTORY, HISTORY_REPORTS, RECENT, RECENT_REPORTS
from plc.types import PulseOutcome

_ENTRY_BYTES = 2 * RECENT.stride


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

    def add(self, pulse_id: int, outcome: PulseOutcome, *, open_tick: int, close_tick: int) -> None:
        """Report the end of one pulse, with 64-bit ticks."""
        self._totals[outcome] += 1
        self.sequence = (self.sequence + 1) & TICK_MASK
        entry = encode_report(
            ReportEntry(
                number=self.sequence,
                pulse_id=pulse_id & TICK_MASK,
                outcome=outcome,
                open_tick=open_tick & TICK_MASK,
                duration_tick=min(max(0, close_tick - open_tick), WORD_MASK),
            )
        )
        at = self.sequence % RECENT_REPORTS * _ENTRY_BYTES
        self.recent[at : at + _ENTRY_BYTES] = entry
        at = self.sequence % HISTORY_REPORTS * _ENTRY_BYTES
        self.history[at : at + _ENTRY_BYTES] = entry
