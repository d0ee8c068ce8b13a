"""The person beside the simulated line."""

import dataclasses

from controller.snapshot import Alarm, AlarmKind, LampRemoved, LineSnapshot, PackmlRequest
from controller.states import LineCommand, LineMode, LineState
from controller.types import Totals
from twin.config import OperatorConfig
from twin.operator import SimulatedOperator

_TOTALS = Totals(seen=0, ejected=(), passed=0, late=0, blocked=0, removed=0, in_flight=0)


def _line(state, at_s, *, lamp=False, speed=0.0):
    alarm = Alarm(kind=AlarmKind.LAMP_FOUND, raised_ns=0, detail="", remedy="", acknowledged=False)
    values = {field.name: 0 for field in dataclasses.fields(LineSnapshot) if field.name != "totals"}
    values |= {
        "session_id": "s",
        "state": state,
        "mode": LineMode.PRODUCTION,
        "state_reason": "",
        "at_ns": round(at_s * 1e9),
        "belt_speed_mm_per_s": speed,
        "alarms": (alarm,) if lamp else (),
        "latencies": (),
        "totals": _TOTALS,
    }
    return LineSnapshot(**values)


class Belt:
    """Counts how often lamps are picked."""

    picks = 0

    def pick(self):
        self.picks += 1
        return 1


def _operator(belt):
    return SimulatedOperator(config=OperatorConfig(reaction_s=4.0), pick_lamps=belt.pick)


def _commands(requests):
    return [r.command for r in requests if isinstance(r, PackmlRequest)]


def test_operator_starts_the_line_at_once_the_first_time():
    operator = _operator(Belt())
    assert _commands(operator.look(_line(LineState.STOPPED, 0.0))) == [LineCommand.RESET]
    assert _commands(operator.look(_line(LineState.IDLE, 0.1))) == [LineCommand.START]
    assert operator.look(_line(LineState.EXECUTE, 0.2)) == ()


def test_operator_waits_for_the_belt_takes_the_lamp_and_confirms_it_afterwards():
    belt = Belt()
    operator = _operator(belt)
    operator.look(_line(LineState.EXECUTE, 0.0))
    assert operator.look(_line(LineState.HELD, 1.0, lamp=True)) == ()
    assert operator.look(_line(LineState.HELD, 6.0, lamp=True, speed=900.0)) == ()
    assert belt.picks == 0
    assert operator.look(_line(LineState.HELD, 6.1, lamp=True)) == ()
    assert belt.picks == operator.lamps_picked == 1
    assert operator.look(_line(LineState.HELD, 7.0, lamp=True)) == ()
    confirmed = operator.look(_line(LineState.HELD, 10.2, lamp=True))
    assert isinstance(confirmed[0], LampRemoved)
    assert _commands(confirmed) == [LineCommand.UNHOLD]
    assert belt.picks == 1


def test_operator_takes_a_lamp_that_keeps_an_aborted_line_from_being_reset():
    belt = Belt()
    operator = _operator(belt)
    operator.look(_line(LineState.EXECUTE, 0.0))
    operator.look(_line(LineState.ABORTED, 1.0, lamp=True))
    assert _commands(operator.look(_line(LineState.ABORTED, 5.1, lamp=True))) == [LineCommand.CLEAR]
    operator.look(_line(LineState.STOPPED, 5.2, lamp=True))
    assert _commands(operator.look(_line(LineState.STOPPED, 9.3, lamp=True))) == [LineCommand.RESET]
    assert operator.look(_line(LineState.RESETTING, 9.4, lamp=True)) == ()
    assert operator.look(_line(LineState.RESETTING, 13.5, lamp=True)) == ()
    assert belt.picks == 1
    assert operator.look(_line(LineState.RESETTING, 17.6, lamp=True)) == (
        LampRemoved(operator="twin operator"),
    )
    operator.look(_line(LineState.IDLE, 17.7))
    assert _commands(operator.look(_line(LineState.IDLE, 21.8))) == [LineCommand.START]


def test_operator_reacts_to_an_abort_only_after_the_reaction_time():
    operator = _operator(Belt())
    operator.look(_line(LineState.EXECUTE, 0.0))
    assert operator.look(_line(LineState.ABORTED, 1.0)) == ()
    assert operator.look(_line(LineState.ABORTED, 4.0)) == ()
    assert _commands(operator.look(_line(LineState.ABORTED, 5.1))) == [LineCommand.CLEAR]


def test_the_same_sight_twice_is_answered_once():
    operator = _operator(Belt())
    assert _commands(operator.look(_line(LineState.STOPPED, 1.0))) == [LineCommand.RESET]
    assert operator.look(_line(LineState.STOPPED, 1.0)) == ()
    assert _commands(operator.look(_line(LineState.IDLE, 1.2))) == [LineCommand.START]
