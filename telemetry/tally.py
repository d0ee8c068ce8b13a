"""Counting finished items of one session by what they were named, decided and became."""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.types import ActionPolicy, DecisionReason, ItemOutcome, ItemRecord
from vision.types import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyKey:
    """What items must share to be counted together; all parts have few values.

    Attributes:
        fraction: what they were taken for.
        action: what was decided.
        reason: why.
        station: that was to eject them, None for those left on the belt.
        outcome: their end.
    """

    fraction: Fraction
    action: ActionPolicy
    reason: DecisionReason
    station: int | None
    outcome: ItemOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTally:
    """Items that were named, decided and ended alike.

    Attributes:
        key: what they share.
        items: how many.
        mass_g: their estimated mass together.
    """

    key: TallyKey
    items: int
    mass_g: float


class SessionTallies:
    """Running tallies of a session; an item is counted once even if its record comes twice."""

    def __init__(self) -> None:
        self._tallies: dict[TallyKey, ItemTally] = {}
        self._last_seq = 0

    def restore(self, tallies: Iterable[ItemTally], last_seq: int) -> None:
        """Start over from what the store holds, up to and including record `last_seq`."""
        self._tallies = {tally.key: tally for tally in tallies}
        self._last_seq = last_seq

    def add(self, record: ItemRecord) -> bool:
        """Count one record. Returns False if it was counted before."""
        if record.record_seq <= self._last_seq:
            return False
        self._last_seq = record.record_seq
        decision = record.decision
        key = TallyKey(
            fraction=decision.fraction,
            action=decision.action,
            reason=decision.reason,
            station=decision.station,
            outcome=record.outcome,
        )
        before = self._tallies.get(key)
        self._tallies[key] = ItemTally(
            key=key,
            items=1 + (before.items if before else 0),
            mass_g=record.track.mass_g + (before.mass_g if before else 0.0),
        )
        return True

    def all(self) -> tuple[ItemTally, ...]:
        """Return every tally."""
        return tuple(self._tallies.values())
