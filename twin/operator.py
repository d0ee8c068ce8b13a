"""A person beside the line: starts it, picks lamps by hand, confirms, lets it run on."""

from collections.abc import Callable

from calibration.clock import seconds_between
from calibration.units import MonotonicNs
from controller.line_facts import STANDING_MM_PER_S
from controller.snapshot import (
    AlarmKind,
    LampRemoved,
    LineSnapshot,
    OperatorRequest,
    PackmlRequest,
)
from controller.states import LineCommand, LineState
from twin.config import OperatorConfig

_NEXT: dict[LineState, LineCommand] = {
    LineState.STOPPED: LineCommand.RESET,
    LineState.COMPLETE: LineCommand.RESET,
    LineState.IDLE: LineCommand.START,
    LineState.HELD: LineCommand.UNHOLD,
    LineState.SUSPENDED: LineCommand.UNSUSPEND,
    LineState.ABORTED: LineCommand.CLEAR,
}
"""The button that brings a line in this state one step nearer to running."""
_WAITS_FOR_LAMP = (LineState.HELD, LineState.RESETTING)
"""A lamp found while the line was aborted keeps it from being reset."""


class SimulatedOperator:
    """Looks at the line now and then and answers with what the person does. One thread."""

    def __init__(
        self, *, config: OperatorConfig, pick_lamps: Callable[[], int], name: str = "twin operator"
    ) -> None:
        """Put the person beside the line.

        Args:
            config: reaction time.
            pick_lamps: takes every lamp in reach off the belt, returns how many.
            name: as it appears in the audit trail.
        """
        self._config, self._pick_lamps, self._name = config, pick_lamps, name
        self._seen: tuple[LineState, bool, bool] | None = None
        self._since_ns = MonotonicNs(0)
        self._looked_ns: MonotonicNs | None = None
        self._started, self._hand_empty = False, True
        self.lamps_picked = 0
        """Lamps taken off the belt so far."""

    def look(self, line: LineSnapshot) -> tuple[OperatorRequest, ...]:
        """Return what the person asks of the line, having seen it in this condition.

        A condition must have stood for the reaction time before the person acts on it, except that
        the line is started at once the first time. The same sight twice is answered once.
        """
        if line.at_ns == self._looked_ns:
            return ()
        self._looked_ns = line.at_ns
        kinds = {alarm.kind for alarm in line.alarms}
        lamp = AlarmKind.LAMP_FOUND in kinds
        told = bool(kinds & {AlarmKind.HAZARD_CRAWLS, AlarmKind.HAZARD_PASSES})
        if (line.state, lamp, told) != self._seen:
            self._seen, self._since_ns = (line.state, lamp, told), line.at_ns
        self._started = self._started or line.state is LineState.EXECUTE
        waited_s = seconds_between(self._since_ns, line.at_ns)
        if self._started and waited_s < self._config.reaction_s:
            return ()
        if told and not lamp and line.state is LineState.EXECUTE:
            if AlarmKind.HAZARD_CRAWLS in kinds:
                self.lamps_picked += self._pick_lamps()
            self._since_ns = line.at_ns
            return (LampRemoved(operator=self._name),)
        return self._act(line, lamp=lamp)

    def _act(self, line: LineSnapshot, *, lamp: bool) -> tuple[OperatorRequest, ...]:
        if lamp and line.state in _WAITS_FOR_LAMP:
            if line.belt_speed_mm_per_s > STANDING_MM_PER_S:
                return ()
            if not self._hand_empty:
                # Hand off the belt first: a lamp that the camera still sees would be found again.
                self._hand_empty = True
                removed = LampRemoved(operator=self._name)
                on = _NEXT.get(line.state)
                return (removed,) if on is None else (removed, self._press(on))
            self.lamps_picked += self._pick_lamps()
            self._hand_empty = False
            self._since_ns = line.at_ns
            return ()
        command = _NEXT.get(line.state)
        return () if command is None else (self._press(command),)

    def _press(self, command: LineCommand) -> PackmlRequest:
        return PackmlRequest(command=command, operator=self._name)
