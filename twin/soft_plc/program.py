"""The PLC program: registers in, valve and belt outputs out, one scan at a time. Pure.

It does what the Structured Text program of a plant does: takes batches of pulses from the mailbox,
compares the encoder, fires, merges, refuses what is late or malformed, and closes everything when
the PC falls silent or the safety input drops. Time and encoder are arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from calibration.units import NS_PER_MS, NS_PER_S, BeltTick, MonotonicNs
from plc.batches import next_sequence
from plc.codec import TICK_MASK, WORD_MASK, Mailbox, StatusBlock, encode_status, to_words
from plc.register_flags import RequestFlag, StatusFlag
from plc.registers import MAGIC, MAILBOX, MAP_VERSION, MAP_WORDS, SERVICE
from plc.types import PlcState, PulseOutcome
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.lease import MasterLease, empty_mailbox, mailbox_offset
from twin.soft_plc.plant_inputs import PlantInputs, SimplePlant
from twin.soft_plc.pulse_queue import PulseQueue
from twin.soft_plc.register_image import RegisterImage, with_lamps
from twin.soft_plc.report_log import ReportLog, TriggerLog
from twin.soft_plc.service_desk import ServiceDesk
from twin.soft_plc.supervisor import Supervisor
from twin.soft_plc.valve_bank import ValveBank
from twin.wiring import BeltCommand, ValveEdge

_RATE_WINDOW_NS = 100 * NS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOutput:
    """What one scan switched.

    Attributes:
        valves: outputs that changed, in order.
        belt: the drive outputs, if they changed.
    """

    valves: tuple[ValveEdge, ...]
    belt: BeltCommand | None


_NOTHING = ScanOutput(valves=(), belt=None)


class SoftPlc:
    """One PLC with its registers. Call `scan` often; nothing happens between scans."""

    def __init__(
        self, config: SoftPlcConfig, *, boot_number: int, inputs: PlantInputs | None = None
    ) -> None:
        """Boot: STOPPED, valves closed, queue empty.

        Args:
            config: constants of the program.
            boot_number: 16 bits, different after each start.
            inputs: pressure sensors and limit switches; a simple plant if not given.
        """
        self._config = config
        self._boot_number = boot_number & WORD_MASK
        plant = inputs or SimplePlant(
            len(config.station_valves), flap_travel_ms=config.flap_travel_ms
        )
        self._valves = ValveBank(config)
        self._desk = ServiceDesk(config, self._valves, plant)
        self._reports, self._triggers = ReportLog(), TriggerLog()
        self._image = RegisterImage(config, self._valves)
        self._supervisor = Supervisor(
            heartbeat_timeout_ms=config.heartbeat_timeout_ms,
            belt_stops_on_silence=config.belt_stops_on_silence,
        )
        self._lease = MasterLease()
        self._mailbox_words = empty_mailbox()
        self._flap_hold = 0
        self._heartbeat_echo = 0
        self._accepted_batch = 0
        self._stale_batches = 0
        self._queue = PulseQueue(config, valves=self._valves, reports=self._reports)
        self._scan_counter = 0
        self._tick = BeltTick(0)
        self._rate = 0
        self._rate_from: tuple[BeltTick, MonotonicNs] | None = None
        self._belt = (False, False)
        self._rings_shown = (-1, -1)

    @property
    def state(self) -> PlcState:
        """State of the program."""
        return self._supervisor.state

    def set_safety(self, *, ok: bool) -> None:
        """Drive the safety input."""
        self._supervisor.safety_ok = ok

    def latch_trigger(self, tick: BeltTick) -> None:
        """The camera's trigger input rose while the encoder stood at `tick`."""
        self._triggers.add(tick)

    def write_holding(self, address: int, words: Sequence[int]) -> None:
        """Take one master's write; it acts in the next scan.

        Raises:
            IndexError: the write leaves the mailboxes.
        """
        at = mailbox_offset(address, len(words))
        if at is not None:
            self._mailbox_words[at : at + len(words)] = words
            return
        at = address - SERVICE.address
        if not 0 <= at <= at + len(words) <= SERVICE.words:
            msg = f"registers {address} to {address + len(words) - 1} are not all in a mailbox"
            raise IndexError(msg)
        self._desk.write(at, words)

    def read_holding(self, address: int, count: int) -> list[int]:
        """Return registers as of the last scan.

        Raises:
            IndexError: the read leaves the map.
        """
        if not 0 <= address <= address + count <= MAP_WORDS:
            msg = f"registers {address} to {address + count - 1} are not all in the map"
            raise IndexError(msg)
        words = to_words(self.status_area())
        words[MAILBOX.address : MAILBOX.address + len(self._mailbox_words)] = self._mailbox_words
        words[SERVICE.address : SERVICE.address + SERVICE.words] = self._desk.words
        return words[address : address + count]

    def status_area(self) -> bytes:
        """Return all registers that the PLC writes, big endian, from address 0."""
        image, shown = self._image, (self._reports.sequence, self._triggers.total)
        if shown != self._rings_shown:
            self._rings_shown = shown
            image.rings(self._reports, self._triggers)
        image.show_tables(self._scan_counter, self._desk, self._queue.held)
        image.put(0, self.status())
        return bytes(image.area)

    def status(self) -> bytes:
        """Return the status block, big endian."""
        supervisor, config, reports = self._supervisor, self._config, self._reports
        flags = (
            StatusFlag.SAFETY_OK * supervisor.safety_ok
            | StatusFlag.BELT_RUNNING * supervisor.belt_on
            | StatusFlag.BELT_SLOW * supervisor.belt_slow
            | StatusFlag.HEARTBEAT_OK * supervisor.heartbeat_ok
            | StatusFlag.LATCH_IN_HARDWARE
        )
        return encode_status(
            StatusBlock(
                magic=MAGIC,
                map_version=MAP_VERSION,
                line_id=config.line_id,
                state=supervisor.state,
                flags=flags,
                scan_counter=self._scan_counter,
                encoder_tick=self._tick & TICK_MASK,
                encoder_ticks_per_s=self._rate,
                scan_period_us=config.scan_period_us,
                heartbeat_echo=self._heartbeat_echo,
                boot_number=self._boot_number,
                lease_owner=self._lease.owner,
                foreign_writes=self._lease.foreign_writes,
                bad_writes=self._lease.bad_writes,
                stale_batches=self._stale_batches,
                accepted_batch=self._accepted_batch,
                queue_used=self._queue.used,
                queue_size=config.queue_size,
                fired_total=reports.total(PulseOutcome.FIRED),
                late_total=reports.total(PulseOutcome.LATE),
                refused_total=reports.total(PulseOutcome.REFUSED),
                blocked_total=reports.total(PulseOutcome.BLOCKED),
                heartbeat_timeout_ms=config.heartbeat_timeout_ms,
                late_tolerance_tick=config.late_tolerance_tick,
                station_count=len(config.station_valves),
                output_count=self._valves.count,
                flap_positions=self._desk.flap_positions(),
                report_sequence=reports.sequence,
                trigger_total=self._triggers.total,
            )
        )

    def coils(self) -> bytes:
        """Return the outputs, coil n in bit n % 8 of byte n // 8."""
        supervisor = self._supervisor
        return with_lamps(
            self._valves.coils, supervisor.state, belt=supervisor.belt_on, slow=supervisor.belt_slow
        )

    def next_edge_tick(self) -> BeltTick | None:
        """Return the tick at which the next valve switches by the encoder, None if none waits."""
        return self._queue.next_edge_tick()

    def next_edge_ns(self) -> MonotonicNs | None:
        """Return when a valve closes that has passed its tick and waits for its shortest time."""
        return self._queue.next_edge_ns()

    def scan(self, tick: BeltTick, now_ns: MonotonicNs) -> ScanOutput:
        """Run the program once.

        Args:
            tick: the encoder's count at this instant.
            now_ns: this instant.
        """
        self._tick = tick
        self._measure_rate(tick, now_ns)
        self._scan_counter = (self._scan_counter + 1) & WORD_MASK
        supervisor = self._supervisor
        mailbox = self._lease.take(self._mailbox_words)
        released = mailbox is not None and RequestFlag.RELEASE in mailbox.requests
        if mailbox is not None and not released:
            self._heartbeat_echo = mailbox.heartbeat
            self._flap_hold = mailbox.flap_hold
            supervisor.hear(mailbox.requests, now_ns)
        supervisor.update(now_ns, released=released)
        if released or not supervisor.heartbeat_ok:
            self._lease.release()
        running = supervisor.state is PlcState.RUNNING
        if not running:
            self._rest(tick, now_ns)
        if mailbox is not None and not released:
            self._take_batch(mailbox, tick, running=running)
        self._queue.fire(tick, now_ns)
        self._desk.scan(
            tick,
            now_ns,
            state=supervisor.state,
            owner=self._lease.owner,
            flap_hold=self._flap_hold,
        )
        self._valves.close_overdue(tick, now_ns)
        return self._outputs(now_ns)

    def _measure_rate(self, tick: BeltTick, now_ns: MonotonicNs) -> None:
        if self._rate_from is None:
            self._rate_from = (tick, now_ns)
        elif now_ns - self._rate_from[1] >= _RATE_WINDOW_NS:
            then_tick, then_ns = self._rate_from
            self._rate = abs(tick - then_tick) * NS_PER_S // (now_ns - then_ns)
            self._rate_from = (tick, now_ns)

    def _rest(self, tick: BeltTick, now_ns: MonotonicNs) -> None:
        """Nothing waits and no pulse is open while the program does not run."""
        if self._supervisor.state is not PlcState.MAINTENANCE:
            self._desk.tester.abort()
        if not self._desk.tester.watching:
            self._queue.flush(tick, now_ns, self._supervisor.stop_reason)

    def _take_batch(self, mailbox: Mailbox, tick: BeltTick, *, running: bool) -> None:
        if mailbox.batch_sequence == self._accepted_batch:
            return
        if mailbox.batch_sequence != next_sequence(self._accepted_batch):
            self._stale_batches = (self._stale_batches + 1) & WORD_MASK
            return
        self._accepted_batch = mailbox.batch_sequence
        self._queue.take(mailbox, tick, running=running)

    def shut_down(self, tick: BeltTick, now_ns: MonotonicNs) -> ScanOutput:
        """Close every valve and stop the belt, as a PLC's outputs do when it loses power."""
        self._valves.hold(frozenset(), tick, now_ns)
        self._valves.close_all(tick, now_ns)
        self._supervisor.belt_on = self._supervisor.belt_slow = False
        self._supervisor.state = PlcState.STOPPED
        return self._outputs(now_ns)

    def _outputs(self, now_ns: MonotonicNs) -> ScanOutput:
        valves = self._valves.take_edges()
        belt = (self._supervisor.belt_on, self._supervisor.belt_slow)
        if belt == self._belt:
            return ScanOutput(valves=valves, belt=None) if valves else _NOTHING
        self._belt = belt
        command = BeltCommand(run=belt[0], slow=belt[1], at_ns=now_ns)
        return ScanOutput(valves=valves, belt=command)
