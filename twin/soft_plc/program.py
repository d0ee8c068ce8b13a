"""The PLC program: registers in, valve and belt outputs out, one scan at a time. Pure.

It does what the Structured Text program of a plant does: takes batches of pulses from the mailbox,
compares the encoder, fires, merges, refuses what is late or malformed, and closes everything when
the PC falls silent or the safety input drops. Time and encoder are arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from calibration.units import BeltTick, MonotonicNs
from plc.codec import (
    TICK_MASK,
    WORD_MASK,
    StatusBlock,
    decode_mailbox,
    encode_status,
    to_words,
)
from plc.registers import (
    HISTORY,
    MAGIC,
    MAILBOX,
    MAILBOX_WORDS,
    MAP_VERSION,
    RECENT,
    STATUS_AREA_WORDS,
    RequestFlag,
    StatusFlag,
)
from plc.types import PlcState, PulseOutcome
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.pulse_queue import PulseQueue
from twin.soft_plc.report_log import ReportLog
from twin.soft_plc.supervisor import Supervisor
from twin.soft_plc.valve_bank import ValveBank
from twin.wiring import BeltCommand, ValveEdge


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOutput:
    """What one scan switched.

    Attributes:
        valves: outputs that changed, in order.
        belt: the drive output, if it changed.
    """

    valves: tuple[ValveEdge, ...]
    belt: BeltCommand | None


_NOTHING = ScanOutput(valves=(), belt=None)


class SoftPlc:
    """One PLC with its registers. Call `scan` often; nothing happens between scans."""

    def __init__(self, config: SoftPlcConfig, *, boot_number: int) -> None:
        """Boot: STOPPED, valves closed, queue empty.

        Args:
            config: constants of the program.
            boot_number: 16 bits, different after each start.
        """
        self._config = config
        self._boot_number = boot_number & WORD_MASK
        self._valves = ValveBank(config.station_valves, max_open_ms=config.max_open_ms)
        self._reports = ReportLog()
        self._supervisor = Supervisor(
            heartbeat_timeout_ms=config.heartbeat_timeout_ms,
            belt_stops_on_silence=config.belt_stops_on_silence,
        )
        self._mailbox_words = [0] * MAILBOX_WORDS
        self._mailbox = decode_mailbox(self._mailbox_words)
        self._written = False
        self._run = False
        self._belt_run = False
        self._accepted_batch = 0
        self._queue = PulseQueue(config, valves=self._valves, reports=self._reports)
        self._scan_counter = 0
        self._tick = BeltTick(0)
        self._belt_on = False

    @property
    def state(self) -> PlcState:
        """State of the program."""
        return self._supervisor.state

    def set_safety(self, *, ok: bool) -> None:
        """Drive the safety input."""
        self._supervisor.safety_ok = ok

    def write_holding(self, address: int, words: Sequence[int]) -> None:
        """Take one master's write; it acts in the next scan.

        Raises:
            IndexError: the write leaves the mailbox.
        """
        at = address - MAILBOX.address
        if not 0 <= at <= at + len(words) <= MAILBOX_WORDS:
            msg = f"registers {address} to {address + len(words) - 1} are not all in the mailbox"
            raise IndexError(msg)
        self._mailbox_words[at : at + len(words)] = words
        self._written = True

    def read_holding(self, address: int, count: int) -> list[int]:
        """Return registers as of the last scan.

        Raises:
            IndexError: the read leaves the map.
        """
        if 0 <= address <= address + count <= STATUS_AREA_WORDS:
            return to_words(self.status_area()[2 * address : 2 * (address + count)])
        at = address - MAILBOX.address
        if 0 <= at <= at + count <= MAILBOX_WORDS:
            return self._mailbox_words[at : at + count]
        msg = f"registers {address} to {address + count - 1} are not all in the map"
        raise IndexError(msg)

    def status_area(self) -> bytes:
        """Return all registers that the PLC writes, big endian, from address 0."""
        gap = bytes(2 * (HISTORY.address - RECENT.address - RECENT.words))
        return b"".join((self.status(), self._reports.recent, gap, self._reports.history))

    def status(self) -> bytes:
        """Return the status block, big endian."""
        supervisor, config, reports = self._supervisor, self._config, self._reports
        flags = (
            StatusFlag.SAFETY_OK * supervisor.safety_ok
            | StatusFlag.BELT_RUNNING * supervisor.belt_on
            | StatusFlag.HEARTBEAT_OK * supervisor.heartbeat_ok
        )
        return encode_status(
            StatusBlock(
                magic=MAGIC,
                map_version=MAP_VERSION,
                state=supervisor.state,
                flags=flags,
                scan_counter=self._scan_counter,
                encoder_tick=self._tick & TICK_MASK,
                scan_period_us=config.scan_period_us,
                queue_used=self._queue.used,
                queue_size=config.queue_size,
                accepted_batch=self._accepted_batch,
                fired_total=reports.total(PulseOutcome.FIRED),
                late_total=reports.total(PulseOutcome.LATE),
                refused_total=reports.total(PulseOutcome.REFUSED),
                blocked_total=reports.total(PulseOutcome.BLOCKED),
                heartbeat_timeout_ms=config.heartbeat_timeout_ms,
                max_open_ms=config.max_open_ms,
                min_open_tick=config.min_open_tick,
                max_open_tick=config.max_open_tick,
                late_tolerance_tick=config.late_tolerance_tick,
                station_count=len(config.station_valves),
                valve_count=max(config.station_valves),
                boot_number=self._boot_number,
                report_sequence=reports.sequence,
            )
        )

    @property
    def report_sequence(self) -> int:
        """Number of the newest report."""
        return self._reports.sequence

    def coils(self) -> bytes:
        """Return the valve outputs, coil n in bit n % 8 of byte n // 8."""
        return bytes(self._valves.coils)

    def next_edge_tick(self) -> BeltTick | None:
        """Return the tick at which the next valve switches by the encoder, None if none waits."""
        return self._queue.next_edge_tick()

    def scan(self, tick: BeltTick, now_ns: MonotonicNs) -> ScanOutput:
        """Run the program once.

        Args:
            tick: the encoder's count at this instant.
            now_ns: this instant.
        """
        self._tick = tick
        self._scan_counter = (self._scan_counter + 1) & WORD_MASK
        if self._written:
            self._written = False
            self._mailbox = decode_mailbox(self._mailbox_words)
            self._run = RequestFlag.RUN in self._mailbox.requests
            self._belt_run = RequestFlag.BELT_RUN in self._mailbox.requests
            self._supervisor.hear(self._mailbox.heartbeat, now_ns)
        self._supervisor.update(now_ns, run=self._run, belt_run=self._belt_run)
        running = self._supervisor.state is PlcState.RUNNING
        if not running:
            self._queue.flush(tick, now_ns)
        if self._mailbox.batch_sequence != self._accepted_batch:
            self._accepted_batch = self._mailbox.batch_sequence
            self._queue.take(self._mailbox, tick, running=running)
        self._queue.fire(tick, now_ns)
        self._valves.close_overdue(tick, now_ns)
        return self._outputs(now_ns)

    def shut_down(self, tick: BeltTick, now_ns: MonotonicNs) -> ScanOutput:
        """Close every valve and stop the belt, as a PLC's outputs do when it loses power."""
        self._valves.close_all(tick, now_ns)
        self._supervisor.belt_on = False
        return self._outputs(now_ns)

    def _outputs(self, now_ns: MonotonicNs) -> ScanOutput:
        valves = self._valves.take_edges()
        if self._supervisor.belt_on == self._belt_on:
            return ScanOutput(valves=valves, belt=None) if valves else _NOTHING
        self._belt_on = self._supervisor.belt_on
        return ScanOutput(valves=valves, belt=BeltCommand(run=self._belt_on, at_ns=now_ns))
