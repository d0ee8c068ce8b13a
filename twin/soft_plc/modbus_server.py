"""The soft PLC's Modbus plug in its own process: TCP or RTU over the shared registers."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import termios
from collections.abc import Sequence

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from plc.codec import to_bytes, to_words
from plc.registers import COIL_COUNT, MAILBOX, MAILBOX_WORDS, MAP_WORDS, SERVICE
from twin.soft_plc.setup import SerialEndpoint, SoftPlcSetup, TcpEndpoint, TlsEndpoint
from twin.soft_plc.shared_registers import SharedRegisters, TornRegistersError
from twin.soft_plc.tls_gate import TlsGate

_log = logging.getLogger(__name__)

_READ_COILS, _READ_HOLDING, _WRITE_ONE, _WRITE_MANY = 1, 3, 6, 16
_ANY_UNIT = 0
_MAILBOXES = (
    (MAILBOX.address, MAILBOX.address + MAILBOX_WORDS),
    (SERVICE.address, SERVICE.address + SERVICE.words),
)
_Blocks = tuple[list[SimData], list[SimData], list[SimData], list[SimData]]
_ORPHAN_CHECK_S = 0.25
_NICENESS = -10
"""Beside a busy detector: with both ends at normal priority a round trip's 99.9 % point is a whole
scheduler slice."""


class RegisterServer:
    """Answers Modbus requests from the shared registers and hands writes to the scan process."""

    def __init__(self, *, registers: SharedRegisters, writes: socket.socket) -> None:
        """Prepare the answers.

        Args:
            registers: what the PLC publishes.
            writes: datagrams to the scan process; it never waits for us nor we for it.
        """
        self._registers = registers
        self._writes = writes
        self._writes.settimeout(0.0)

    def devices(self, unit_id: int) -> list[SimDevice]:
        """Return the device behind `unit_id`, and one that tells all other ids that it is not."""
        return [
            SimDevice(id=unit_id, simdata=_blocks(), action=self.answer),
            SimDevice(id=_ANY_UNIT, simdata=_blocks(), action=_nobody),
        ]

    async def answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        stored: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Serve one request, in the form of pymodbus' device action.

        Args:
            function: Modbus function code.
            start: address of the first stored register.
            address: requested address.
            count: requested registers.
            stored: the server's own copy, from which it answers after this returns.
            values: what to write, None for a read.
        """
        if function in (_WRITE_ONE, _WRITE_MANY) and values is not None:
            return self._write(address, [int(value) for value in values])
        if function == _READ_HOLDING or (function == _WRITE_ONE and values is None):
            return self._refresh(stored, start, address, count)
        if function == _READ_COILS:
            return self._refresh_coils(stored)
        return ExcCodes.ILLEGAL_ADDRESS if function <= _WRITE_MANY else ExcCodes.ILLEGAL_FUNCTION

    def _write(self, address: int, words: Sequence[int]) -> ExcCodes | None:
        end = address + len(words)
        if not any(begin <= address <= end <= past for begin, past in _MAILBOXES):
            return ExcCodes.ILLEGAL_ADDRESS
        try:
            self._writes.send(address.to_bytes(2) + to_bytes(words))
        except BlockingIOError:
            return ExcCodes.DEVICE_BUSY
        except OSError:
            return ExcCodes.DEVICE_FAILURE
        return None

    def _refresh(self, stored: list[int], start: int, address: int, count: int) -> ExcCodes | None:
        try:
            area, _ = self._registers.read()
        except TornRegistersError:
            return ExcCodes.DEVICE_BUSY
        fresh = to_words(area[2 * address : 2 * (address + count)])
        for begin, past in _MAILBOXES:
            # What masters write is answered from the server's own copy.
            first, last = max(address, begin), min(address + count, past)
            if first < last:
                fresh[first - address : last - address] = stored[first - start : last - start]
        at = address - start
        stored[at : at + count] = fresh
        return None

    def _refresh_coils(self, stored: list[int]) -> ExcCodes | None:
        try:
            _, coils = self._registers.read()
        except TornRegistersError:
            return ExcCodes.DEVICE_BUSY
        stored[:] = [low | high << 8 for low, high in zip(coils[::2], coils[1::2], strict=True)]
        return None


async def _nobody(
    _function: int,
    _start: int,
    _address: int,
    _count: int,
    _stored: list[int],
    _values: list[int] | list[bool] | None,
) -> ExcCodes | None:
    return ExcCodes.GATEWAY_NO_RESPONSE


def _blocks() -> _Blocks:
    """Return coils, discrete inputs, holding and input registers; there are no inputs."""
    coils = SimData(0, count=COIL_COUNT, values=False, datatype=DataType.BITS)
    holding = [SimData(0, count=MAP_WORDS, values=0, datatype=DataType.REGISTERS)]
    no_bits = SimData(0, count=16, values=False, datatype=DataType.BITS)
    no_words = SimData(0, count=1, values=0, datatype=DataType.REGISTERS)
    return ([coils], [no_bits], holding, [no_words])


async def serve(
    setup: SoftPlcSetup,
    *,
    registers: SharedRegisters,
    writes: socket.socket,
    control: socket.socket,
) -> None:
    """Serve until the owner or the scan process ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    devices = RegisterServer(registers=registers, writes=writes).devices(setup.unit_id)
    server = _server(setup.endpoint, devices)
    gate: TlsGate | None = None
    port = await _listen(server)
    if isinstance(setup.endpoint, TlsEndpoint) and port is not None:
        gate = TlsGate(setup.endpoint, behind_port=port)
        port = await _open_gate(gate)
    if port is None:
        control.send(b"failed")
        return
    for wire in (writes, control):
        loop.add_reader(wire, ended.set)
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    control.send(f"ready {port}".encode())
    owner = os.getppid()
    while not ended.is_set() and os.getppid() == owner:
        try:
            await asyncio.wait_for(ended.wait(), _ORPHAN_CHECK_S)
        except TimeoutError:
            continue
    if gate is not None:
        gate.close()
    server.close()


async def _listen(server: ModbusTcpServer | ModbusSerialServer) -> int | None:
    """Open the port; returns its number, 0 for a serial port, None if it cannot be opened."""
    try:
        return listening_port(server) if await server.listen() else None
    except (OSError, termios.error):
        _log.exception("cannot open the port")
        return None


async def _open_gate(gate: TlsGate) -> int | None:
    try:
        return await gate.listen()
    except OSError:
        _log.exception("cannot open the TLS port")
        return None


def _server(
    endpoint: TcpEndpoint | TlsEndpoint | SerialEndpoint, devices: list[SimDevice]
) -> ModbusTcpServer | ModbusSerialServer:
    if isinstance(endpoint, TcpEndpoint):
        return ModbusTcpServer(devices, address=(endpoint.host, endpoint.port))
    if isinstance(endpoint, TlsEndpoint):
        return ModbusTcpServer(devices, address=("127.0.0.1", 0))
    return ModbusSerialServer(
        devices,
        framer=FramerType.RTU,
        port=endpoint.device,
        baudrate=endpoint.baud,
        parity=endpoint.parity,
        stopbits=endpoint.stop_bits,
    )


def listening_port(server: ModbusTcpServer | ModbusSerialServer) -> int:
    """Return the TCP port in use, 0 for a serial port."""
    sockets = getattr(server.transport, "sockets", ())
    return int(sockets[0].getsockname()[1]) if sockets else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the Modbus server process; started by `twin.soft_plc.launch`.

    Returns:
        0 when stopped.
    """
    parser = argparse.ArgumentParser(prog="twin.soft_plc.modbus_server", description=main.__doc__)
    parser.add_argument("--setup", required=True, help="SoftPlcSetup as JSON")
    for name in ("memory", "writes", "control"):
        parser.add_argument(f"--{name}", type=int, required=True, help="inherited descriptor")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A master that goes away is no news here, and pymodbus dumps its last frames at every one.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    except PermissionError:
        # Slower answers at worst: the pulses are timed in the scan process.
        _log.debug("priority not raised")
    asyncio.run(
        serve(
            SoftPlcSetup.model_validate_json(arguments.setup),
            registers=SharedRegisters(arguments.memory),
            writes=socket.socket(fileno=arguments.writes),
            control=socket.socket(fileno=arguments.control),
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
