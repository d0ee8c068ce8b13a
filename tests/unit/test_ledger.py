import pytest

from calibration.units import BeltTick, MonotonicNs
from calibration.valve_map import ValveSpan
from controller.ledger import ItemLedger
from controller.step import DecidedItem
from controller.types import ActionPolicy, DecisionReason, ItemOutcome, SortDecision
from plc.types import EjectionCommand, EjectionReport, PulseOutcome
from vision.types import FRACTIONS, Fraction, Track

NOW = MonotonicNs(1_000_000_000)
LATER = MonotonicNs(2_000_000_000)


def ledger() -> ItemLedger:
    return ItemLedger(
        session_id="session", bundle_id="bundle", station_count=2, confirm_timeout_ms=500.0
    )


def pulse(pulse_id: int, station: int = 1) -> EjectionCommand:
    return EjectionCommand(
        pulse_id=pulse_id,
        station=station,
        valves=ValveSpan(first=3, last=5),
        open_tick=BeltTick(1000),
        close_tick=BeltTick(1100),
    )


def report(
    pulse_id: int, outcome: PulseOutcome = PulseOutcome.FIRED, open_tick: int = 1001
) -> EjectionReport:
    return EjectionReport(
        pulse_id=pulse_id,
        outcome=outcome,
        open_tick=BeltTick(open_tick),
        close_tick=BeltTick(1100),
    )


def item(
    track_id: int,
    *pulses: EjectionCommand,
    reason: DecisionReason = DecisionReason.TARGET,
    action: ActionPolicy | None = None,
) -> DecidedItem:
    track = Track(
        track_id=track_id,
        x_mm=500.0,
        y_mm=0.0,
        x_sd_mm=1.0,
        y_sd_mm=1.0,
        slip_x_mm_per_s=0.0,
        slip_y_mm_per_s=0.0,
        width_mm=80.0,
        length_mm=80.0,
        posterior=tuple(1.0 if f is Fraction.PLASTIC else 0.0 for f in FRACTIONS),
        views=5,
        tick=500.0,
        first_seq=1,
        last_seq=5,
        mass_g=10.0,
        mass_sd_g=3.0,
    )
    wanted = ActionPolicy.EJECT if pulses else ActionPolicy.PASS
    decision = SortDecision(
        track_id=track_id,
        fraction=track.fraction,
        confidence=track.confidence,
        action=action or wanted,
        station=pulses[0].station if pulses else None,
        reason=reason,
        decided_tick=500.0,
    )
    return DecidedItem(track=track, decision=decision, pulses=pulses)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (DecisionReason.NOT_TARGET, ItemOutcome.PASSED),
        (DecisionReason.BY_CATCH, ItemOutcome.PASSED),
        (DecisionReason.NEAR_HAZARD, ItemOutcome.PASSED),
        (DecisionReason.TOO_LATE, ItemOutcome.LATE),
        (DecisionReason.STALE, ItemOutcome.BLOCKED),
        (DecisionReason.NOT_RUNNING, ItemOutcome.BLOCKED),
        (DecisionReason.VALVE_DUTY, ItemOutcome.BLOCKED),
    ],
)
def test_an_item_without_a_pulse_closes_at_once_by_its_reason(
    reason: DecisionReason, outcome: ItemOutcome
) -> None:
    (record,) = ledger().decided(item(1, reason=reason), NOW)
    assert record.outcome is outcome
    assert record.record_seq == 1
    assert record.totals.closes
    assert record.totals.seen == 1
    assert record.totals.in_flight == 0


def test_an_ejected_item_closes_with_the_plcs_word_and_counts_at_its_station() -> None:
    book = ledger()
    assert book.decided(item(1, pulse(7)), NOW) == ()
    assert book.totals.in_flight == 1
    (record,) = book.reported(report(7), LATER)
    assert record.outcome is ItemOutcome.EJECTED
    assert record.closed_ns == LATER
    assert record.totals.ejected == (0, 1)
    (story,) = record.pulses
    assert story.outcome is PulseOutcome.FIRED
    assert story.fired_open_tick == 1001
    assert (story.valve_first, story.valve_last) == (3, 5)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (PulseOutcome.LATE, ItemOutcome.LATE),
        (PulseOutcome.REFUSED, ItemOutcome.BLOCKED),
        (PulseOutcome.BLOCKED, ItemOutcome.BLOCKED),
    ],
)
def test_a_pulse_that_did_not_fire_is_no_ejection(
    outcome: PulseOutcome, expected: ItemOutcome
) -> None:
    book = ledger()
    book.decided(item(1, pulse(7), pulse(8)), NOW)
    assert book.reported(report(7), NOW) == ()
    (record,) = book.reported(report(8, outcome), NOW)
    assert record.outcome is expected
    assert record.totals.ejected == (0, 0)
    assert record.pulses[1].fired_open_tick is None


def test_items_sharing_a_pulse_close_together() -> None:
    book = ledger()
    book.decided(item(1, pulse(7)), NOW)
    book.decided(item(2, pulse(7), pulse(8)), NOW)
    first = book.reported(report(7), NOW)
    assert [r.decision.track_id for r in first] == [1]
    second = book.reported(report(8), NOW)
    assert [(r.decision.track_id, r.record_seq) for r in second] == [(2, 2)]


def test_an_item_decided_after_its_shared_pulse_was_reported_closes_at_once() -> None:
    book = ledger()
    book.decided(item(1, pulse(7)), NOW)
    book.reported(report(7), NOW)
    (record,) = book.decided(item(2, pulse(7)), NOW)
    assert record.outcome is ItemOutcome.EJECTED


def test_silence_blocks_the_item_once_the_belt_has_passed_and_the_time_is_over() -> None:
    book = ledger()
    book.decided(item(1, pulse(7)), NOW)
    assert book.expire(1099.0, LATER) == ()
    assert book.expire(1100.0, LATER) == ()
    assert book.expire(1100.0, MonotonicNs(LATER + 499_000_000)) == ()
    (record,) = book.expire(1100.0, MonotonicNs(LATER + 500_000_000))
    assert record.outcome is ItemOutcome.BLOCKED
    assert record.pulses[0].outcome is None


def test_a_standing_belt_makes_no_pulse_late() -> None:
    book = ledger()
    book.decided(item(1, pulse(7)), NOW)
    assert book.expire(900.0, MonotonicNs(NOW + 3600 * 10**9)) == ()


def test_a_word_that_comes_after_all_is_counted_and_changes_nothing() -> None:
    book = ledger()
    book.decided(item(1, pulse(7)), NOW)
    book.expire(2000.0, NOW)
    book.expire(2000.0, LATER)
    before = book.totals
    assert book.reported(report(7), LATER) == ()
    assert book.totals == before
    assert book.reports_unused == 1


def test_a_lamp_stays_in_flight_until_a_person_removes_it() -> None:
    book = ledger()
    lamp = item(1, reason=DecisionReason.HAZARD, action=ActionPolicy.STOP_AND_ALARM)
    assert book.decided(lamp, NOW) == ()
    assert book.hazards_standing == 1
    assert book.totals.in_flight == 1
    (record,) = book.lamp_removed(LATER)
    assert record.outcome is ItemOutcome.REMOVED
    assert record.totals.removed == 1
    assert book.hazards_standing == 0


def test_several_lamps_are_removed_at_once_with_totals_that_close_each_time() -> None:
    book = ledger()
    for number in (1, 2, 3):
        lamp = item(number, reason=DecisionReason.HAZARD, action=ActionPolicy.STOP_AND_ALARM)
        book.decided(lamp, NOW)
    records = book.lamp_removed(LATER)
    assert [r.totals.in_flight for r in records] == [2, 1, 0]
    assert all(r.totals.closes for r in records)


def test_the_sessions_end_closes_everything() -> None:
    book = ledger()
    book.decided(item(1, pulse(7)), NOW)
    lamp = item(2, reason=DecisionReason.HAZARD, action=ActionPolicy.STOP_AND_ALARM)
    book.decided(lamp, NOW)
    records = book.abandon(LATER)
    assert [r.outcome for r in records] == [ItemOutcome.BLOCKED, ItemOutcome.PASSED]
    assert book.totals.in_flight == 0
    assert [r.record_seq for r in records] == [1, 2]


def test_old_words_are_forgotten_but_never_those_still_needed() -> None:
    book = ledger()
    book.decided(item(1, pulse(1), pulse(999_999)), NOW)
    book.reported(report(1), NOW)
    for number in range(2, 2000):
        book.decided(item(number, pulse(number)), NOW)
        book.reported(report(number), NOW)
    (record,) = book.reported(report(999_999), NOW)
    assert record.outcome is ItemOutcome.EJECTED
    assert all(story.outcome is PulseOutcome.FIRED for story in record.pulses)
    assert record.totals.closes
