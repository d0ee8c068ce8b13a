"""Small numbers for words that every row repeats. Numbers are never reused or moved."""

from typing import Final

from controller.types import ActionPolicy, DecisionReason, ItemOutcome
from vision.types import Fraction

NO_STATION: Final = -1
"""Station of an item that was left on the belt. Not NULL: it is part of the roll-ups' keys."""

FRACTION_CODES: Final = {
    Fraction.PLASTIC: 0,
    Fraction.PAPER: 1,
    Fraction.FOOD: 2,
    Fraction.WEEE: 3,
    Fraction.MERCURY_LAMP: 4,
    Fraction.OTHER: 5,
}
ACTION_CODES: Final = {
    ActionPolicy.EJECT: 0,
    ActionPolicy.DIVERT: 1,
    ActionPolicy.STOP_AND_ALARM: 2,
    ActionPolicy.PASS: 3,
    ActionPolicy.SLOW_AND_ALARM: 4,
    ActionPolicy.PASS_AND_ALARM: 5,
}
REASON_CODES: Final = {
    DecisionReason.TARGET: 0,
    DecisionReason.NOT_TARGET: 1,
    DecisionReason.LOW_CONFIDENCE: 2,
    DecisionReason.TOO_HEAVY: 3,
    DecisionReason.HAZARD: 4,
    DecisionReason.NEAR_HAZARD: 5,
    DecisionReason.BY_CATCH: 6,
    DecisionReason.OFF_BAR: 7,
    DecisionReason.TOO_LATE: 8,
    DecisionReason.STALE: 9,
    DecisionReason.NOT_RUNNING: 10,
    DecisionReason.VALVE_DUTY: 11,
    DecisionReason.VALVE_DEAD: 12,
    DecisionReason.TOO_COSTLY: 13,
    DecisionReason.STATION_BUSY: 14,
}
OUTCOME_CODES: Final = {
    ItemOutcome.EJECTED: 0,
    ItemOutcome.PASSED: 1,
    ItemOutcome.LATE: 2,
    ItemOutcome.BLOCKED: 3,
    ItemOutcome.REMOVED: 4,
}
FRACTION_OF: Final = {code: fraction for fraction, code in FRACTION_CODES.items()}
ACTION_OF: Final = {code: action for action, code in ACTION_CODES.items()}
REASON_OF: Final = {code: reason for reason, code in REASON_CODES.items()}
OUTCOME_OF: Final = {code: outcome for outcome, code in OUTCOME_CODES.items()}


def code_names() -> tuple[tuple[str, int, str], ...]:
    """Return (kind, code, word) of every code, as the table `code_names` holds them."""
    return (
        *(("fraction", code, word.value) for word, code in FRACTION_CODES.items()),
        *(("action", code, word.value) for word, code in ACTION_CODES.items()),
        *(("reason", code, word.value) for word, code in REASON_CODES.items()),
        *(("outcome", code, word.value) for word, code in OUTCOME_CODES.items()),
    )
