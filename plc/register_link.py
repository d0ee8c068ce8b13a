"""The driver: implements PlcLink over any transport that reads and writes holding registers."""

import logging
import secrets
from collections.abc import Sequence

from calibration.clock import Clock
from calibration.units import NS_PER_MS, MonotonicNs
from plc.batches import BatchSender
from plc.codec import TICK_MASK, ReportEntry, StatusBlock, decode_status, encode_mailbox
from plc.errors import (
    EncoderError,
    PlcFaultError,
    PlcLeaseError,
    PlcLinkError,
    PlcMapError,
)
from plc.ports import RegisterTransport
from plc.register_flags import StatusFlag
from plc.register_service import RegisterService
from plc.registers import (
    MAILBOX,
    READ_WORDS,
    RECENT,
    RECENT_LATCHES,
    STATUS,
)
from plc.report_reader import ReportReader
from plc.status_reading import Reading, plc_status, require_our_plc
from plc.tick_extension import TickExtension
from plc.trigger_reader import TriggerReader
from plc.types import (
    EjectionCommand,
    EjectionReport,
    Exchange,
    PlcRequest,
    TriggerLatch,
    outcome_of,
)

_log = logging.getLogger(__name__)
_NS_PER_US = 1000


class RegisterLink:
    """One PLC with this project's register map."""

    def __init__(
        self,
        *,
        transport: RegisterTransport,
        clock: Clock,
        ticks: TickExtension,
        heartbeat_timeout_ms: float,
        line_id: int = 1,
        owner_id: int | None = None,
    ) -> None:
        """Prepare without connecting.

        Args:
            transport: the bus.
            clock: stamps requests.
            ticks: extends the encoder count.
            heartbeat_timeout_ms: the longest silence that the PLC may be set to tolerate.
            line_id: which line's PLC this must be.
            owner_id: this master's id, 1 to 2^32 - 1; drawn if not given.
        """
        self._transport = transport
        self._clock = clock
        self._ticks = ticks
        self._heartbeat_timeout_ms = heartbeat_timeout_ms
        self._line_id = line_id
        self._sender = BatchSender(owner_id=owner_id or secrets.randbelow(TICK_MASK) + 1)
        self._reader = ReportReader()
        self._trigger_reader = TriggerReader()
        self.service = RegisterService(transport, owner_id=self._sender.owner_id)
        self._owns_lease = False
        self._scan_period_us = 0
        self._connected = False
        self._boot_number: int | None = None
        self._kept: tuple[EjectionReport, ...] = ()
        self._kept_lost = 0
        self._triggers: tuple[TriggerLatch, ...] = ()
        self._triggers_lost = 0
        self._scan_counter = -1
        self._scanned_ns = MonotonicNs(0)

    def connect(self) -> None:
        """Connect and check whose PLC this is. Idempotent; blocks up to the link timeout.

        Raises:
            PlcLinkError: no connection, no answer.
            PlcFaultError: the PLC answered with a Modbus exception.
            PlcMapError: another program, map version or line, a simulated encoder, or a heartbeat
                timeout above ours.
            PlcLeaseError: another master controls it.
        """
        if self._connected:
            return
        try:
            self._transport.open()
            reading = self._read()
            require_our_plc(
                reading.status,
                line_id=self._line_id,
                heartbeat_timeout_ms=self._heartbeat_timeout_ms,
            )
            self._require_lease(reading.status)
            self._take_up(reading)
        except (PlcLinkError, PlcFaultError, PlcMapError, PlcLeaseError):
            self._transport.close()
            raise
        self._connected = True

    def exchange(self, request: PlcRequest, commands: Sequence[EjectionCommand]) -> Exchange:
        """Write heartbeat, request and commands; read status and reports. See `PlcLink`."""
        if not self._connected:
            msg = "not connected to the PLC; connect first"
            raise PlcLinkError(msg)
        self._sender.put(commands)
        try:
            return self._write_and_read(request)
        except PlcLinkError:
            self._drop()
            raise

    @property
    def scan_period_us(self) -> int:
        """Nominal time between two scans of the PLC, as last read; 0 before that."""
        return self._scan_period_us

    def close(self) -> None:
        """Give the lease back and disconnect. Idempotent, never raises.

        To the PLC that is the same as silence, only sooner: it closes its valves.
        """
        if self._connected and self._owns_lease:
            try:
                self._transport.write_holding(
                    MAILBOX.address, encode_mailbox(self._sender.farewell())
                )
            except (PlcLinkError, PlcFaultError) as error:
                _log.debug("could not give the lease back, it will lapse: %s", error)
        self._drop()

    def _drop(self) -> None:
        self._connected = False
        self._owns_lease = False
        self._transport.close()

    def _require_lease(self, status: StatusBlock) -> None:
        """Note whether this master has the lease.

        Raises:
            PlcLeaseError: another one has it.
        """
        self._owns_lease = status.lease_owner == self._sender.owner_id
        if not self._owns_lease and status.lease_owner:
            msg = (
                f"another master (id {status.lease_owner:#010x}) controls the PLC until it is "
                f"silent for {status.heartbeat_timeout_ms} ms; end the other one, or wait if it "
                "was this line's last run"
            )
            raise PlcLeaseError(msg)

    def _read(self) -> Reading:
        sent_ns = self._clock.now_ns()
        words = self._transport.read_holding(STATUS.address, READ_WORDS)
        received_ns = self._clock.now_ns()
        status = decode_status(words)
        self._scan_period_us = status.scan_period_us
        # The count is on average half a scan old when the request reaches it.
        scan_ns = status.scan_period_us * _NS_PER_US
        return Reading(
            status=status,
            latches=words[RECENT_LATCHES.address : RECENT.address],
            recent=words[RECENT.address :],
            read_ns=MonotonicNs((sent_ns + received_ns - scan_ns) // 2),
            round_trip_ns=received_ns - sent_ns,
            uncertain_ns=(received_ns - sent_ns + scan_ns) // 2,
        )

    def _take_up(self, reading: Reading) -> None:
        """Go on where the last connection broke, or begin with a PLC that was (re)started."""
        status = reading.status
        if self._boot_number is None:
            self._reader.start_at(status.report_sequence)
            self._trigger_reader.start_at(status.trigger_total)
        self._notice_boot(status)
        self._sender.acknowledge(status.accepted_batch)
        self._ticks.restart()
        self._extend(reading)
        self._scan_counter = -1
        # At once: on a link whose writes arrive and whose answers do not, the PLC goes on firing
        # and the rings would be overwritten before an exchange goes well again.
        self._collect(reading)

    def _extend(self, reading: Reading) -> None:
        self._ticks.extend(
            reading.status.encoder_tick,
            read_ns=reading.read_ns,
            belt_driven=StatusFlag.BELT_RUNNING in StatusFlag(reading.status.flags),
            uncertain_ns=reading.uncertain_ns,
        )

    def _notice_boot(self, status: StatusBlock) -> None:
        # A program without a clock draws its number from the first write that it sees.
        if self._boot_number not in (None, 0, status.boot_number):
            self._reader.start_at(0)
            self._trigger_reader.start_at(0)
            self._sender.renumber(status.accepted_batch)
            self._ticks.restart()
        self._boot_number = status.boot_number

    def _write_and_read(self, request: PlcRequest) -> Exchange:
        mailbox = encode_mailbox(self._sender.next_mailbox(request))
        self._transport.write_holding(MAILBOX.address, mailbox)
        reading = self._read()
        status = reading.status
        self._require_lease(status)
        self._notice_boot(status)
        scanned = self._has_scanned(status, reading.read_ns)
        self._sender.acknowledge(status.accepted_batch)
        fault: EncoderError | None = None
        try:
            if scanned:
                self._extend(reading)
        except EncoderError as error:
            fault = error
        self._collect(reading)
        if fault is not None:
            raise fault
        exchange = Exchange(
            status=plc_status(reading, self._ticks),
            reports=self._kept,
            reports_lost=self._kept_lost,
            triggers=self._triggers,
            triggers_lost=self._triggers_lost,
        )
        self._kept, self._kept_lost = (), 0
        self._triggers, self._triggers_lost = (), 0
        return exchange

    def _has_scanned(self, status: StatusBlock, now_ns: MonotonicNs) -> bool:
        """Return whether the program scanned since the last reading: else the count is old news.

        Raises:
            PlcFaultError: it has not scanned for the heartbeat timeout.
        """
        if status.scan_counter != self._scan_counter:
            self._scan_counter = status.scan_counter
            self._scanned_ns = now_ns
            return True
        still_ms = (now_ns - self._scanned_ns) / NS_PER_MS
        if still_ms > self._heartbeat_timeout_ms:
            msg = (
                f"the PLC answers but its program has not scanned for {still_ms:.0f} ms; "
                "restart the PLC program"
            )
            raise PlcFaultError(msg)
        return False

    def _collect(self, reading: Reading) -> None:
        new = self._reader.read(
            reading.status.report_sequence, reading.recent, self._transport.read_holding
        )
        self._kept += tuple(self._report(entry) for entry in new.entries)
        self._kept_lost += new.lost
        latched = self._trigger_reader.read(
            reading.status.trigger_total, reading.latches, self._transport.read_holding
        )
        self._triggers += tuple(
            TriggerLatch(number=number, tick=self._ticks.nearest(tick))
            for number, tick in latched.entries
        )
        self._triggers_lost += latched.lost

    def _report(self, entry: ReportEntry) -> EjectionReport:
        open_tick = self._ticks.nearest(entry.open_tick)
        return EjectionReport(
            pulse_id=entry.pulse_id,
            outcome=outcome_of(entry.reason),
            reason=entry.reason,
            open_tick=open_tick,
            close_tick=type(open_tick)(open_tick + entry.duration_tick),
        )
