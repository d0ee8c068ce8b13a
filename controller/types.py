"""What the controller decides and what is recorded of every item."""

from dataclasses import dataclass
from enum import StrEnum

from calibration.units import MonotonicNs
from plc.types import PulseOutcome
from vision.overlap_index import LIMIT as OVERLAP_LIMIT
from vision.types import Fraction, Track


class ActionPolicy(StrEnum):
    """What a recipe wants done with a fraction."""

    EJECT = "eject"
    DIVERT = "divert"
    STOP_AND_ALARM = "stop_and_alarm"
    SLOW_AND_ALARM = "slow_and_alarm"
    """The belt crawls until a person has picked the item and confirmed it."""
    PASS_AND_ALARM = "pass_and_alarm"  # noqa: S105 - the word of the trade, not a password
    """The belt runs on and carries the item past every station, to the residue or an inert bay."""
    PASS = "pass"  # noqa: S105 - the word of the trade, not a password


ALARMING = frozenset(
    {ActionPolicy.STOP_AND_ALARM, ActionPolicy.SLOW_AND_ALARM, ActionPolicy.PASS_AND_ALARM}
)
"""What may be done with a hazard: no jet ever comes near it, and people are told."""


class DecisionReason(StrEnum):
    """Why an item was, or was not, given a pulse."""

    TARGET = "target"
    NOT_TARGET = "not_target"
    LOW_CONFIDENCE = "low_confidence"
    TOO_HEAVY = "too_heavy"
    TOO_COSTLY = "too_costly"
    """What the item may be instead would cost its product more than it is worth."""
    HAZARD = "hazard"
    """The item itself is hazardous: no jet, and the alarm that the recipe asks for."""
    NEAR_HAZARD = "near_hazard"
    """A jet on this item could strike a hazardous neighbour."""
    BY_CATCH = "by_catch"
    """What the pulse would blow off with it costs more purity than the item is worth."""
    OFF_BAR = "off_bar"
    """No valve of the bar reaches the item."""
    TOO_LATE = "too_late"
    """The open tick would already have passed when the PLC gets the pulse."""
    STALE = "stale"
    """The evidence is older than its limit, or the clock fit is not trusted."""
    NOT_RUNNING = "not_running"
    VALVE_DUTY = "valve_duty"
    STATION_BUSY = "station_busy"
    """The flap or gate cannot be out for it without turning about or staying out too long."""
    VALVE_DEAD = "valve_dead"
    """No valve that blows reaches the item."""


class ItemOutcome(StrEnum):
    """The end of an item's story. Exactly one per item; the balance is their sum."""

    EJECTED = "ejected"
    PASSED = "passed"
    LATE = "late"
    BLOCKED = "blocked"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SortDecision:
    """Exactly one per track, PASS included.

    Attributes:
        track_id: the item.
        fraction: what it was taken for.
        confidence: posterior probability of that fraction.
        action: what the recipe does with it after all checks.
        station: index of the station that ejects it; None for items that stay on the belt.
        reason: why.
        decided_tick: belt tick of the frame on which it was decided, fractional.
    """

    track_id: int
    fraction: Fraction
    confidence: float
    action: ActionPolicy
    station: int | None
    reason: DecisionReason
    decided_tick: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseStory:
    """What was commanded for an item and what the PLC made of it.

    Attributes:
        pulse_id: of the (possibly merged) pulse.
        station: jet bar index.
        valve_first: first valve, 0 at the left edge seen downstream.
        valve_last: last valve, included.
        open_tick: commanded.
        close_tick: commanded.
        outcome: the PLC's word, None when it never came (link lost, line killed).
        fired_open_tick: when it did open, None unless fired.
    """

    pulse_id: int
    station: int
    valve_first: int
    valve_last: int
    open_tick: int
    close_tick: int
    outcome: PulseOutcome | None
    fired_open_tick: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Running totals of one session; the sum always closes.

    seen = sum(ejected) + passed + late + blocked + removed + in_flight.

    Attributes:
        seen: items with a decision.
        ejected: by station index.
        passed: left on the belt by decision.
        late: refused because the pulse would have come too late.
        blocked: wanted, not fired (PLC stopped, refused, link lost, no confirmation).
        removed: taken by hand.
        in_flight: decided, outcome not yet known.
    """

    seen: int
    ejected: tuple[int, ...]
    passed: int
    late: int
    blocked: int
    removed: int
    in_flight: int

    @property
    def closes(self) -> bool:
        """Whether seen equals the sum of its parts."""
        parts = sum(self.ejected) + self.passed + self.late + self.blocked + self.removed
        return self.seen == parts + self.in_flight


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRecord:
    """The whole story of one item; metrics, store, reports and review consume nothing else.

    Attributes:
        session_id: of the line run.
        record_seq: 1, 2, 3 … within the session, no gaps; a gap seen by a reader is a lost record.
        closed_ns: when the outcome became known.
        track: as it stood at the decision.
        decision: the one decision.
        pulses: what was commanded for it, empty for PASS.
        outcome: the end.
        bundle_id: model bundle that named it.
        totals: running totals with this record counted.
        mass_model: what its mass was estimated with (`vision/mass_law.py`); empty in records of
            programs that did not say.
        overlap_index: of the belt around it (`vision/overlap_index.py`), None likewise.
    """

    session_id: str
    record_seq: int
    closed_ns: MonotonicNs
    track: Track
    decision: SortDecision
    pulses: tuple[PulseStory, ...]
    outcome: ItemOutcome
    bundle_id: str
    totals: Totals
    mass_model: str = ""
    overlap_index: float | None = None

    @property
    def mass_valid(self) -> bool:
        """Whether its mass may be counted on: items did not lie on one another too much."""
        return self.overlap_index is None or self.overlap_index <= OVERLAP_LIMIT
