"""The line's state machine after PackML (ISA-TR88.00.02): 17 states, commands, modes.

Pure: told what is, it says what follows. Disabling always wins over enabling, and only an
operator's command leads towards EXECUTE: no restart, reconnection or cleared fault does.

What answers which trouble: safety not OK, a PLC in its safe state or stopped by itself, a lost PLC
link and an encoder fault abort (the machine's condition is not known, someone has to look). A
hazardous item on the belt and a camera without fresh frames hold (the machine is well, the belt
stands, a person removes the cause and lets it go on); a line may be configured to run on blind.
"""

from dataclasses import dataclass
from typing import Final

from controller.states import LineCommand, LineMode, LineState
from plc.types import PlcRequest, PlcState

_ALL: Final = frozenset(LineState)
_ABORTED: Final = frozenset({LineState.ABORTING, LineState.ABORTED, LineState.CLEARING})
_AT_REST: Final = frozenset({LineState.STOPPED, LineState.STOPPING}) | _ABORTED
_MOVING: Final = frozenset(
    {LineState.STARTING, LineState.EXECUTE, LineState.UNHOLDING, LineState.UNSUSPENDING}
)
MODE_CHANGES_IN: Final = frozenset({LineState.STOPPED, LineState.IDLE, LineState.ABORTED})
"""States in which the unit mode may be changed: nothing moves, nothing fires."""

_COMMANDS: Final[dict[LineCommand, tuple[frozenset[LineState], LineState]]] = {
    LineCommand.RESET: (
        frozenset({LineState.STOPPED, LineState.COMPLETE}),
        LineState.RESETTING,
    ),
    LineCommand.START: (frozenset({LineState.IDLE}), LineState.STARTING),
    LineCommand.STOP: (_ALL - _AT_REST, LineState.STOPPING),
    LineCommand.HOLD: (_MOVING, LineState.HOLDING),
    LineCommand.UNHOLD: (frozenset({LineState.HELD}), LineState.UNHOLDING),
    LineCommand.SUSPEND: (frozenset({LineState.EXECUTE}), LineState.SUSPENDING),
    LineCommand.UNSUSPEND: (frozenset({LineState.SUSPENDED}), LineState.UNSUSPENDING),
    LineCommand.COMPLETE: (
        frozenset({LineState.EXECUTE, LineState.HELD, LineState.SUSPENDED}),
        LineState.COMPLETING,
    ),
    LineCommand.ABORT: (
        _ALL - {LineState.ABORTING, LineState.ABORTED},
        LineState.ABORTING,
    ),
    LineCommand.CLEAR: (frozenset({LineState.ABORTED}), LineState.CLEARING),
}
"""For each command: the states in which it is valid, and the state it leads to."""

_DONE: Final[dict[LineState, LineState]] = {
    LineState.RESETTING: LineState.IDLE,
    LineState.STARTING: LineState.EXECUTE,
    LineState.HOLDING: LineState.HELD,
    LineState.UNHOLDING: LineState.EXECUTE,
    LineState.SUSPENDING: LineState.SUSPENDED,
    LineState.UNSUSPENDING: LineState.EXECUTE,
    LineState.COMPLETING: LineState.COMPLETE,
    LineState.STOPPING: LineState.STOPPED,
    LineState.ABORTING: LineState.ABORTED,
    LineState.CLEARING: LineState.STOPPED,
}
"""Acting states and the state each ends in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineConditions:
    """What is known of the machine at one instant.

    Attributes:
        link_ok: the PLC answers.
        plc_state: as last read; means nothing while the link is down.
        safety_ok: as last read; means nothing while the link is down.
        frames_fresh: frames come and are young enough to act on.
        belt_running: as last read.
        lamp_standing: a hazardous item is on the line and was not yet taken off.
        fault: why belt positions or the machine cannot be trusted, None if they can.
    """

    link_ok: bool
    plc_state: PlcState
    safety_ok: bool
    frames_fresh: bool
    belt_running: bool
    lamp_standing: bool
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A change of state and why, for people."""

    source: LineState
    target: LineState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReply:
    """Whether a command was taken, and what was done or why not, for people."""

    accepted: bool
    reason: str


def requests(state: LineState) -> PlcRequest:
    """Return what the PLC is asked for in a state.

    The PLC may fire and the belt moves only in EXECUTE and on the way into it; HELD drops the run
    request so that the PLC flushes pulses meant for items a person may have moved.
    """
    moving = state in _MOVING
    return PlcRequest(run=moving, belt_run=moving)


class PackmlMachine:
    """One line's state. Starts STOPPED in production mode; one thread."""

    def __init__(self, *, holds_without_frames: bool = True) -> None:
        """Start STOPPED.

        Args:
            holds_without_frames: whether a line in EXECUTE is held when no fresh frames come. No
                line starts or goes on from a hold without them, whatever this says.
        """
        self._holds_without_frames = holds_without_frames
        self._state = LineState.STOPPED
        self._mode = LineMode.PRODUCTION
        self._reason = "program started"
        self._conditions: LineConditions | None = None

    @property
    def state(self) -> LineState:
        """Present state."""
        return self._state

    @property
    def mode(self) -> LineMode:
        """Present unit mode."""
        return self._mode

    @property
    def reason(self) -> str:
        """Why the line is in this state, or what an acting state waits for."""
        if self._conditions is not None and self._state in _DONE:
            missing = _missing(self._state, self._conditions)
            if missing is not None:
                return f"{self._reason}; waiting: {missing}"
        return self._reason

    @property
    def may_fire(self) -> bool:
        """Whether pulses may be planned: executing, and not a dry run for maintenance."""
        return self._state is LineState.EXECUTE and self._mode is LineMode.PRODUCTION

    @property
    def valves_may_be_tested(self) -> bool:
        """Whether the PLC is asked for its maintenance mode: at rest, in maintenance or manual."""
        return self._state is LineState.STOPPED and self._mode is not LineMode.PRODUCTION

    def valid_commands(self) -> tuple[LineCommand, ...]:
        """Return the commands that would be taken now, in the order of their definition."""
        return tuple(command for command in LineCommand if self._objection(command) is None)

    def command(self, command: LineCommand, operator: str) -> CommandReply:
        """Take an operator's command, or refuse it with the reason."""
        objection = self._objection(command)
        if objection is not None:
            return CommandReply(accepted=False, reason=f"{command.value} refused: {objection}")
        source = self._state
        self._go(_COMMANDS[command][1], f"{command.value} by {operator}")
        return CommandReply(accepted=True, reason=f"{source.value} to {self._state.value}")

    def change_mode(self, mode: LineMode, operator: str) -> CommandReply:
        """Change the unit mode; only while the line is at rest."""
        if self._state not in MODE_CHANGES_IN:
            reason = f"mode changes only when stopped, idle or aborted, not in {self._state.value}"
            return CommandReply(accepted=False, reason=reason)
        self._mode = mode
        return CommandReply(accepted=True, reason=f"mode {mode.value} by {operator}")

    def update(self, conditions: LineConditions) -> tuple[Transition, ...]:
        """Let the state follow from what is, as far as it does.

        Returns:
            The transitions made, in order.
        """
        self._conditions = conditions
        made: list[Transition] = []
        while (change := self._next(conditions)) is not None:
            target, reason = change
            source = self._state
            self._go(target, reason)
            made.append(Transition(source=source, target=target, reason=reason))
        return tuple(made)

    def _go(self, target: LineState, reason: str) -> None:
        self._state, self._reason = target, reason

    def _objection(self, command: LineCommand) -> str | None:
        sources, _ = _COMMANDS[command]
        if self._state not in sources:
            return f"not valid in {self._state.value}"
        if command is LineCommand.START and self._mode is LineMode.MANUAL:
            return "the line does not start in manual mode"
        if command is LineCommand.UNHOLD and self._conditions is not None:
            return _reason_to_hold(self._conditions)
        return None

    def _goes_on(self, conditions: LineConditions) -> bool:
        """Return whether only the camera is missing in a state that bears that."""
        if conditions.lamp_standing:
            return False
        waking = self._state is LineState.STARTING
        return waking or (self._state is LineState.EXECUTE and not self._holds_without_frames)

    def _next(self, conditions: LineConditions) -> tuple[LineState, str] | None:
        state = self._state
        if state not in _ABORTED:
            trouble = _reason_to_abort(state, conditions)
            if trouble is not None:
                return LineState.ABORTING, trouble
        if state in _MOVING:
            trouble = _reason_to_hold(conditions)
            if trouble is not None and not self._goes_on(conditions):
                return LineState.HOLDING, trouble
        if state in _DONE and _missing(state, conditions) is None:
            return _DONE[state], self._reason
        return None


def _reason_to_abort(state: LineState, conditions: LineConditions) -> str | None:
    if not conditions.link_ok:
        return None if state is LineState.STOPPED else "PLC link lost"
    if not conditions.safety_ok:
        return "safety circuit not OK"
    if state in (LineState.STOPPED, LineState.STOPPING):
        return None
    if conditions.fault is not None:
        return conditions.fault
    if conditions.plc_state is PlcState.SAFE:
        return "PLC went to its safe state"
    if state is LineState.EXECUTE and conditions.plc_state is not PlcState.RUNNING:
        return "PLC stopped by itself"
    return None


def _reason_to_hold(conditions: LineConditions) -> str | None:
    if conditions.lamp_standing:
        return "hazardous item on the belt"
    if not conditions.frames_fresh:
        return "no fresh camera frames"
    return None


def _missing(state: LineState, conditions: LineConditions) -> str | None:
    """Return what an acting state waits for, None when it is done."""
    if state is LineState.ABORTING:
        resting = not conditions.link_ok or conditions.plc_state is not PlcState.RUNNING
        return None if resting else "PLC to stop firing"
    if state in (LineState.CLEARING, LineState.RESETTING):
        return _missing_to_rest(conditions) or (
            _missing_to_start(conditions) if state is LineState.RESETTING else None
        )
    if state in _MOVING:
        return _missing_to_run(conditions)
    if conditions.plc_state is PlcState.RUNNING:
        return "PLC to stop firing"
    return "belt to stop" if conditions.belt_running else None


def _missing_to_rest(conditions: LineConditions) -> str | None:
    if not conditions.link_ok:
        return "PLC link"
    if not conditions.safety_ok:
        return "safety circuit to be OK"
    if conditions.fault is not None:
        return f"fault to be cleared ({conditions.fault})"
    return None if conditions.plc_state is PlcState.STOPPED else "PLC to be stopped"


def _missing_to_start(conditions: LineConditions) -> str | None:
    if conditions.lamp_standing:
        return "hazardous item to be taken off"
    return None if conditions.frames_fresh else "fresh camera frames"


def _missing_to_run(conditions: LineConditions) -> str | None:
    if conditions.plc_state is not PlcState.RUNNING:
        return "PLC to run"
    if not conditions.belt_running:
        return "belt to run"
    return _missing_to_start(conditions)
