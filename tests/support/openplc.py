"""The Structured Text program behind Modbus TCP, with OpenPLC v3's address map, scan and quirks.

`python -m tests.support.openplc` runs it: requests are answered between two scans, so one FC16
lands whole; FC15 rounds its count up to a byte; the unit id is echoed; 8192 registers and 800 coils
exist, with a variable of the program behind them or without. Two habits of its versions that cost
a master dear are kept: it looks for new connections every 100 ms only, and register 1024 (%MW0)
reaches no variable.
"""

import argparse
import select
import signal
import socket
import struct
import sys
from pathlib import Path

from calibration.clock import MonotonicClock
from tests.support.st_compiler import load

PROGRAM = Path(__file__).parents[2] / "plc" / "st" / "sortline.st"
REGISTERS, COILS, INPUT_WORDS = 8192, 800, 1024
_AREAS = {"Q": 0, "M": 1024}
_LOST = 1024
_ACCEPT_NS = 100_000_000
_Illegal = LookupError


class Runtime:
    """One program with its image; every method runs between two scans."""

    def __init__(self, text: str) -> None:
        self.program, located, task = load(text)
        self.period_s = int(task["interval"].removeprefix("T#").removesuffix("ms")) / 1e3
        self._registers: dict[int, str] = {}
        self._coils: dict[int, str] = {}
        self._inputs: dict[int, str] = {}
        self._analog: dict[int, str] = {}
        for name, address in located.items():
            self._place(name, address)
        self._memory = [0] * REGISTERS

    def _place(self, name: str, address: str) -> None:
        area, size, place = address[1], address[2], address[3:]
        if size == "X":
            byte, bit = place.split(".")
            bits = self._coils if area == "Q" else self._inputs
            bits[8 * int(byte) + int(bit)] = name
        elif area == "I":
            self._analog[int(place)] = name
        else:
            self._registers[_AREAS[area] + int(place)] = name

    def scan(self) -> None:
        self.program.scan__()

    def set_input(self, bit: int, *, on: bool) -> None:
        setattr(self.program, self._inputs[bit], on)

    def set_analog(self, word: int, value: int) -> None:
        setattr(self.program, self._analog[word], value)

    def answer(self, pdu: bytes) -> bytes:
        """Answer one request as OpenPLC's server does."""
        handlers = {
            1: self._read_coils,
            2: self._read_inputs,
            3: self._read_registers,
            4: self._read_analog,
            5: self._write_coil,
            6: self._write_register,
            15: self._write_coils,
            16: self._write_registers,
        }
        handler = handlers.get(pdu[0])
        if handler is None:
            return bytes((pdu[0] | 0x80, 1))
        try:
            return bytes((pdu[0],)) + handler(pdu)
        except _Illegal:
            return bytes((pdu[0] | 0x80, 2))

    def _bits(self, names: dict[int, str], pdu: bytes) -> bytes:
        first, count = struct.unpack(">HH", pdu[1:5])
        if first + count > COILS:
            raise _Illegal
        packed = bytearray((count + 7) // 8)
        for index in range(count):
            name = names.get(first + index)
            if name is not None and getattr(self.program, name):
                packed[index >> 3] |= 1 << (index & 7)
        return bytes((len(packed),)) + bytes(packed)

    def _read_coils(self, pdu: bytes) -> bytes:
        return self._bits(self._coils, pdu)

    def _read_inputs(self, pdu: bytes) -> bytes:
        return self._bits(self._inputs, pdu)

    def _get(self, register: int) -> int:
        name = None if register == _LOST else self._registers.get(register)
        return self._memory[register] if name is None else int(getattr(self.program, name))

    def _read_registers(self, pdu: bytes) -> bytes:
        first, count = struct.unpack(">HH", pdu[1:5])
        if first + count > REGISTERS:
            raise _Illegal
        words = [self._get(first + index) for index in range(count)]
        return struct.pack(f">B{count}H", 2 * count, *words)

    def _read_analog(self, pdu: bytes) -> bytes:
        first, count = struct.unpack(">HH", pdu[1:5])
        if first + count > INPUT_WORDS:
            raise _Illegal
        names = [self._analog.get(first + index) for index in range(count)]
        words = [0 if name is None else int(getattr(self.program, name)) for name in names]
        return struct.pack(f">B{count}H", 2 * count, *words)

    def _set_coil(self, coil: int, *, on: bool) -> None:
        name = self._coils.get(coil)
        if name is not None:
            setattr(self.program, name, on)

    def _write_coil(self, pdu: bytes) -> bytes:
        coil, value = struct.unpack(">HH", pdu[1:5])
        if coil >= COILS:
            raise _Illegal
        self._set_coil(coil, on=value != 0)
        return pdu[1:5]

    def _write_coils(self, pdu: bytes) -> bytes:
        first, count = struct.unpack(">HH", pdu[1:5])
        if first + count > COILS:
            raise _Illegal
        for index in range(8 * ((count + 7) // 8)):
            self._set_coil(first + index, on=bool(pdu[6 + index // 8] >> index % 8 & 1))
        return pdu[1:5]

    def _put(self, register: int, value: int) -> None:
        name = None if register == _LOST else self._registers.get(register)
        if name is None:
            self._memory[register] = value
        else:
            setattr(self.program, name, value)

    def _write_register(self, pdu: bytes) -> bytes:
        register, value = struct.unpack(">HH", pdu[1:5])
        if register >= REGISTERS:
            raise _Illegal
        self._put(register, value)
        return pdu[1:5]

    def _write_registers(self, pdu: bytes) -> bytes:
        first, count = struct.unpack(">HH", pdu[1:5])
        if first + count > REGISTERS:
            raise _Illegal
        for index, value in enumerate(struct.unpack(f">{count}H", pdu[6 : 6 + 2 * count])):
            self._put(first + index, value)
        return pdu[1:5]


class Server:
    """Modbus TCP in the scan's own thread; several masters may be connected."""

    def __init__(self, runtime: Runtime, port: int) -> None:
        self._runtime = runtime
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self._masters: dict[socket.socket, bytearray] = {}
        self.stopping = False

    def run(self) -> None:
        clock = MonotonicClock()
        period_ns = int(self._runtime.period_s * 1e9)
        due_ns = accept_ns = clock.now_ns()
        while not self.stopping:
            self._runtime.scan()
            # A scan that came late does not make the next ones hurry: PLC time then runs slow.
            due_ns = max(due_ns + period_ns, clock.now_ns())
            while (left_ns := due_ns - clock.now_ns()) > 0:
                self._serve(left_ns / 1e9)
            self._serve(0.0)
            if due_ns >= accept_ns:
                accept_ns = due_ns + _ACCEPT_NS
                self._accept()

    def _accept(self) -> None:
        while select.select([self._listener], [], [], 0.0)[0]:
            master, _ = self._listener.accept()
            master.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._masters[master] = bytearray()

    def _serve(self, timeout_s: float) -> None:
        for wire in select.select(list(self._masters), [], [], timeout_s)[0]:
            self._hear(wire)

    def _hear(self, master: socket.socket) -> None:
        try:
            received = master.recv(4096)
        except ConnectionError:
            received = b""
        if not received:
            master.close()
            del self._masters[master]
            return
        waiting = self._masters[master]
        waiting += received
        while len(waiting) >= 7 and len(waiting) >= 6 + (waiting[4] << 8 | waiting[5]):
            end = 6 + (waiting[4] << 8 | waiting[5])
            header, pdu = waiting[:7], bytes(waiting[7:end])
            del waiting[:end]
            answer = self._runtime.answer(pdu)
            head = bytes(header[:4]) + struct.pack(">H", len(answer) + 1) + bytes(header[6:7])
            try:
                master.sendall(head + answer)
            except ConnectionError:
                return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--program", type=Path, default=PROGRAM)
    arguments = parser.parse_args()
    server = Server(Runtime(arguments.program.read_text()), arguments.port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(server, "stopping", True))
    sys.stdout.write(f"ready {server.port}\n")
    sys.stdout.flush()
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
