"""Several PLCs as one: each with its own thread, link, heartbeat and clock fit.

The first PLC's ticks are the line's. The line is up only while every PLC is: losing any of them is
losing the link.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from calibration.clock import Clock
from calibration.units import MonotonicNs
from controller.plc_thread import (
    Exchanged,
    LinkLost,
    PlcEvent,
    PlcThread,
    TimedCommand,
    blocked,
)
from plc.clock_fit import ClockFit
from plc.errors import EncoderError
from plc.tick_bridge import TickBridge
from plc.types import (
    EjectionCommand,
    EjectionReport,
    PlcRequest,
    PlcState,
    PlcStatus,
    PulseCounters,
)


@dataclass(slots=True, kw_only=True)
class Member:
    """One PLC of the group.

    Attributes:
        name: for messages.
        thread: owns its link.
        stations: the PLC's own number of each of the line's stations that it drives.
        bridge: its ticks against the line's; None for the first PLC, whose ticks are the line's.
        fit: its clock.
        status: its last reading, None while it is lost.
    """

    name: str
    thread: PlcThread
    stations: Mapping[int, int]
    bridge: TickBridge | None
    fit: ClockFit = field(default_factory=ClockFit)
    status: PlcStatus | None = None

    def to_line(self, report: EjectionReport) -> EjectionReport:
        """Return a report with its ticks in the line's count."""
        bridge = self.bridge
        if bridge is None or not bridge.ready:
            return report
        return replace(
            report,
            open_tick=bridge.to_line(report.open_tick),
            close_tick=bridge.to_line(report.close_tick),
        )

    def localised(self, command: EjectionCommand) -> EjectionCommand | None:
        """Return a command in the PLC's own stations and ticks, None while they are not known."""
        local = replace(command, station=self.stations[command.station])
        bridge = self.bridge
        if bridge is None:
            return local
        if not bridge.ready:
            return None
        open_tick = bridge.to_other(command.open_tick)
        return replace(local, open_tick=open_tick, close_tick=bridge.to_other(command.close_tick))

    def lose(self, reason: str) -> None:
        """Forget what was known of a PLC that is lost."""
        self.status = None
        self.fit.reset(reason)
        if self.bridge is not None:
            self.bridge.reset()


class PlcGroup:
    """Implements `PlcSide` over several PLCs."""

    def __init__(self, members: Sequence[Member], clock: Clock) -> None:
        """Take the members.

        Args:
            members: the first one's ticks are the line's.
            clock: to compare counts at one instant.

        Raises:
            ValueError: there are none.
        """
        if not members:
            msg = "a group needs at least one PLC"
            raise ValueError(msg)
        self._members, self._clock = tuple(members), clock
        self._by_station = {
            station: member for member in self._members for station in member.stations
        }
        self._reports: list[EjectionReport] = []
        self._reports_lost = 0

    def start(self) -> None:
        """Start every PLC's thread. Call once."""
        for member in self._members:
            member.thread.start()

    def stop(self) -> None:
        """Tell every PLC to stop, disconnect and end. Idempotent."""
        for member in self._members:
            member.thread.stop()

    def check(self) -> None:
        """Raise what ended a thread, if anything did."""
        for member in self._members:
            member.thread.check()

    def ask(self, request: PlcRequest) -> None:
        """Set what is asked of every PLC; repeat it, silence means stop."""
        for member in self._members:
            member.thread.ask(request)

    def submit(self, commands: Sequence[TimedCommand]) -> None:
        """Hand each pulse to the PLC of its station; what cannot be placed there is blocked."""
        batches: dict[int, list[TimedCommand]] = {}
        for timed in commands:
            member = self._by_station.get(timed.command.station)
            local = None if member is None else member.localised(timed.command)
            if member is None or local is None:
                self._reports.append(blocked(timed.command))
                continue
            moved = TimedCommand(command=local, exposed_ns=timed.exposed_ns)
            batches.setdefault(id(member), []).append(moved)
        for member in self._members:
            member.thread.submit(batches.get(id(member), ()))

    def take_events(self) -> tuple[PlcEvent, ...]:
        """Return what happened since the last call as if it were one PLC."""
        events: list[PlcEvent] = []
        # The others first: an exchange of the first PLC is told only if all are up.
        for member in (*self._members[1:], self._members[0]):
            for event in member.thread.take_events():
                told = self._take(member, event)
                if told is not None:
                    events.append(told)
        return tuple(events)

    def _take(self, member: Member, event: PlcEvent) -> PlcEvent | None:
        if isinstance(event, LinkLost):
            unsent = tuple(member.to_line(report) for report in event.unsent)
            member.lose(str(event.error))
            event.error.args = (f"{member.name}: {event.error}",)
            return LinkLost(error=event.error, unsent=unsent)
        status = event.exchange.status
        member.status = status
        member.fit.add(read_ns=status.read_ns, round_trip_ns=status.round_trip_ns, tick=status.tick)
        self._reports += map(member.to_line, event.exchange.reports)
        self._reports_lost += event.exchange.reports_lost
        if member.bridge is not None:
            return self._compare(member, member.bridge, status.read_ns)
        return self._merged(event)

    def _compare(self, member: Member, bridge: TickBridge, at_ns: MonotonicNs) -> PlcEvent | None:
        try:
            bridge.observe(self._members[0].fit.estimate, member.fit.estimate, at_ns)
        except EncoderError as error:
            error.args = (f"{self._members[0].name} and {member.name}: {error}",)
            return LinkLost(error=error)
        return None

    def _merged(self, event: Exchanged) -> Exchanged | None:
        statuses = [member.status for member in self._members if member.status is not None]
        if len(statuses) < len(self._members):
            return None
        reports, self._reports = tuple(self._reports), []
        lost, self._reports_lost = self._reports_lost, 0
        exchange = replace(
            event.exchange, status=_merge(statuses), reports=reports, reports_lost=lost
        )
        return replace(event, exchange=exchange)


def _merge(statuses: Sequence[PlcStatus]) -> PlcStatus:
    """Return the first PLC's reading with the worst of all in what the line depends on."""
    counters = [status.counters for status in statuses]
    return replace(
        statuses[0],
        state=_worst({status.state for status in statuses}),
        safety_ok=all(status.safety_ok for status in statuses),
        heartbeat_ok=all(status.heartbeat_ok for status in statuses),
        queue_used=sum(status.queue_used for status in statuses),
        counters=PulseCounters(
            fired=sum(c.fired for c in counters),
            late=sum(c.late for c in counters),
            refused=sum(c.refused for c in counters),
            blocked=sum(c.blocked for c in counters),
        ),
    )


def _worst(states: set[PlcState]) -> PlcState:
    if len(states) == 1:
        return next(iter(states))
    return PlcState.SAFE if PlcState.SAFE in states else PlcState.STOPPED
