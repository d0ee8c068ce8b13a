import dataclasses

import pytest

from controller.packml import CommandReply, LineConditions, PackmlMachine, requests
from controller.states import LineCommand, LineMode, LineState
from plc.types import PlcRequest, PlcState

RESTING = LineConditions(
    link_ok=True,
    plc_state=PlcState.STOPPED,
    safety_ok=True,
    frames_fresh=True,
    belt_running=False,
    lamp_standing=False,
    fault=None,
)
RUNNING = dataclasses.replace(RESTING, plc_state=PlcState.RUNNING, belt_running=True)


def machine_in(state: LineState) -> PackmlMachine:
    """Bring a machine into a state the way an operator does."""
    machine = PackmlMachine()
    if state is LineState.STOPPED:
        return machine
    machine.command(LineCommand.RESET, "test")
    if state is LineState.RESETTING:
        return machine
    machine.update(RESTING)
    if state is LineState.IDLE:
        return machine
    machine.command(LineCommand.START, "test")
    if state is LineState.STARTING:
        return machine
    machine.update(RUNNING)
    if state is LineState.EXECUTE:
        return machine
    _leave_execute(machine, state)
    assert machine.state is state
    return machine


def _leave_execute(machine: PackmlMachine, state: LineState) -> None:
    ways: dict[LineState, tuple[LineCommand, ...]] = {
        LineState.HOLDING: (LineCommand.HOLD,),
        LineState.HELD: (LineCommand.HOLD,),
        LineState.UNHOLDING: (LineCommand.HOLD, LineCommand.UNHOLD),
        LineState.SUSPENDING: (LineCommand.SUSPEND,),
        LineState.SUSPENDED: (LineCommand.SUSPEND,),
        LineState.UNSUSPENDING: (LineCommand.SUSPEND, LineCommand.UNSUSPEND),
        LineState.COMPLETING: (LineCommand.COMPLETE,),
        LineState.COMPLETE: (LineCommand.COMPLETE,),
        LineState.STOPPING: (LineCommand.STOP,),
        LineState.ABORTING: (LineCommand.ABORT,),
        LineState.ABORTED: (LineCommand.ABORT,),
        LineState.CLEARING: (LineCommand.ABORT, LineCommand.CLEAR),
    }
    settled = (LineState.HELD, LineState.SUSPENDED, LineState.COMPLETE, LineState.ABORTED)
    for number, command in enumerate(ways[state]):
        if number:
            machine.update(RESTING)
        assert machine.command(command, "test").accepted
    if state in settled:
        machine.update(RESTING)


VALID: dict[LineState, set[LineCommand]] = {
    LineState.STOPPED: {LineCommand.RESET, LineCommand.ABORT},
    LineState.RESETTING: {LineCommand.STOP, LineCommand.ABORT},
    LineState.IDLE: {LineCommand.START, LineCommand.STOP, LineCommand.ABORT},
    LineState.STARTING: {LineCommand.STOP, LineCommand.ABORT, LineCommand.HOLD},
    LineState.EXECUTE: {
        LineCommand.STOP,
        LineCommand.ABORT,
        LineCommand.HOLD,
        LineCommand.SUSPEND,
        LineCommand.COMPLETE,
    },
    LineState.HOLDING: {LineCommand.STOP, LineCommand.ABORT},
    LineState.HELD: {
        LineCommand.STOP,
        LineCommand.ABORT,
        LineCommand.UNHOLD,
        LineCommand.COMPLETE,
    },
    LineState.UNHOLDING: {LineCommand.STOP, LineCommand.ABORT, LineCommand.HOLD},
    LineState.SUSPENDING: {LineCommand.STOP, LineCommand.ABORT},
    LineState.SUSPENDED: {
        LineCommand.STOP,
        LineCommand.ABORT,
        LineCommand.UNSUSPEND,
        LineCommand.COMPLETE,
    },
    LineState.UNSUSPENDING: {LineCommand.STOP, LineCommand.ABORT, LineCommand.HOLD},
    LineState.COMPLETING: {LineCommand.STOP, LineCommand.ABORT},
    LineState.COMPLETE: {LineCommand.RESET, LineCommand.STOP, LineCommand.ABORT},
    LineState.STOPPING: {LineCommand.ABORT},
    LineState.ABORTING: set(),
    LineState.ABORTED: {LineCommand.CLEAR},
    LineState.CLEARING: {LineCommand.ABORT},
}


@pytest.mark.parametrize("state", list(LineState))
def test_exactly_the_valid_commands_are_taken_in_each_state(state: LineState) -> None:
    assert set(machine_in(state).valid_commands()) == VALID[state]
    for command in LineCommand:
        machine = machine_in(state)
        reply = machine.command(command, "test")
        assert reply.accepted == (command in VALID[state])
        if not reply.accepted:
            assert machine.state is state
            assert "refused" in reply.reason


def test_the_line_runs_only_after_reset_and_start_and_conditions_met() -> None:
    machine = machine_in(LineState.STARTING)
    assert machine.update(RESTING) == ()
    assert "PLC to run" in machine.reason
    assert machine.update(dataclasses.replace(RUNNING, belt_running=False)) == ()
    assert "belt to run" in machine.reason
    assert machine.update(dataclasses.replace(RUNNING, frames_fresh=False)) == ()
    assert "camera" in machine.reason
    (made,) = machine.update(RUNNING)
    assert (made.source, made.target) == (LineState.STARTING, LineState.EXECUTE)
    assert machine.may_fire


def test_resetting_says_what_it_waits_for() -> None:
    machine = machine_in(LineState.RESETTING)
    for changes, word in (
        ({"plc_state": PlcState.RUNNING}, "PLC"),
        ({"lamp_standing": True}, "hazardous"),
        ({"frames_fresh": False}, "camera"),
    ):
        assert machine.update(dataclasses.replace(RESTING, **changes)) == ()  # type: ignore[arg-type]
        assert word in machine.reason
    machine.update(RESTING)
    assert machine.state is LineState.IDLE


@pytest.mark.parametrize(
    "changes",
    [
        {"link_ok": False},
        {"safety_ok": False},
        {"plc_state": PlcState.SAFE},
        {"plc_state": PlcState.STOPPED},
        {"fault": "encoder runs backwards"},
    ],
)
def test_trouble_with_the_machine_aborts_and_its_end_changes_nothing(
    changes: dict[str, object],
) -> None:
    machine = machine_in(LineState.EXECUTE)
    machine.update(dataclasses.replace(RUNNING, **changes))  # type: ignore[arg-type]
    machine.update(RESTING)
    assert machine.state is LineState.ABORTED
    assert not machine.may_fire
    for conditions in (RUNNING, RESTING, RUNNING):
        machine.update(conditions)
        assert machine.state is LineState.ABORTED


def test_aborting_waits_until_the_plc_fires_no_more() -> None:
    machine = machine_in(LineState.EXECUTE)
    machine.update(dataclasses.replace(RUNNING, fault="encoder jumped"))
    assert machine.state is LineState.ABORTING
    assert "PLC to stop firing" in machine.reason
    machine.update(dataclasses.replace(RUNNING, link_ok=False))
    assert machine.state is LineState.ABORTED


def test_clearing_waits_for_everything_to_be_well_and_ends_stopped() -> None:
    machine = machine_in(LineState.CLEARING)
    for changes, word in (
        ({"link_ok": False}, "PLC link"),
        ({"safety_ok": False}, "safety"),
        ({"fault": "encoder jumped"}, "encoder jumped"),
        ({"plc_state": PlcState.SAFE}, "PLC to be stopped"),
    ):
        assert machine.update(dataclasses.replace(RESTING, **changes)) == ()  # type: ignore[arg-type]
        assert word in machine.reason
    machine.update(RESTING)
    assert machine.state is LineState.STOPPED


def test_a_lamp_holds_the_line_until_it_is_removed_and_unheld() -> None:
    machine = machine_in(LineState.EXECUTE)
    lamp = dataclasses.replace(RUNNING, lamp_standing=True)
    machine.update(lamp)
    assert machine.state is LineState.HOLDING
    assert requests(machine.state) == PlcRequest(run=False, belt_run=False)
    machine.update(dataclasses.replace(lamp, plc_state=PlcState.STOPPED))
    assert "belt to stop" in machine.reason
    machine.update(dataclasses.replace(RESTING, lamp_standing=True))
    assert machine.state is LineState.HELD
    refused = machine.command(LineCommand.UNHOLD, "test")
    assert refused == CommandReply(
        accepted=False, reason="unhold refused: hazardous item on the belt"
    )
    machine.update(RESTING)
    assert machine.state is LineState.HELD
    assert machine.command(LineCommand.UNHOLD, "test").accepted
    machine.update(RUNNING)
    assert machine.state is LineState.EXECUTE


def test_a_stalled_camera_holds_the_line_and_fresh_frames_do_not_resume_it() -> None:
    machine = machine_in(LineState.EXECUTE)
    machine.update(dataclasses.replace(RUNNING, frames_fresh=False))
    machine.update(RESTING)
    assert machine.state is LineState.HELD
    assert "camera" in machine.reason
    machine.update(RUNNING)
    assert machine.state is LineState.HELD


def test_a_line_that_may_run_blind_goes_on_without_frames_but_not_past_a_lamp() -> None:
    machine = PackmlMachine(holds_without_frames=False)
    machine.update(RESTING)
    machine.command(LineCommand.RESET, "test")
    machine.update(RESTING)
    machine.command(LineCommand.START, "test")
    blind = dataclasses.replace(RUNNING, frames_fresh=False)
    assert machine.update(blind) == ()
    assert machine.state is LineState.STARTING
    machine.update(RUNNING)
    assert machine.update(blind) == ()
    assert machine.state is LineState.EXECUTE
    machine.update(dataclasses.replace(blind, lamp_standing=True))
    assert machine.state is LineState.HOLDING
    machine.update(dataclasses.replace(RESTING, frames_fresh=False))
    assert machine.state is LineState.HELD
    assert not machine.command(LineCommand.UNHOLD, "test").accepted


def test_a_lamp_seen_while_starting_holds() -> None:
    machine = machine_in(LineState.STARTING)
    machine.update(dataclasses.replace(RESTING, lamp_standing=True))
    assert machine.state is LineState.HELD


def test_without_a_plc_the_line_waits_stopped_and_loses_no_link() -> None:
    machine = PackmlMachine()
    assert machine.update(dataclasses.replace(RESTING, link_ok=False)) == ()
    assert machine.state is LineState.STOPPED
    machine.command(LineCommand.RESET, "test")
    machine.update(dataclasses.replace(RESTING, link_ok=False))
    assert machine.state is LineState.ABORTED


def test_a_fault_while_stopped_does_not_abort_but_an_open_safety_circuit_does() -> None:
    machine = PackmlMachine()
    assert machine.update(dataclasses.replace(RESTING, fault="encoder jumped")) == ()
    machine.update(dataclasses.replace(RESTING, safety_ok=False))
    assert machine.state is LineState.ABORTED


@pytest.mark.parametrize("state", list(LineState))
def test_the_plc_is_asked_to_run_only_in_execute_and_on_the_way_into_it(state: LineState) -> None:
    moving = {
        LineState.STARTING,
        LineState.EXECUTE,
        LineState.UNHOLDING,
        LineState.UNSUSPENDING,
    }
    assert requests(state) == PlcRequest(run=state in moving, belt_run=state in moving)


def test_suspend_stop_and_complete_end_in_their_states() -> None:
    for command, end in (
        (LineCommand.SUSPEND, LineState.SUSPENDED),
        (LineCommand.STOP, LineState.STOPPED),
        (LineCommand.COMPLETE, LineState.COMPLETE),
    ):
        machine = machine_in(LineState.EXECUTE)
        machine.command(command, "test")
        assert machine.update(RUNNING) == ()
        machine.update(RESTING)
        assert machine.state is end


def test_modes_change_at_rest_only_and_maintenance_never_fires() -> None:
    machine = machine_in(LineState.IDLE)
    assert machine.change_mode(LineMode.MANUAL, "test").accepted
    assert machine.mode is LineMode.MANUAL
    assert not machine.command(LineCommand.START, "test").accepted
    assert machine.change_mode(LineMode.MAINTENANCE, "test").accepted
    assert machine.command(LineCommand.START, "test").accepted
    machine.update(RUNNING)
    assert machine.state is LineState.EXECUTE
    assert not machine.may_fire
    assert not machine.change_mode(LineMode.PRODUCTION, "test").accepted
