"""The soft PLC's scan in its own process, by the real clock and its own encoder.

A heavy interpreter beside it would delay every pulse, so this process does nothing else: it sleeps
until shortly before the next switching, then watches the encoder until it comes.
"""

import argparse
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection

from calibration.clock import Clock, MonotonicClock
from calibration.units import NS_PER_S, BeltTick, MonotonicNs
from plc.codec import to_words
from plc.registers import MAILBOX_WORDS
from twin.belt_drive import BeltDrive
from twin.soft_plc.bar_pressure import BarPressure
from twin.soft_plc.event_pipe import EventPipe
from twin.soft_plc.plant_inputs import PlantInputs
from twin.soft_plc.program import ScanOutput, SoftPlc
from twin.soft_plc.setup import SoftPlcSetup
from twin.soft_plc.shared_registers import SharedRegisters

_WATCH_NS = 400_000
"""Wake this long before a switching: a FIFO process wakes up within 0.23 ms in 999 of 1000 cases on
a loaded two-core machine."""
_ORPHAN_CHECK_SCANS = 100
_WRITE_BYTES = 2 + 2 * MAILBOX_WORDS
_COMMAND_BYTES = 64
STOP, SAFETY_OK, SAFETY_LOST, TRIGGER = b"stop", b"safety ok", b"safety lost", b"trigger "
"""What the owner sends; a trigger is followed by its instant in monotonic ns, as a camera's strobe
wire would latch the counter at that instant whenever the scan comes to look."""


class ScanEngine:
    """Scans one `SoftPlc` in real time."""

    def __init__(
        self,
        setup: SoftPlcSetup,
        *,
        clock: Clock,
        registers: SharedRegisters,
        writes: socket.socket,
        control: socket.socket,
        events: EventPipe,
    ) -> None:
        """Boot the PLC.

        Args:
            setup: PLC and belt.
            clock: real time.
            registers: where the PLC's registers are published.
            writes: datagrams of masters' writes: address and words, big endian.
            control: datagrams of the owner; its end means the owner ended.
            events: to the twin's world.
        """
        self._clock = clock
        self._plc = SoftPlc(
            setup.plc, boot_number=clock.now_ns() // 1_000_000, inputs=_inputs(setup)
        )
        self._drive = BeltDrive(
            config=setup.belt,
            mm_per_tick=setup.mm_per_tick,
            seed=setup.belt_seed,
            start_ns=MonotonicNs(setup.start_ns),
            first_tick=setup.first_tick,
        )
        self._ticks_per_mm = 1 / setup.mm_per_tick
        self._period_ns = max(1, setup.plc.scan_period_us) * 1000
        self._registers = registers
        self._writes = writes
        self._control = control
        self._events = events
        self._now_ns = clock.now_ns()
        self._stopping = False

    def run(self) -> None:
        """Scan until told to stop or the owner ends; leaves every valve closed."""
        owner, scans = os.getppid(), 0
        self.scan()
        while not self._stopping:
            self._wait()
            self.scan()
            scans += 1
            if scans % _ORPHAN_CHECK_SCANS == 0 and os.getppid() != owner:
                self._stopping = True
        now_ns = self._clock.now_ns()
        self._hand_on(self._plc.shut_down(self._drive.tick(now_ns), now_ns))

    def stop(self) -> None:
        """End `run` after the present scan."""
        self._stopping = True

    def scan(self) -> None:
        """Read the encoder, scan once, publish, hand the outputs on."""
        now_ns = self._now_ns = self._clock.now_ns()
        self._hand_on(self._plc.scan(self._drive.tick(now_ns), now_ns))

    def _hand_on(self, output: ScanOutput) -> None:
        if output.belt is not None:
            self._drive.command(run=output.belt.run, at_ns=output.belt.at_ns, slow=output.belt.slow)
        self._registers.publish(self._plc.status_area(), self._plc.coils())
        self._events.send(output.valves, output.belt)

    def _wait(self) -> None:
        """Wait for the next scan, the next switching or a write, whichever comes first."""
        edge_tick = self._plc.next_edge_tick()
        until_ns = self._now_ns + self._period_ns
        watch = False
        edge_ns = self._plc.next_edge_ns()
        if edge_ns is not None:
            until_ns = min(until_ns, edge_ns)
        if edge_tick is not None:
            watch_ns = self._expected_ns(edge_tick) - _WATCH_NS
            if watch_ns < until_ns:
                until_ns, watch = watch_ns, True
        timeout_s = max(0, until_ns - self._clock.now_ns()) / NS_PER_S
        ready, _, _ = select.select([self._writes, self._control], [], [], timeout_s)
        if ready:
            self._receive(ready)
        elif watch and edge_tick is not None:
            self._watch_encoder(edge_tick)

    def _expected_ns(self, edge_tick: BeltTick) -> int:
        """Estimate when the encoder shows a tick, by the present speed; far off if it stands."""
        speed_mm_per_s = self._drive.speed_mm_per_s(self._now_ns)
        ticks_per_s = max(1.0, speed_mm_per_s * self._ticks_per_mm)
        ahead_ticks = edge_tick - self._drive.fractional_tick(self._now_ns)
        return self._now_ns + int(ahead_ticks / ticks_per_s * NS_PER_S)

    def _watch_encoder(self, edge_tick: BeltTick) -> None:
        drive, clock = self._drive, self._clock
        now_ns = clock.now_ns()
        give_up_ns = now_ns + 2 * _WATCH_NS
        while drive.tick(now_ns) < edge_tick and now_ns < give_up_ns:
            now_ns = clock.now_ns()

    def _receive(self, ready: Sequence[socket.socket]) -> None:
        if self._control in ready:
            command = self._control.recv(_COMMAND_BYTES)
            if command in (SAFETY_OK, SAFETY_LOST):
                self._plc.set_safety(ok=command == SAFETY_OK)
            elif command.startswith(TRIGGER):
                at_ns = MonotonicNs(int(command.removeprefix(TRIGGER)))
                self._plc.latch_trigger(self._drive.tick(at_ns))
            else:
                self._stopping = True
        if self._writes in ready:
            write = self._writes.recv(_WRITE_BYTES)
            if not write:
                self._stopping = True
                return
            self._plc.write_holding(int.from_bytes(write[:2]), to_words(write[2:]))


def _inputs(setup: SoftPlcSetup) -> PlantInputs | None:
    """Return the plant's sensors where the setup knows its valves."""
    if setup.air is None:
        return None
    return BarPressure(
        air=setup.air,
        valve_counts=setup.plc.station_valves,
        nozzles_mm=setup.nozzles_mm,
        seed=setup.belt_seed,
        flap_travel_ms=setup.plc.flap_travel_ms,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the scan process; started by `twin.soft_plc.launch`.

    Returns:
        0 when stopped.
    """
    parser = argparse.ArgumentParser(prog="twin.soft_plc.scan_process", description=main.__doc__)
    parser.add_argument("--setup", required=True, help="SoftPlcSetup as JSON")
    for name in ("memory", "writes", "control", "events"):
        parser.add_argument(f"--{name}", type=int, required=True, help="inherited descriptor")
    arguments = parser.parse_args(argv)
    setup = SoftPlcSetup.model_validate_json(arguments.setup)
    control = socket.socket(fileno=arguments.control)
    real_time = _take_real_time_priority(setup.fifo_priority)
    if not real_time:
        tolerance_tick = max(setup.plc.late_tolerance_tick, setup.unhurried_tolerance_tick)
        relaxed = setup.plc.model_copy(update={"late_tolerance_tick": tolerance_tick})
        setup = setup.model_copy(update={"plc": relaxed})
    engine = ScanEngine(
        setup,
        clock=MonotonicClock(),
        registers=SharedRegisters(arguments.memory),
        writes=socket.socket(fileno=arguments.writes),
        control=control,
        events=EventPipe(Connection(arguments.events, readable=False)),
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: engine.stop())
    gc.collect()
    gc.disable()
    engine.scan()
    control.send(b"ready real-time priority" if real_time else b"ready normal priority")
    engine.run()
    return 0


def _take_real_time_priority(fifo_priority: int) -> bool:
    """Ask for SCHED_FIFO and say whether it was granted."""
    if not fifo_priority:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(fifo_priority))
    except PermissionError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
