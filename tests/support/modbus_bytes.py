"""Modbus TCP spelled out in bytes, independent of any library: a client and a canned server."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class RawClient:
    """Sends PDUs and returns PDUs."""

    def __init__(self, port: int, *, unit: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._unit = unit
        self._transaction = 0

    def ask(self, pdu: bytes) -> bytes:
        """Send one request and return the answer's PDU, after checking its header."""
        self._transaction += 1
        header = struct.pack(">HHHB", self._transaction, 0, len(pdu) + 1, self._unit)
        self._socket.sendall(header + pdu)
        transaction, protocol, length, unit = struct.unpack(">HHHB", self._receive(7))
        assert (transaction, protocol, unit) == (self._transaction, 0, self._unit)
        return self._receive(length - 1)

    def read(self, address: int, count: int) -> list[int]:
        """Read holding registers (FC3)."""
        answer = self.ask(struct.pack(">BHH", 3, address, count))
        assert answer[:2] == bytes((3, 2 * count)), answer
        return list(struct.unpack(f">{count}H", answer[2:]))

    def write(self, address: int, words: Sequence[int]) -> None:
        """Write holding registers (FC16)."""
        body = struct.pack(f">{len(words)}H", *words)
        head = struct.pack(">BHHB", 16, address, len(words), len(body))
        assert self.ask(head + body) == struct.pack(">BHH", 16, address, len(words))

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()

    def _receive(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            chunk = self._socket.recv(count - len(received))
            assert chunk, "closed by the server"
            received += chunk
        return received


@contextmanager
def canned_server(answer: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """Serve one client after the other on a free port, which is yielded.

    `answer` gets a request's PDU and returns the answer's PDU, b"" to stay silent, or None to
    hang up.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(listener, answer))
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve(listener: socket.socket, answer: Callable[[bytes], bytes | None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            while header := connection.recv(7):
                transaction, _, length, unit = struct.unpack(">HHHB", header)
                pdu = answer(connection.recv(length - 1))
                if pdu is None:
                    break
                if pdu:
                    head = struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit)
                    connection.sendall(head + pdu)


def exception(function: int, code: int) -> bytes:
    """Return a Modbus exception PDU."""
    return bytes((0x80 | function, code))


def registers(words: Sequence[int]) -> bytes:
    """Return an answer to FC3."""
    return bytes((3, 2 * len(words))) + struct.pack(f">{len(words)}H", *words)
