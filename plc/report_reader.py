"""Which pulse reports are new, where they lie, and how many were overwritten unread. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plc.codec import TICK_MASK, ReportEntry, decode_report
from plc.registers import HISTORY, HISTORY_REPORTS, RECENT, RECENT_REPORTS

_ENTRIES_PER_READ = 125 // HISTORY.stride


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReports:
    """What one reading of the rings gave.

    Attributes:
        entries: reports not returned before, oldest first.
        lost: reports overwritten before they were read.
    """

    entries: tuple[ReportEntry, ...]
    lost: int


class ReportReader:
    """Keeps the number of the last report returned."""

    def __init__(self) -> None:
        """Begin before the first report."""
        self._last = 0

    def start_at(self, sequence: int) -> None:
        """Treat all reports up to number `sequence` as returned."""
        self._last = sequence

    def read(
        self,
        sequence: int,
        recent: Sequence[int],
        read_holding: Callable[[int, int], list[int]],
    ) -> NewReports:
        """Collect the reports after the last one returned.

        Args:
            sequence: number of the PLC's newest report.
            recent: the words of the recent reports, read together with `sequence`.
            read_holding: reads `count` words at `address`; called only after a gap. What it
                raises passes through, and nothing is marked as returned.
        """
        new = (sequence - self._last) & TICK_MASK
        kept = min(new, HISTORY_REPORTS)
        from_history = max(0, kept - RECENT_REPORTS)
        numbers = [sequence - kept + 1 + i for i in range(kept)]
        found = self._from_history(numbers[:from_history], read_holding)
        for number in numbers[from_history:]:
            found.append(_entry(recent, number % RECENT_REPORTS, number))
        entries = tuple(entry for entry in found if entry is not None)
        self._last = sequence
        return NewReports(entries=entries, lost=new - len(entries))

    def _from_history(
        self, numbers: Sequence[int], read_holding: Callable[[int, int], list[int]]
    ) -> list[ReportEntry | None]:
        found: list[ReportEntry | None] = []
        while len(found) < len(numbers):
            slot = numbers[len(found)] % HISTORY_REPORTS
            entries = min(_ENTRIES_PER_READ, HISTORY_REPORTS - slot, len(numbers) - len(found))
            words = read_holding(HISTORY.address + slot * HISTORY.stride, entries * HISTORY.stride)
            found += [_entry(words, i, numbers[len(found) + i]) for i in range(entries)]
        return found


def _entry(words: Sequence[int], index: int, number: int) -> ReportEntry | None:
    at = index * RECENT.stride
    return decode_report(words[at : at + RECENT.stride], number)
