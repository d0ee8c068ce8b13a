"""The remote I/O's process: what a master writes is switched at once and told to the world."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from calibration.clock import MonotonicClock
from calibration.units import NS_PER_MS, BeltTick, MonotonicNs
from plc.direct.firing_process import take_real_time_priority
from twin.belt_drive import BeltDrive
from twin.remote_io.setup import RemoteIoSetup
from twin.soft_plc.bar_pressure import BarPressure
from twin.soft_plc.event_pipe import EventPipe
from twin.soft_plc.modbus_server import listening_port
from twin.soft_plc.scan_process import SAFETY_LOST, SAFETY_OK
from twin.wiring import BeltCommand, ValveEdge

_READ_COILS, _READ_INPUTS, _READ_HOLDING, _READ_ANALOG = 1, 2, 3, 4
_WRITE_COIL, _WRITE_COILS = 5, 15
_BITS, _WORD_BITS, _WORD = 8, 16, 0xFFFF
_COMMAND_BYTES = 64


class RemoteIo:
    """Outputs, counter and input; called by the Modbus server, one request at a time."""

    def __init__(self, setup: RemoteIoSetup, events: EventPipe) -> None:
        """Begin with every output off and the belt at rest."""
        self._setup, self._events, self._clock = setup, events, MonotonicClock()
        self._coils = [False] * setup.coil_count
        self._valves = {
            first + valve: (station, valve)
            for station, (first, count) in enumerate(
                zip(setup.first_coils, setup.valve_counts, strict=True)
            )
            for valve in range(count)
        }
        self._drive = BeltDrive(
            config=setup.belt,
            mm_per_tick=setup.mm_per_tick,
            seed=setup.belt_seed,
            start_ns=MonotonicNs(setup.start_ns),
            first_tick=setup.first_tick,
        )
        self._asked_ns = self._clock.now_ns()
        self._bars: BarPressure | None = None
        if setup.air is not None:
            self._bars = BarPressure(
                air=setup.air,
                valve_counts=setup.valve_counts,
                nozzles_mm=setup.nozzles_mm,
                seed=setup.belt_seed,
                flap_travel_ms=0.0,
            )
        self.safety_ok = True

    def device(self) -> SimDevice:
        """Return what the Modbus server serves."""
        coils = SimData(0, count=2048, values=False, datatype=DataType.BITS)
        inputs = SimData(0, count=64, values=False, datatype=DataType.BITS)
        holding = SimData(0, count=64, values=0, datatype=DataType.REGISTERS)
        analog = SimData(0, count=64, values=0, datatype=DataType.REGISTERS)
        blocks = ([coils], [inputs], [holding], [analog])
        return SimDevice(id=self._setup.unit_id, simdata=blocks, action=self.answer)

    async def answer(
        self,
        function: int,
        start: int,
        address: int,
        _count: int,
        stored: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Serve one request, in the form of pymodbus' device action."""
        now_ns = self._asked_ns = self._clock.now_ns()
        if function in (_WRITE_COIL, _WRITE_COILS) and values is not None:
            return self._write(address, [bool(value) for value in values], now_ns)
        if function == _READ_HOLDING:
            tick = self._drive.tick(now_ns)
            at = self._setup.counter_address - start
            stored[at : at + 2] = [tick >> _WORD_BITS & _WORD, tick & _WORD]
        elif function == _READ_COILS:
            stored[:] = _packed(self._coils, len(stored))
        elif function == _READ_INPUTS:
            inputs = [False] * 64
            inputs[self._setup.safety_input] = self.safety_ok
            stored[:] = _packed(inputs, len(stored))
        elif function == _READ_ANALOG and self._bars is not None:
            self._breathe(now_ns)
            stations = range(len(self._setup.valve_counts))
            stored[: len(stations)] = [round(10 * self._bars.pressure_kpa(s)) for s in stations]
        return None

    def watch(self) -> None:
        """Switch everything off when nobody has asked for too long."""
        now_ns = self._clock.now_ns()
        if now_ns - self._asked_ns > self._setup.watchdog_ms * NS_PER_MS:
            self._switch(0, [False] * len(self._coils), now_ns)

    def _breathe(self, now_ns: MonotonicNs) -> None:
        """Let the air follow the outputs until now."""
        if self._bars is None:
            return
        opened: list[set[int]] = [set() for _ in self._setup.valve_counts]
        for coil, (station, valve) in self._valves.items():
            if self._coils[coil]:
                opened[station].add(valve)
        self._bars.update(opened, now_ns)

    def off(self) -> None:
        """Lose power."""
        self._switch(0, [False] * len(self._coils), self._clock.now_ns())

    def _write(self, address: int, values: list[bool], now_ns: MonotonicNs) -> ExcCodes | None:
        if address + len(values) > len(self._coils):
            return ExcCodes.ILLEGAL_ADDRESS
        if self._setup.rounds_up:
            end = min(len(self._coils), address + -(-len(values) // _BITS) * _BITS)
            values += [False] * (end - address - len(values))
        self._switch(address, values, now_ns)
        return None

    def _switch(self, address: int, values: Sequence[bool], now_ns: MonotonicNs) -> None:
        changed = [coil for coil, on in enumerate(values, address) if self._coils[coil] != on]
        if not changed:
            return
        self._coils[address : address + len(values)] = values
        self._breathe(now_ns)
        tick = BeltTick(self._drive.tick(now_ns))
        edges = [
            ValveEdge(
                station=self._valves[coil][0],
                valve=self._valves[coil][1],
                opened=self._coils[coil],
                tick=tick,
                at_ns=now_ns,
            )
            for coil in changed
            if coil in self._valves
        ]
        belt: BeltCommand | None = None
        if self._setup.belt_coil in changed:
            belt = BeltCommand(run=self._coils[self._setup.belt_coil], at_ns=now_ns)
            self._drive.command(run=belt.run, at_ns=now_ns)
        self._events.send(edges, belt)


def _packed(bits: Sequence[bool], words: int) -> list[int]:
    """Return bits as the server stores them, 16 to a word, the first one lowest."""
    packed = [0] * words
    for index, on in enumerate(bits):
        packed[index // _WORD_BITS] |= on << index % _WORD_BITS
    return packed


async def serve(setup: RemoteIoSetup, io: RemoteIo, control: socket.socket) -> None:
    """Serve until the owner ends."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    server = ModbusTcpServer([io.device()], address=("127.0.0.1", setup.port))
    try:
        listening = await server.listen()
    except OSError:
        listening = False
    if not listening:
        control.send(b"failed")
        return

    def commanded() -> None:
        command = control.recv(_COMMAND_BYTES)
        if command in (SAFETY_OK, SAFETY_LOST):
            io.safety_ok = command == SAFETY_OK
        else:
            ended.set()

    loop.add_reader(control, commanded)
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    port = listening_port(server)
    control.send(f"ready {port}".encode())
    owner, period_s = os.getppid(), setup.watchdog_ms / 4e3
    while not ended.is_set() and os.getppid() == owner:
        io.watch()
        try:
            await asyncio.wait_for(ended.wait(), period_s)
        except TimeoutError:
            continue
    io.off()
    server.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the remote I/O; started by `twin.remote_io.launch`.

    Returns:
        0 when stopped.
    """
    parser = argparse.ArgumentParser(prog="twin.remote_io.server", description=main.__doc__)
    parser.add_argument("--setup", required=True, help="RemoteIoSetup as JSON")
    for name in ("control", "events"):
        parser.add_argument(f"--{name}", type=int, required=True, help="inherited descriptor")
    arguments = parser.parse_args(argv)
    setup = RemoteIoSetup.model_validate_json(arguments.setup)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    take_real_time_priority(setup.fifo_priority)
    gc.collect()
    gc.disable()
    events = EventPipe(Connection(arguments.events, readable=False))
    asyncio.run(serve(setup, RemoteIo(setup, events), socket.socket(fileno=arguments.control)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
