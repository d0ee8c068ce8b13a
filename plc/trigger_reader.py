"""Which camera triggers are new, and how many were overwritten unread. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plc.codec import TICK_MASK
from plc.registers import HISTORY_TRIGGERS, LATCHES, RECENT_TRIGGERS

_MOST_PER_READ = 60
"""120 registers of the 125 that one FC3 may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTriggers:
    """What one reading of the rings gave.

    Attributes:
        entries: number and 32-bit tick of each trigger not returned before, oldest first.
        lost: triggers overwritten before they were read.
    """

    entries: tuple[tuple[int, int], ...]
    lost: int


class TriggerReader:
    """Keeps the number of the last trigger returned."""

    def __init__(self) -> None:
        """Begin before the first trigger."""
        self._last = 0

    def start_at(self, total: int) -> None:
        """Treat all triggers up to number `total` as returned."""
        self._last = total

    def read(
        self,
        total: int,
        recent: Sequence[int],
        read_holding: Callable[[int, int], list[int]],
    ) -> NewTriggers:
        """Collect the triggers after the last one returned.

        Args:
            total: number of the PLC's newest trigger.
            recent: the words of the recent triggers, read together with `total`.
            read_holding: reads `count` words at `address`; called only after a gap. What it
                raises passes through, and nothing is marked as returned.
        """
        new = (total - self._last) & TICK_MASK
        # The oldest entry of the long ring may be overwritten while it is read.
        kept = new if new <= RECENT_TRIGGERS else min(new, HISTORY_TRIGGERS - RECENT_TRIGGERS)
        numbers = [(total - kept + 1 + i) & TICK_MASK for i in range(kept)]
        if kept <= RECENT_TRIGGERS:
            words, ring = recent, RECENT_TRIGGERS
        else:
            words, ring = self._history(read_holding), HISTORY_TRIGGERS
        entries = tuple((number, _tick(words, number % ring)) for number in numbers)
        self._last = total
        return NewTriggers(entries=entries, lost=new - kept)

    def _history(self, read_holding: Callable[[int, int], list[int]]) -> list[int]:
        words: list[int] = []
        while len(words) < LATCHES.words:
            count = min(2 * _MOST_PER_READ, LATCHES.words - len(words))
            words += read_holding(LATCHES.address + len(words), count)
        return words


def _tick(words: Sequence[int], entry: int) -> int:
    return words[2 * entry] << 16 | words[2 * entry + 1]
