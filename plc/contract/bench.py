"""A master for checks: it writes what a good or a bad master would, and reads what came of it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from calibration.clock import Clock
from plc.batches import next_sequence
from plc.codec import (
    TICK_MASK,
    Mailbox,
    MailboxPulse,
    ReportEntry,
    StatusBlock,
    decode_status,
    encode_mailbox,
)
from plc.contract.own_silence import OwnSilence
from plc.contract.scan_timer import ScanTimer, SteadyRate
from plc.contract.words import BELT, OFF, RUN, NotApplicable, Wrong
from plc.modbus_transport import ModbusTransport
from plc.register_flags import RequestFlag, StationKind, StatusFlag
from plc.register_service import RegisterService
from plc.registers import MAILBOX, READ_WORDS, RECENT, STATUS
from plc.report_reader import ReportReader
from plc.service_types import StationInfo
from plc.types import PlcState

_PAUSE_S = 0.003


class Bench:
    """One PLC under test, one master of it. Used from one thread.

    Attributes:
        transport: the bus, for what the bench does not offer.
        owner_id: of this master.
        reports: all reports read so far, by pulse id.
        stations: what the PLC says stands where.
        simulating: whether the PLC is meant to count an encoder of its own.
        silence: of this PC, where not meant.
    """

    def __init__(
        self, transport: ModbusTransport, clock: Clock, *, owner_id: int, may_simulate: bool
    ) -> None:
        """Take over a connected transport."""
        self.transport = transport
        self.owner_id = owner_id
        self.reports: dict[int, list[ReportEntry]] = {}
        self.stations: tuple[StationInfo, ...] = ()
        self.simulating = False
        self.may_simulate = may_simulate
        self.silence = OwnSilence(clock)
        self.service = RegisterService(transport, owner_id=owner_id)
        self._clock = clock
        self._never = threading.Event()
        self._reader = ReportReader()
        self._heartbeat = 0
        self._next_id = 1
        status = decode_status(transport.read_holding(STATUS.address, STATUS.words))
        self.heartbeat_timeout_ms = status.heartbeat_timeout_ms
        self._reader.start_at(status.report_sequence)

    def read(self) -> StatusBlock:
        """Read status and new reports in one request."""
        words = self.transport.read_holding(STATUS.address, READ_WORDS)
        status = decode_status(words)
        new = self._reader.read(
            status.report_sequence, words[RECENT.address :], self.transport.read_holding
        )
        for entry in new.entries:
            self.reports.setdefault(entry.pulse_id, []).append(entry)
        return status

    def mailbox(self, requests: RequestFlag, status: StatusBlock) -> Mailbox:
        """Return a write without pulses, with the next heartbeat."""
        self._heartbeat = next_sequence(self._heartbeat)
        return Mailbox(
            owner_id=self.owner_id,
            heartbeat=self._heartbeat,
            requests=requests,
            flap_hold=0,
            batch_sequence=status.accepted_batch,
            pulse_count=0,
            base_pulse_id=0,
            base_tick=0,
            pulses=(),
        )

    def send(self, mailbox: Mailbox) -> None:
        """Write a mailbox and leave it standing for a scan or two."""
        self.silence.wrote()
        self.transport.write_holding(MAILBOX.address, encode_mailbox(mailbox))
        self.pause()

    def cycle(self, requests: RequestFlag, *, flap_hold: int = 0) -> StatusBlock:
        """Write a heartbeat with requests, let a scan or two pass, read."""
        status = self.read()
        self.send(replace(self.mailbox(requests, status), flap_hold=flap_hold))
        return self.read()

    def pause(self, seconds: float = _PAUSE_S) -> None:
        """Let time pass."""
        self._clock.wait(self._never, seconds)

    def until(
        self,
        requests: RequestFlag,
        done: Callable[[StatusBlock], bool],
        wrong: str,
        *,
        flap_hold: int = 0,
        plc_ms: float = 5000.0,
    ) -> StatusBlock:
        """Keep cycling until `done`.

        Raises:
            Wrong: it was not, though the PLC scanned for `plc_ms` of its own time.
        """
        return self._wait(
            lambda: self.cycle(requests, flap_hold=flap_hold), done, wrong, plc_ms=plc_ms
        )

    def silent_until(
        self, done: Callable[[StatusBlock], bool], wrong: str, *, plc_ms: float
    ) -> StatusBlock:
        """Only read until `done`; see `until`."""
        self.silence.meant()

        def look() -> StatusBlock:
            self.pause()
            return self.read()

        return self._wait(look, done, wrong, plc_ms=plc_ms)

    def _wait(
        self,
        look: Callable[[], StatusBlock],
        done: Callable[[StatusBlock], bool],
        wrong: str,
        *,
        plc_ms: float,
    ) -> StatusBlock:
        timer = ScanTimer(self._clock, self.read(), plc_ms=plc_ms)
        while not done(status := look()):
            if timer.is_over(status):
                raise Wrong(f"{wrong} (state {status.state}, flags {status.flags:#x})")
        return status

    def fall_silent(self) -> None:
        """Write nothing until the PLC has noticed; raises Wrong where it does not."""
        timeout_ms = self.heartbeat_timeout_ms
        self.silent_until(
            lambda s: StatusFlag.HEARTBEAT_OK not in StatusFlag(s.flags),
            f"after {timeout_ms} ms without a heartbeat the PLC still takes the PC for alive",
            plc_ms=timeout_ms + 200,
        )

    def take_control(self) -> StatusBlock:
        """Become the PLC's master, in STOPPED, with a belt or a simulated one."""
        status = self.until(
            OFF,
            lambda s: s.lease_owner == self.owner_id,
            "no master gets control: lease_owner never becomes the id of the one that writes",
        )
        flags = StatusFlag(status.flags)
        ended = self.simulating and StatusFlag.SIMULATED not in flags
        if ended or StatusFlag.SAFETY_OK not in flags:
            self.simulate()
        return self.until(
            OFF, lambda s: s.state == PlcState.STOPPED, "a stop request does not lead to STOPPED"
        )

    def simulate(self, start_tick: int = 0, ticks_per_s: int = 5000) -> None:
        """Let the PLC count an encoder of its own.

        Raises:
            NotApplicable: it cannot, or the user does not want it.
        """
        status = self.read()
        if not self.may_simulate or StatusFlag.CAN_SIMULATE not in StatusFlag(status.flags):
            words = "no simulation is wanted or offered; close the safety circuit, run the belt"
            raise NotApplicable(words)
        self.until(
            OFF,
            lambda s: s.state in (PlcState.STOPPED, PlcState.SAFE),
            "a stop request does not lead out of RUNNING",
        )
        self.service.simulate(ticks_per_s=0)
        self.until(
            OFF,
            lambda s: StatusFlag.SIMULATED not in StatusFlag(s.flags),
            "the simulation does not end when simulated_ticks_per_s is 0",
        )
        self.service.simulate(ticks_per_s=ticks_per_s, start_tick=start_tick)
        self.until(
            OFF,
            lambda s: StatusFlag.SIMULATED in StatusFlag(s.flags),
            "the simulation that the PLC offers does not start",
        )
        self.simulating = True

    def run(self) -> StatusBlock:
        """Be in RUNNING with a moving belt."""
        self.take_control()
        self.until(
            BELT,
            lambda s: StatusFlag.BELT_RUNNING in StatusFlag(s.flags),
            "belt_run does not start the belt",
        )
        self._moving()
        return self.until(
            RUN, lambda s: s.state == PlcState.RUNNING, "a run request does not lead to RUNNING"
        )

    def _moving(self) -> None:
        start = self.read().encoder_tick

        def moved(status: StatusBlock) -> bool:
            return (status.encoder_tick - start) & TICK_MASK > 20 and status.encoder_ticks_per_s > 0

        try:
            self.until(BELT, moved, "", plc_ms=3000.0)
        except Wrong:
            if self.simulating:
                words = "the simulated encoder does not count while the belt is on"
                raise Wrong(words) from None
            self.simulate()
            self.until(BELT, moved, "the encoder does not count while the belt runs")
        self.until(BELT, SteadyRate().is_steady, "the belt does not come to a steady speed")

    def bars(self) -> tuple[StationInfo, ...]:
        """Return the jet bars."""
        return tuple(s for s in self.stations if s.kind == StationKind.JET_BAR)

    def new_ids(self, count: int) -> int:
        """Reserve pulse ids; returns the first."""
        first = self._next_id
        self._next_id += count
        return first

    def batch(
        self,
        pulses: Sequence[MailboxPulse],
        *,
        base_tick: int,
        requests: RequestFlag = RUN,
        sequence: int | None = None,
    ) -> int:
        """Send one batch until the PLC has taken it; returns the id of its first pulse.

        Raises:
            Wrong: it is not taken.
        """
        first_id = self.new_ids(len(pulses))
        status = self.read()
        number = next_sequence(status.accepted_batch) if sequence is None else sequence

        def offer() -> StatusBlock:
            self.send(
                replace(
                    self.mailbox(requests, status),
                    batch_sequence=number,
                    pulse_count=len(pulses),
                    base_pulse_id=first_id,
                    base_tick=base_tick & TICK_MASK,
                    pulses=tuple(pulses),
                )
            )
            return self.read()

        self._wait(
            offer,
            lambda s: s.accepted_batch == number,
            f"batch {number} with {len(pulses)} pulses is not taken: accepted_batch stays",
            plc_ms=2000.0,
        )
        return first_id

    def reported(
        self, first_id: int, count: int, *, requests: RequestFlag = RUN, plc_ms: float = 10_000.0
    ) -> list[ReportEntry]:
        """Wait for the one report of each pulse.

        Raises:
            Wrong: one is missing, or has two.
        """
        ids = range(first_id, first_id + count)
        missing = "pulses are not acknowledged: no report within 10 s of PLC time"
        self.until(requests, lambda _: all(i in self.reports for i in ids), missing, plc_ms=plc_ms)
        for i in ids:
            if len(self.reports[i]) != 1:
                raise Wrong(f"pulse {i} is reported {len(self.reports[i])} times")
        return [self.reports[i][0] for i in ids]

    def release(self) -> None:
        """Give the lease back."""
        self.send(self.mailbox(RequestFlag.RELEASE, self.read()))
