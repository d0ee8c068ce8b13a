"""Commands into numbered batches: each is taken once by the PLC, however often it is written."""

from collections.abc import Sequence
from operator import attrgetter

from plc.codec import TICK_MASK, WORD_MASK, Mailbox, MailboxPulse
from plc.errors import PlcFullError
from plc.register_flags import RequestFlag
from plc.registers import BATCH_PULSES, MAX_STATIONS
from plc.types import EjectionCommand, PlcRequest

_UNUSED_ID = MailboxPulse(
    station=0, first_valve=0, last_valve=0, open_offset_tick=0, duration_tick=0
)


class BatchSender:
    """Commands waiting to be sent, and the one batch whose acceptance is not yet known. Pure."""

    def __init__(self, *, owner_id: int, most_waiting: int = 1024) -> None:
        """Begin empty.

        Args:
            owner_id: of this master, not 0; its lease on the PLC hangs on it.
            most_waiting: commands that may wait; more means that the PLC takes none.
        """
        self.owner_id = owner_id
        self._most_waiting = most_waiting
        self._waiting: list[EjectionCommand] = []
        self._in_flight: tuple[EjectionCommand, ...] = ()
        self._sequence = 0
        self._heartbeat = 0

    @property
    def waiting(self) -> int:
        """Commands not yet known to be taken."""
        return len(self._waiting) + len(self._in_flight)

    def put(self, commands: Sequence[EjectionCommand]) -> None:
        """Queue commands, lowest pulse id first.

        Raises:
            ValueError: a station that the map has no room for.
            PlcFullError: too many wait already; none of these was queued.
        """
        for command in commands:
            if not 0 <= command.station < MAX_STATIONS:
                msg = f"pulse {command.pulse_id}: station {command.station}, map has {MAX_STATIONS}"
                raise ValueError(msg)
        if self.waiting + len(commands) > self._most_waiting:
            msg = (
                f"PLC takes no batches: {self.waiting} pulses wait, batch {self._sequence} is not "
                "accepted; restart the PLC program"
            )
            raise PlcFullError(msg)
        if commands:
            self._waiting = sorted([*self._waiting, *commands], key=attrgetter("pulse_id"))

    def acknowledge(self, accepted_batch: int) -> None:
        """Note the PLC's word on the last batch it took."""
        if self._in_flight and accepted_batch != self._sequence:
            return
        self._in_flight = ()
        self._sequence = accepted_batch

    def renumber(self, accepted_batch: int) -> None:
        """Number the batch in flight anew: the PLC has booted and counts from `accepted_batch`.

        Nothing can fire twice by this: what the PLC had queued died with it, and it boots stopped.
        """
        self._sequence = accepted_batch
        if self._in_flight:
            self._sequence = next_sequence(accepted_batch)

    def farewell(self) -> Mailbox:
        """Return the write that gives the lease back, with nothing to fire."""
        self._heartbeat = next_sequence(self._heartbeat)
        return self._mailbox((), RequestFlag.RELEASE, PlcRequest(run=False, belt_run=False))

    def next_mailbox(self, request: PlcRequest) -> Mailbox:
        """Return what to write now: a new batch, or the unacknowledged one again."""
        self._heartbeat = next_sequence(self._heartbeat)
        if not self._in_flight and self._waiting:
            self._sequence = next_sequence(self._sequence)
            taken = _batch_length(self._waiting)
            self._in_flight = tuple(self._waiting[:taken])
            del self._waiting[:taken]
        return self._mailbox(self._in_flight, _flags(request), request)

    def _mailbox(
        self, commands: Sequence[EjectionCommand], requests: RequestFlag, request: PlcRequest
    ) -> Mailbox:
        base_id = commands[0].pulse_id if commands else 0
        base_tick = min((command.open_tick for command in commands), default=0)
        pulses: list[MailboxPulse] = []
        for command in commands:
            pulses.extend([_UNUSED_ID] * (command.pulse_id - base_id - len(pulses)))
            pulses.append(_pulse(command, base_tick))
        return Mailbox(
            owner_id=self.owner_id,
            heartbeat=self._heartbeat,
            requests=requests,
            flap_hold=sum(1 << station for station in request.flaps_held),
            batch_sequence=self._sequence,
            pulse_count=len(pulses),
            base_pulse_id=base_id & TICK_MASK,
            base_tick=base_tick & TICK_MASK,
            pulses=tuple(pulses),
        )


def next_sequence(number: int) -> int:
    """Return the number after `number`: 1 to 65535, then 1 again; 0 only ever comes first."""
    return number % WORD_MASK + 1


def _flags(request: PlcRequest) -> RequestFlag:
    wanted = {
        RequestFlag.RUN: request.run,
        RequestFlag.BELT_RUN: request.belt_run,
        RequestFlag.BELT_SLOW: request.belt_slow,
        RequestFlag.MAINTENANCE: request.maintenance,
    }
    return RequestFlag(sum(flag for flag, on in wanted.items() if on))


def _batch_length(waiting: Sequence[EjectionCommand]) -> int:
    """Count the leading commands whose ids and open ticks fit one batch."""
    first_id = waiting[0].pulse_id
    earliest = latest = waiting[0].open_tick
    for length, command in enumerate(waiting):
        earliest = min(earliest, command.open_tick)
        latest = max(latest, command.open_tick)
        position = command.pulse_id - first_id
        if not length <= position < BATCH_PULSES or latest - earliest > WORD_MASK:
            return length
    return len(waiting)


def _pulse(command: EjectionCommand, base_tick: int) -> MailboxPulse:
    # What the map cannot hold is held at its greatest value, which every PLC refuses and reports.
    return MailboxPulse(
        station=command.station,
        first_valve=min(command.valves.first, 0xFF),
        last_valve=min(command.valves.last, 0xFF),
        open_offset_tick=command.open_tick - base_tick,
        duration_tick=min(command.close_tick - command.open_tick, WORD_MASK),
    )
