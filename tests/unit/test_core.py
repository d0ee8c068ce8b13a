import dataclasses

import pytest

from controller.core import MARKS_KEPT
from controller.snapshot import AcknowledgeAlarm, AlarmKind, LampRemoved, ModeRequest, PackmlRequest
from controller.states import LineCommand, LineMode, LineState
from controller.step import HazardConflict, Intervention
from controller.types import DecisionReason, ItemOutcome
from plc.errors import PlcFaultError, PlcLeaseError, PlcMapError
from plc.types import PlcRequest, PlcState
from tests.support.core_bench import STALL_AFTER_MS, CoreBench
from vision.types import Fraction


@pytest.fixture
def bench():
    made = CoreBench()
    made.start()
    return made


def outcomes(bench):
    return [record.outcome for record in bench.records]


def planned(bench):
    return [pulse for outcome in bench.outcomes for pulse in outcome.result.planned]


def test_items_seen_are_ejected_and_each_gets_one_record(bench):
    bench.lay(200.0, 500.0, 800.0)
    bench.run(1500)
    assert outcomes(bench) == [ItemOutcome.EJECTED] * 3
    assert len({record.track.track_id for record in bench.records}) == 3
    snapshot = bench.snapshot()
    assert snapshot.totals.seen == 3
    assert snapshot.totals.closes
    assert snapshot.pulses_commanded == len(planned(bench)) > 0
    assert snapshot.belt_speed_mm_per_s == pytest.approx(2800, rel=0.02)
    assert snapshot.link_ok
    assert snapshot.alarms == ()
    assert bench.core.items_in_flight == 0


def test_a_frame_before_the_belt_position_is_known_is_counted_and_not_used():
    bench = CoreBench()
    assert bench.expose() is None
    assert bench.core.frames == 1
    assert bench.snapshot().belt_speed_mm_per_s == 0.0


def test_no_pulse_is_planned_from_a_frame_that_is_too_old(bench):
    bench.lay(200.0, 500.0)
    bench.frame_age_ms = 150.0
    bench.run(1500)
    assert bench.state is LineState.EXECUTE
    assert planned(bench) == []
    assert {record.decision.reason for record in bench.records} == {DecisionReason.STALE}
    assert set(outcomes(bench)) == {ItemOutcome.BLOCKED}


def test_a_stalled_camera_holds_the_line_and_new_frames_alone_do_not_let_it_go_on(bench):
    bench.camera_on = False
    bench.run(STALL_AFTER_MS - 50)
    assert bench.state is LineState.EXECUTE
    assert bench.alarms() == set()
    bench.run(500)
    assert bench.state is LineState.HELD
    assert bench.alarms() == {"camera_stalled"}
    assert bench.core.plc_request() == PlcRequest(run=False, belt_run=False)
    reply = bench.core.operator(
        PackmlRequest(command=LineCommand.UNHOLD, operator="test"), bench.now_ns
    )
    assert not reply.accepted
    bench.camera_on = True
    bench.run(300)
    assert bench.state is LineState.HELD
    assert bench.alarms() == set()
    bench.press(LineCommand.UNHOLD)
    assert bench.state is LineState.EXECUTE


def test_a_line_that_may_run_blind_keeps_its_belt_lets_items_pass_and_sorts_on_with_frames():
    bench = CoreBench(belt_on_camera_loss="run")
    bench.start()
    bench.camera_on = False
    bench.lay(500.0)
    bench.run(1500)
    assert bench.state is LineState.EXECUTE
    assert bench.snapshot().belt_speed_mm_per_s > 2000
    assert bench.alarms() == {"camera_stalled"}
    assert planned(bench) == []
    bench.camera_on = True
    bench.lay(500.0)
    bench.run(1500)
    assert outcomes(bench) == [ItemOutcome.EJECTED]
    assert bench.alarms() == set()


def test_a_lost_camera_is_an_alarm_of_its_own_and_holds(bench):
    bench.core.camera_failed("unplugged")
    bench.run(200)
    assert bench.state in (LineState.HOLDING, LineState.HELD)
    assert bench.alarms() == {"camera_lost"}
    bench.core.camera_failed(None)
    bench.run(300)
    assert bench.alarms() == set()
    assert bench.state is LineState.HELD


def test_a_lost_link_aborts_blocks_what_is_under_way_and_its_return_resumes_nothing(bench):
    bench.lay(500.0)
    while not bench.core.items_in_flight:
        bench.turn()
    bench.plug_in = False
    bench.run(1500)
    assert bench.state is LineState.ABORTED
    assert bench.alarms() == {"plc_link_lost"}
    assert not bench.snapshot().link_ok
    bench.plug_in = True
    bench.run(1000)
    assert bench.state is LineState.ABORTED
    assert bench.alarms() == set()
    assert outcomes(bench) == [ItemOutcome.BLOCKED]
    assert bench.core.plc_request().run is False
    bench.press(LineCommand.CLEAR, LineCommand.RESET, LineCommand.START)
    bench.run(600)
    assert bench.state is LineState.EXECUTE


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PlcMapError("version 9, this driver needs 1"), "plc_wrong_map"),
        (PlcLeaseError("another master controls the PLC"), "plc_fault"),
        (PlcFaultError("exception 4"), "plc_fault"),
    ],
)
def test_a_plc_that_answers_wrongly_has_an_alarm_of_its_own(bench, error, kind):
    bench.core.link_lost(error, bench.now_ns)
    assert bench.state in (LineState.ABORTING, LineState.ABORTED)
    assert bench.alarms() == {kind}


def test_an_encoder_that_jumps_aborts_gives_every_item_its_decision_and_the_alarm_stands(bench):
    bench.lay(300.0, 700.0)
    bench.run(300)
    assert bench.core.marked_tracks()
    bench.plant.drive = Jumping(bench.plant.drive, 500_000)
    bench.run(300)
    assert bench.state is LineState.ABORTED
    assert "encoder_fault" in bench.alarms()
    bench.run(1000)
    assert "encoder_fault" in bench.alarms()
    seen = bench.snapshot().totals.seen
    assert seen == len(bench.records) > 0
    assert set(outcomes(bench)) <= {ItemOutcome.BLOCKED, ItemOutcome.LATE}
    interventions = [i for outcome in bench.outcomes for i in outcome.interventions]
    assert interventions == [Intervention.GIVEN_UP]
    bench.items.clear()
    bench.press(LineCommand.CLEAR)
    assert bench.state is LineState.STOPPED
    assert "encoder_fault" not in bench.alarms()


def test_an_encoder_that_runs_backwards_aborts(bench):
    bench.plant.drive = Backwards(bench.plant.drive, bench.now_ns)
    bench.run(500)
    assert bench.state is LineState.ABORTED
    assert bench.alarms() == {"encoder_fault"}
    assert "backwards" in bench.snapshot().state_reason


class Jumping:
    """A drive whose encoder has counted a burst of noise."""

    def __init__(self, drive, ticks):
        self._drive, self._ticks = drive, ticks

    def __getattr__(self, name):
        return getattr(self._drive, name)

    def tick(self, at_ns):
        return self._drive.tick(at_ns) + self._ticks


class Backwards(Jumping):
    """A drive whose encoder has its two channels swapped from an instant on."""

    def __init__(self, drive, since_ns):
        super().__init__(drive, 2 * drive.tick(since_ns))

    def tick(self, at_ns):
        return self._ticks - self._drive.tick(at_ns)


def test_silence_makes_the_plc_safe_and_the_line_finds_itself_aborted(bench):
    bench.plant.pass_ms(400)
    bench.turn()
    assert bench.state in (LineState.ABORTING, LineState.ABORTED)
    assert bench.alarms() >= {"plc_safe_state"}
    assert bench.plant.open_valves == 0
    bench.run(500)
    assert bench.state is LineState.ABORTED
    assert bench.alarms() == set()


def test_an_open_safety_circuit_aborts_and_its_return_resumes_nothing(bench):
    bench.plant.plc.set_safety(ok=False)
    bench.run(100)
    assert bench.state is LineState.ABORTED
    assert "safety_not_ok" in bench.alarms()
    bench.plant.plc.set_safety(ok=True)
    bench.run(300)
    assert bench.state is LineState.ABORTED


def test_a_lamp_holds_the_line_until_it_is_confirmed_taken_off_and_counts_as_removed(bench):
    def removed():
        return bench.core.operator(LampRemoved(operator="test"), bench.now_ns)

    assert removed().reason == "no hazardous item is on the line"
    bench.lay(500.0, fraction=Fraction.MERCURY_LAMP, width_mm=30.0, length_mm=200.0)
    while not bench.alarms():
        bench.expose()
        before_the_plc_hears_of_it = removed().reason
        bench.exchange()
        bench.plant.pass_ms(20)
    assert bench.alarms() == {"lamp_found"}
    assert "belt still runs" in before_the_plc_hears_of_it
    while "belt still runs" in (running_out := removed().reason):
        bench.turn()
    assert "belt still moves" in running_out
    bench.run(1400)
    assert bench.state is LineState.HELD
    bench.items.clear()
    reply = removed()
    assert reply.accepted
    assert reply.reason == "1 hazardous item(s) dealt with by hand"
    bench.run(100)
    assert bench.alarms() == set()
    assert outcomes(bench) == [ItemOutcome.REMOVED]
    bench.press(LineCommand.UNHOLD)
    assert bench.state is LineState.EXECUTE
    assert [i for o in bench.outcomes for i in o.interventions] == [Intervention.HAZARDS_REMOVED]


def test_closing_a_run_leaves_nothing_open(bench):
    bench.lay(200.0, 500.0, 800.0)
    bench.run(350)
    bench.core.close(bench.now_ns)
    bench.records += bench.core.take_records()
    totals = bench.snapshot().totals
    assert totals.closes
    assert totals.in_flight == 0
    assert totals.seen == len(bench.records) >= 1


def test_an_alarm_can_be_acknowledged(bench):
    bench.core.camera_failed("unplugged")
    bench.run(20)
    request = AcknowledgeAlarm(kind=AlarmKind.CAMERA_LOST, operator="test")
    assert bench.core.operator(request, bench.now_ns).accepted
    assert [alarm.acknowledged for alarm in bench.snapshot().alarms] == [True]


def test_a_pulse_sent_before_a_lamp_was_seen_is_told_loudly(bench, caplog):
    bench.lay(500.0)
    while not bench.outcomes or not bench.outcomes[-1].result.planned:
        bench.turn()
    conflict = HazardConflict(pulse_id=1, track_id=99)
    result = dataclasses.replace(
        bench.outcomes[-1].result, decided=(), planned=(), conflicts=(conflict,)
    )
    bench.core._take(result, bench.now_ns)
    assert "pulse 1 was sent before lamp 99 was seen" in caplog.text


def test_marks_tell_what_was_decided_and_do_not_pile_up(bench):
    bench.lay(500.0)
    while not bench.core.marked_tracks():
        bench.turn()
    ((track, mark),) = bench.core.marked_tracks()
    assert mark == ""
    while not bench.core.items_in_flight:
        bench.turn()
    assert bench.core._marks == {track.track_id: DecisionReason.TARGET.value}
    outcome = next(o for o in bench.outcomes if o.result.decided)
    item = outcome.result.decided[0]
    decided = tuple(
        dataclasses.replace(item, track=dataclasses.replace(track, track_id=10_000 + n))
        for n in range(MARKS_KEPT + 50)
    )
    bench.core._take(dataclasses.replace(outcome.result, decided=decided, planned=()), 0)
    assert len(bench.core._marks) == MARKS_KEPT


def test_an_operator_changes_the_mode_at_rest_and_the_plc_lets_valves_be_tested_then(bench):
    def ask(mode):
        reply = bench.core.operator(ModeRequest(mode=mode, operator="test"), bench.now_ns)
        bench.run(300)
        return reply

    assert not ask(LineMode.MAINTENANCE).accepted
    assert bench.state is LineState.EXECUTE
    assert bench.snapshot().mode is LineMode.PRODUCTION
    bench.core.operator(PackmlRequest(command=LineCommand.STOP, operator="test"), bench.now_ns)
    bench.run(2000)
    assert ask(LineMode.MAINTENANCE).accepted
    assert bench.snapshot().mode is LineMode.MAINTENANCE
    assert bench.plant.plc.state is PlcState.MAINTENANCE
    assert ask(LineMode.PRODUCTION).accepted
    assert bench.plant.plc.state is PlcState.STOPPED


def test_a_refused_request_is_told_with_its_reason_and_who_asked(bench):
    for who in ("a", "b"):
        request = PackmlRequest(command=LineCommand.UNHOLD, operator=who)
        assert not bench.core.operator(request, bench.now_ns).accepted
    first, second = bench.snapshot().refusals
    assert (first.seq, first.operator, second.seq, second.operator) == (1, "a", 2, "b")
    assert first.reason.startswith("unhold refused")
