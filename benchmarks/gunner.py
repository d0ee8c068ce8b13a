"""Hands pulses to the PLC thread as the pipeline does, and keeps what the PLC made of them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.soft_plc import driver_config
from benchmarks.standard_line import StandardLine
from calibration.clock import MonotonicClock
from calibration.units import NS_PER_S, BeltTick
from calibration.valve_map import ValveSpan
from controller.plc_thread import Exchanged, PlcThread, TimedCommand
from plc.modbus_link import open_link
from plc.types import EjectionCommand, EjectionReport, PlcRequest, PlcState, PlcStatus
from twin.soft_plc.launch import SoftPlcProcesses
from twin.wiring import ValveEdge

IDLE = PlcRequest(run=False, belt_run=False)
BELT = PlcRequest(run=False, belt_run=True)
RUN = PlcRequest(run=True, belt_run=True)

TURN_S = 0.02
"""Pulses are handed over this often, as by a camera with 50 frames a second."""
AHEAD_S = (0.10, 0.24)
"""How long before its opening a pulse is planned; the standard line has 0.1 to 0.2 s."""
OPEN_S = (0.008, 0.02)
VALVE_STRIDE = 7
"""Prime to the number of valves: neighbours in time are not neighbours on the bar, and a valve
comes round again only when it has long closed."""
READY_S = 30.0
SETTLE_S = 3.0
AT_SPEED = 0.95
"""Share of the nominal speed from which the belt counts as run up; its drift is two per cent."""


class GunnerError(Exception):
    """The PLC did not come up."""


@dataclass(slots=True, kw_only=True)
class Shots:
    """What was planned and what was heard of it.

    Attributes:
        planned: by pulse id.
        reports: by pulse id, all of them.
        openings: valve outputs seen to switch on.
        restarts: times the PLC had left RUNNING and was started again.
    """

    planned: dict[int, EjectionCommand] = field(default_factory=dict)
    reports: dict[int, list[EjectionReport]] = field(default_factory=dict)
    openings: int = 0
    restarts: int = 0


class Gunner:
    """Plans pulses by the encoder's count and lets the line's own PLC thread hand them over."""

    def __init__(self, *, standard: StandardLine, plc: SoftPlcProcesses) -> None:
        """Take the wires.

        Args:
            standard: geometry and speeds.
            plc: running; its outputs are read here and nowhere else.
        """
        self._clock, self._never = MonotonicClock(), threading.Event()
        config = driver_config(standard, plc)
        self._thread = PlcThread(
            link=open_link(config, self._clock), clock=self._clock, cycle_ms=config.cycle_ms
        )
        self._outputs = plc.events
        self._ticks_per_s = standard.ticks_per_s
        self._valves = standard.line.stations[0].valve_count
        self._rng = np.random.default_rng(standard.twin.seed)
        self._request = IDLE
        self._status: PlcStatus | None = None
        self._speed_tick_per_s = 0.0
        self.shots = Shots()

    def start(self) -> None:
        """Bring the PLC to RUNNING with the belt at speed.

        Raises:
            GunnerError: it does not come up.
        """
        self._thread.start()
        self._bring_up()

    def stop(self) -> None:
        """Tell the PLC to stop. Raises what ended the PLC thread, if anything did."""
        self._thread.stop()
        self._thread.check()

    def turn(self, count: int) -> None:
        """Hand over `count` pulses and let a frame's time pass.

        Raises:
            GunnerError: the PLC left RUNNING and cannot be brought back.
        """
        status = self._status
        if status is None or status.state is not PlcState.RUNNING:
            self.shots.restarts += 1
            self._bring_up()
        commands = [self._pulse() for _ in range(count)]
        now_ns = self._clock.now_ns()
        self._thread.submit([TimedCommand(command=c, exposed_ns=now_ns) for c in commands])
        self._pass_turn()

    def settle(self) -> None:
        """Let time pass until every pulse is reported, or long after the last one should be."""
        turns = int((AHEAD_S[1] + OPEN_S[1] + SETTLE_S) / TURN_S)
        while turns > 0 and len(self.shots.reports) < len(self.shots.planned):
            turns -= 1
            self._pass_turn()
        self._pass_turn()

    def _bring_up(self) -> None:
        self._until(IDLE, lambda status: status.state is PlcState.STOPPED)
        at_speed = AT_SPEED * self._ticks_per_s
        self._until(BELT, lambda _: self._speed_tick_per_s >= at_speed)
        self._until(RUN, lambda status: status.state is PlcState.RUNNING)

    def _until(self, request: PlcRequest, reached: Callable[[PlcStatus], bool]) -> None:
        self._request = request
        deadline_ns = self._clock.now_ns() + int(READY_S * NS_PER_S)
        self._pass_turn()
        while self._status is None or not reached(self._status):
            if self._clock.now_ns() > deadline_ns:
                msg = f"the soft PLC did not follow {request} within {READY_S:g} s: {self._status}"
                raise GunnerError(msg)
            self._pass_turn()

    def _pulse(self) -> EjectionCommand:
        pulse_id = len(self.shots.planned) + 1
        ahead_s, open_s = self._rng.uniform(*AHEAD_S), self._rng.uniform(*OPEN_S)
        open_tick = round(self._tick_now() + ahead_s * self._ticks_per_s)
        valve = pulse_id * VALVE_STRIDE % self._valves
        command = EjectionCommand(
            pulse_id=pulse_id,
            station=0,
            valves=ValveSpan(first=valve, last=valve),
            open_tick=BeltTick(open_tick),
            close_tick=BeltTick(open_tick + round(open_s * self._ticks_per_s)),
        )
        self.shots.planned[pulse_id] = command
        return command

    def _tick_now(self) -> float:
        status = self._status
        if status is None:
            msg = "the soft PLC has not answered yet"
            raise GunnerError(msg)
        return status.tick + (self._clock.now_ns() - status.read_ns) / NS_PER_S * self._ticks_per_s

    def _pass_turn(self) -> None:
        self._thread.check()
        self._thread.ask(self._request)
        self._clock.wait(self._never, TURN_S)
        for event in self._thread.take_events():
            if isinstance(event, Exchanged):
                self._hear(event.exchange.status)
                for report in event.exchange.reports:
                    self.shots.reports.setdefault(report.pulse_id, []).append(report)
        while self._outputs.poll(0):
            edges = (edge for edge in self._outputs.recv() if isinstance(edge, ValveEdge))
            self.shots.openings += sum(edge.opened for edge in edges)

    def _hear(self, status: PlcStatus) -> None:
        before, self._status = self._status, status
        if before is not None and status.read_ns > before.read_ns:
            elapsed_s = (status.read_ns - before.read_ns) / NS_PER_S
            self._speed_tick_per_s = (status.tick - before.tick) / elapsed_s
