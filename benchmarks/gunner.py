"""Hands ejections to a PLC thread as the pipeline does, and keeps what the PLC made of them."""

import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

from benchmarks.salvo import Planner, Shots, command_of
from calibration.clock import MonotonicClock
from calibration.units import NS_PER_S, MonotonicNs
from controller.plc_thread import Exchanged, PlcThread, TimedCommand
from plc.ports import PlcLink
from plc.types import PlcRequest, PlcState, PlcStatus
from twin.wiring import BeltCommand, ValveEdge

IDLE = PlcRequest(run=False, belt_run=False)
BELT = PlcRequest(run=False, belt_run=True)
RUN = PlcRequest(run=True, belt_run=True)

TURN_S = 0.02
"""Pulses are handed over this often, as by a camera with 50 frames a second."""
AHEAD_S = 0.15
"""How long before its opening an ejection is handed over; the standard line has 0.1 to 0.2 s."""
READY_S = 30.0
PATIENCE = 50
"""Exchanges after which a PLC that does not follow is asked anew, half a second: after silence, as
when a busy machine keeps the PLC thread waiting, it wants to see every request off and on again."""
SETTLE_S = 3.0
AT_SPEED = 0.95
"""Share of the nominal speed from which the belt counts as run up; its drift is two per cent."""

_Step = tuple[PlcRequest, Callable[[PlcStatus], bool]]
"""What is asked for, and when the PLC is there."""


class GunnerError(Exception):
    """The PLC did not come up."""


class Gunner:
    """One PLC, its thread, and the ejections of its stations."""

    def __init__(
        self,
        *,
        link: PlcLink,
        cycle_ms: float,
        outputs: Connection,
        planners: Sequence[Planner],
        ticks_per_s: float,
    ) -> None:
        """Take the wires.

        Args:
            link: to the PLC.
            cycle_ms: of the PLC thread.
            outputs: of the PLC; read here and nowhere else.
            planners: one per station.
            ticks_per_s: nominal.
        """
        self._clock = MonotonicClock()
        self._thread = PlcThread(link=link, clock=self._clock, cycle_ms=cycle_ms)
        self._outputs, self._planners = outputs, planners
        self._ticks_per_s = ticks_per_s
        self._request = IDLE
        self._status: PlcStatus | None = None
        self._heard = 0
        self._speed_tick_per_s = 0.0
        self._began_ns = self._clock.now_ns()
        self.shots = Shots()
        self.belt: list[BeltCommand] = []
        """When the belt was switched on and off, to work out where it truly was."""

    def start(self) -> None:
        """Start the PLC thread."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the PLC to stop. Raises what ended the PLC thread, if anything did."""
        self._thread.stop()
        self._thread.check()
        self._watch_outputs()

    def bring_up(self, turn: Callable[[], None]) -> None:
        """Bring the PLC to RUNNING with the belt at speed.

        Args:
            turn: lets time pass; calls `listen` of every gunner.

        Raises:
            GunnerError: it does not come up.
        """
        at_speed = AT_SPEED * self._ticks_per_s
        steps: tuple[_Step, ...] = (
            (IDLE, lambda status: status.state is PlcState.STOPPED and not status.belt_running),
            (BELT, lambda _: self._speed_tick_per_s >= at_speed),
            (RUN, lambda status: status.state is PlcState.RUNNING and status.belt_running),
        )
        deadline_ns = MonotonicNs(self._clock.now_ns() + int(READY_S * NS_PER_S))
        while not all(self._reaches(step, turn, deadline_ns) for step in steps):
            self._request = IDLE
        for planner in self._planners:
            planner.restart(self._now_s() + AHEAD_S)

    @property
    def is_running(self) -> bool:
        """Whether the PLC last said that it fires."""
        return self._status is not None and self._status.state is PlcState.RUNNING

    @property
    def belt_is_on(self) -> bool:
        """Whether the PLC last said that it drives the belt."""
        return self._status is not None and self._status.belt_running

    def fire(self) -> None:
        """Hand over the ejections that are due to be handed over now."""
        now_ns, commands = self._clock.now_ns(), []
        for planner in self._planners:
            # Where another PLC was brought up meanwhile, nothing is planned for the past.
            planner.restart(self._now_s() + AHEAD_S / 2)
            for at_s, open_s, station, span in planner.until(self._now_s() + AHEAD_S):
                pulse_id = len(self.shots.planned) + 1
                command = command_of(
                    pulse_id,
                    station,
                    span,
                    open_tick=self._tick_at(at_s),
                    open_for_tick=open_s * self._ticks_per_s,
                )
                self.shots.planned[pulse_id] = command
                commands.append(TimedCommand(command=command, exposed_ns=now_ns))
        self._thread.submit(commands)

    def listen(self) -> None:
        """Take in what the PLC says and what its outputs do."""
        self._thread.check()
        self._thread.ask(self._request)
        for event in self._thread.take_events():
            if isinstance(event, Exchanged):
                self._hear(event.exchange.status)
                reports = event.exchange.reports
                self.shots.reports_lost += event.exchange.reports_lost
            else:
                self.shots.lost_links += 1
                reports = event.unsent
            for report in reports:
                self.shots.reports.setdefault(report.pulse_id, []).append(report)
        self._watch_outputs()

    @property
    def settled(self) -> bool:
        """Whether every ejection has been reported."""
        return len(self.shots.reports) >= len(self.shots.planned)

    def _reaches(self, step: _Step, turn: Callable[[], None], deadline_ns: MonotonicNs) -> bool:
        """Ask until the PLC is there; returns False where it does not follow the request.

        Raises:
            GunnerError: not by the deadline.
        """
        self._request, reached = step
        asked = self._heard
        turn()
        # An exchange that was under way carried the request before this one.
        while self._status is None or self._heard < asked + 2 or not reached(self._status):
            if self._clock.now_ns() > deadline_ns:
                msg = f"the PLC did not follow {step[0]} within {READY_S:g} s: {self._status}"
                raise GunnerError(msg)
            if self._heard > asked + PATIENCE and not self._follows(step[0]):
                return False
            turn()
        return True

    def _follows(self, request: PlcRequest) -> bool:
        status = self._status
        return (
            status is not None
            and status.belt_running is request.belt_run
            and request.run is (status.state is PlcState.RUNNING)
        )

    def _now_s(self) -> float:
        return (self._clock.now_ns() - self._began_ns) / NS_PER_S

    def _tick_at(self, at_s: float) -> float:
        status = self._status
        if status is None:
            msg = "the PLC has not answered yet"
            raise GunnerError(msg)
        at_ns = self._began_ns + int(at_s * NS_PER_S)
        return status.tick + (at_ns - status.read_ns) / NS_PER_S * self._ticks_per_s

    def _watch_outputs(self) -> None:
        while self._outputs.poll(0):
            for edge in self._outputs.recv():
                if isinstance(edge, BeltCommand):
                    self.belt.append(edge)
                elif isinstance(edge, ValveEdge) and edge.opened:
                    place = (edge.station, edge.valve)
                    self.shots.openings.setdefault(place, []).append(edge.tick)

    def _hear(self, status: PlcStatus) -> None:
        before, self._status = self._status, status
        self._heard += 1
        if before is not None and status.read_ns > before.read_ns:
            elapsed_s = (status.read_ns - before.read_ns) / NS_PER_S
            self._speed_tick_per_s = (status.tick - before.tick) / elapsed_s


class Battery:
    """Several gunners side by side, driven in one thread."""

    def __init__(self, gunners: Sequence[Gunner]) -> None:
        """Take the gunners, not yet started."""
        self._gunners, self._clock = gunners, MonotonicClock()
        self._never = threading.Event()

    def run(self, *, for_s: float, progress: Callable[[float], None]) -> None:
        """Bring all up, fire for a while, and wait until every ejection is reported.

        Args:
            for_s: how long pulses are planned.
            progress: told the share done.

        Raises:
            GunnerError: a PLC does not come up.
        """
        try:
            for gunner in self._gunners:
                gunner.start()
            for gunner in self._gunners:
                gunner.bring_up(self._turn)
            began_ns = self._clock.now_ns()
            while (share := self._share(began_ns, for_s)) < 1.0:
                self._volley()
                progress(share)
            self._settle()
        finally:
            for gunner in self._gunners:
                gunner.stop()

    def _share(self, began_ns: MonotonicNs, for_s: float) -> float:
        return (self._clock.now_ns() - began_ns) / NS_PER_S / for_s

    def _volley(self) -> None:
        for gunner in self._gunners:
            if not gunner.is_running:
                gunner.shots.restarts += 1
                gunner.bring_up(self._turn)
            gunner.fire()
        self._turn()

    def _settle(self) -> None:
        for _ in range(int((AHEAD_S + SETTLE_S) / TURN_S)):
            self._turn()
            if all(gunner.settled for gunner in self._gunners):
                break
        self._turn()

    def _turn(self) -> None:
        self._clock.wait(self._never, TURN_S)
        for gunner in self._gunners:
            gunner.listen()
