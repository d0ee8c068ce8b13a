"""How long the line was in each PackML state of each mode since its session began."""

from calibration.units import NS_PER_MS, MonotonicNs
from controller.snapshot import StateTime
from controller.states import LineMode, LineState


class StateTimes:
    """PackML's cumulative times (ISA-TR88.00.02: Admin.StateCumulativeTime). One thread; pure."""

    def __init__(self) -> None:
        self._ns: dict[tuple[LineMode, LineState], int] = {}
        self._last: tuple[LineMode, LineState, MonotonicNs] | None = None
        self._since_ns = MonotonicNs(0)

    def at(self, mode: LineMode, state: LineState, now_ns: MonotonicNs) -> None:
        """Note the state of an instant; the time up to it belongs to the state noted before."""
        if self._last is None or self._last[:2] != (mode, state):
            self._since_ns = now_ns
        if self._last is not None:
            before = self._last[:2]
            self._ns[before] = self._ns.get(before, 0) + now_ns - self._last[2]
        self._last = (mode, state, now_ns)

    def current_ms(self, now_ns: MonotonicNs) -> float:
        """Return how long the present state has lasted."""
        return (now_ns - self._since_ns) / NS_PER_MS if self._last is not None else 0.0

    def all(self) -> tuple[StateTime, ...]:
        """Return every state that the line was in, and for how long."""
        return tuple(
            StateTime(mode=mode, state=state, total_ms=ns / NS_PER_MS)
            for (mode, state), ns in self._ns.items()
        )
