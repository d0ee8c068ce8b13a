"""The Modbus library's clients, made to wait by the monotonic clock and never to try twice.

The only user of pymodbus in the line.
"""

import logging
import select
import socket
import ssl
from collections.abc import Callable
from typing import NoReturn, Protocol

import serial
import serial.rs485
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU
from typing_extensions import override

from plc.tls import hung_up_unheard, open_tls
from plc.transport_config import Rs485, RtuTransport, TcpTransport, TlsTransport

# Every failure reaches the caller as an exception; the library's own lines would repeat it.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Answer = ModbusPDU
"""What a client answers."""
ModbusClientError = ModbusException
"""What the library raises when there is no answer or not the right one."""

_PARITY = {"none": "N", "even": "E", "odd": "O"}


class Client(Protocol):
    """What is used of the library's clients."""

    def connect(self) -> bool:
        """Connect; blocks up to the timeout."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...

    def read_holding_registers(self, address: int, *, count: int, device_id: int) -> ModbusPDU:
        """FC3."""
        ...

    def read_input_registers(self, address: int, *, count: int, device_id: int) -> ModbusPDU:
        """FC4."""
        ...

    def read_discrete_inputs(self, address: int, *, count: int, device_id: int) -> ModbusPDU:
        """FC2."""
        ...

    def read_coils(self, address: int, *, count: int, device_id: int) -> ModbusPDU:
        """FC1."""
        ...

    def write_registers(self, address: int, values: list[int], *, device_id: int) -> ModbusPDU:
        """FC16."""
        ...

    def write_coils(self, address: int, values: list[bool], *, device_id: int) -> ModbusPDU:
        """FC15."""
        ...


_FIRST_ANSWER_S = 0.25
"""The first answer on a connection may take this long: OpenPLC looks for new connections every
100 ms. Nothing hangs on it yet, as nothing was asked for on this connection."""


class _TcpClient(ModbusTcpClient):
    """Waits by the monotonic clock: the library's own wait hangs when the wall clock steps back."""

    _heard = False

    @override
    def connect(self) -> bool:
        if self.socket is None:
            address = (self.comm_params.host, self.comm_params.port)
            self.socket = socket.create_connection(address, self.comm_params.timeout_connect)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._heard = False
        return True

    @override
    def recv(self, size: int | None) -> bytes:
        if self.socket is None:
            raise ConnectionException(str(self))
        timeout_s = self.comm_params.timeout_connect
        wait_s = timeout_s if self._heard else max(timeout_s, _FIRST_ANSWER_S)
        ready, _, _ = select.select([self.socket], [], [], wait_s)
        if not ready:
            return b""
        self._heard = True
        received = self.socket.recv(size or 4096)
        if not received:
            msg = "closed by the PLC"
            raise ConnectionException(msg)
        return received


class _TlsClient(_TcpClient):
    """The same frames inside TLS, as Modbus/TCP Security has them (the library's own are bare)."""

    def __init__(self, transport: TlsTransport, *, timeout_s: float) -> None:
        super().__init__(transport.host, port=transport.port, timeout=timeout_s, retries=0)
        self._transport = transport

    @override
    def connect(self) -> bool:
        if self.socket is None:
            self.socket = open_tls(self._transport, self.comm_params.timeout_connect)
            self._heard = False
        return True

    @override
    def send(self, request: bytes, addr: tuple[str, int] | None = None) -> int:
        if self.socket is None:
            raise ConnectionException(str(self))
        try:
            self.socket.sendall(request)
        except (ssl.SSLEOFError, ConnectionError):
            self._gone()
        return len(request)

    @override
    def recv(self, size: int | None) -> bytes:
        if self.socket is None:
            raise ConnectionException(str(self))
        try:
            # Bytes already decrypted do not show in select(); the socket has its own timeout.
            received: bytes = self.socket.recv(size or 4096)
        except TimeoutError:
            return b""
        except (ssl.SSLEOFError, ConnectionError):
            received = b""
        if not received:
            self._gone()
        self._heard = True
        return received

    def _gone(self) -> NoReturn:
        """Raise what it means that the PLC broke off."""
        if not self._heard:
            raise hung_up_unheard(f"{self._transport.host}:{self._transport.port}")
        msg = "closed by the PLC"
        raise ConnectionException(msg)


class _RtuClient(ModbusSerialClient):
    """Returns bytes as they come; the library polls once a millisecond by the wall clock."""

    def __init__(self, transport: RtuTransport, *, timeout_s: float) -> None:
        super().__init__(
            transport.device,
            baudrate=transport.baud,
            parity=_PARITY[transport.parity],
            stopbits=transport.stop_bits,
            handle_local_echo=transport.echo,
            timeout=timeout_s,
            retries=0,
        )
        self._rs485 = transport.rs485

    @override
    def connect(self) -> bool:
        fresh = not self.connected
        connected = bool(super().connect())
        if connected and fresh and self._rs485 is not None:
            _switch_by_rts(self.socket, self._rs485)
        return connected

    @override
    def recv(self, size: int | None) -> bytes:
        if self.socket is None:
            raise ConnectionException(str(self))
        first: bytes = self.socket.read(1)
        return first + bytes(self.socket.read(self.socket.in_waiting)) if first else b""


def _switch_by_rts(port: serial.Serial, rs485: Rs485) -> None:
    """Let the driver switch the transceiver's direction by RTS.

    Raises:
        OSError: the port's driver cannot do that.
    """
    try:
        port.rs485_mode = serial.rs485.RS485Settings(
            rts_level_for_tx=rs485.rts_on_send,
            rts_level_for_rx=not rs485.rts_on_send,
            delay_before_tx=rs485.delay_before_send_ms / 1e3,
            delay_before_rx=rs485.delay_after_send_ms / 1e3,
        )
    except (OSError, ValueError) as error:
        port.close()
        msg = (
            f"the driver of {port.name} cannot switch RS-485 direction by RTS ({error}); use an "
            "adapter that switches by itself and leave transport.rs485 out"
        )
        raise OSError(msg) from error


def client_maker(
    transport: TcpTransport | TlsTransport | RtuTransport, *, timeout_s: float
) -> Callable[[], Client]:
    """Return what makes an unconnected client; `retries=0` everywhere.

    The library's default repeats a request three times after 3 s each: a frozen PLC would be
    noticed after 12 s instead of one timeout.
    """
    if isinstance(transport, TlsTransport):
        return lambda: _TlsClient(transport, timeout_s=timeout_s)
    if isinstance(transport, RtuTransport):
        return lambda: _RtuClient(transport, timeout_s=timeout_s)
    return lambda: _TcpClient(transport.host, port=transport.port, timeout=timeout_s, retries=0)
