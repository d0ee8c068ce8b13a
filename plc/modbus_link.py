"""Modbus TCP and RTU transports and the factory of the driver; the only user of pymodbus here."""

import logging
import select
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU
from typing_extensions import override

from calibration.clock import Clock
from calibration.units import NS_PER_S, MonotonicNs
from plc.config import PlcConfig, RtuTransport, TcpTransport
from plc.errors import PlcFaultError, PlcLinkError
from plc.register_link import RegisterLink
from plc.tick_extension import TickExtension

# Every failure reaches the caller as an exception; the library's own lines would repeat it.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

_FAULTS = {
    1: "illegal function: it does not offer this request",
    2: "illegal address: it does not hold this register map",
    3: "illegal value: it refuses the count or a value",
    4: "device failure: its program or processor has failed",
    5: "acknowledge: it wants more time",
    6: "device busy: it cannot take the request now",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable: the gateway is misconfigured",
    11: "gateway target does not answer: wrong unit id, or the device behind the gateway is off",
}
"""Exception codes of the Modbus application protocol 1.1b3, section 7."""
_SHORTEST_SILENCE_S = 1.75e-3
"""Silence between RTU frames above 19200 baud (Modbus over serial line 1.02, section 2.5.1.1)."""
_SILENCE_CHARACTERS = 3.5
_BITS_PER_CHARACTER = 11
_PARITY = {"none": "N", "even": "E", "odd": "O"}


class _Client(Protocol):
    """What is used of pymodbus' clients."""

    def connect(self) -> bool: ...

    def close(self) -> None: ...

    def read_holding_registers(self, address: int, *, count: int, device_id: int) -> ModbusPDU: ...

    def write_registers(self, address: int, values: list[int], *, device_id: int) -> ModbusPDU: ...


class _TcpClient(ModbusTcpClient):
    """Waits by the monotonic clock: the library's own wait hangs when the wall clock steps back."""

    @override
    def connect(self) -> bool:
        if self.socket is None:
            address = (self.comm_params.host, self.comm_params.port)
            self.socket = socket.create_connection(address, self.comm_params.timeout_connect)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True

    @override
    def recv(self, size: int | None) -> bytes:
        if self.socket is None:
            raise ConnectionException(str(self))
        ready, _, _ = select.select([self.socket], [], [], self.comm_params.timeout_connect)
        if not ready:
            return b""
        received = self.socket.recv(size or 4096)
        if not received:
            msg = "closed by the PLC"
            raise ConnectionException(msg)
        return received


class _RtuClient(ModbusSerialClient):
    """Returns bytes as they come; the library polls once a millisecond by the wall clock."""

    @override
    def recv(self, size: int | None) -> bytes:
        if self.socket is None:
            raise ConnectionException(str(self))
        first: bytes = self.socket.read(1)
        return first + bytes(self.socket.read(self.socket.in_waiting)) if first else b""


class ModbusTransport:
    """Holding registers of one Modbus device. Implements `RegisterTransport`."""

    def __init__(
        self,
        *,
        make_client: Callable[[], _Client],
        address: str,
        unit_id: int,
        clock: Clock,
        silence_s: float,
    ) -> None:
        """Prepare without connecting.

        Args:
            make_client: makes an unconnected client with its timeout and without retries.
            address: of the device, for messages.
            unit_id: Modbus unit (slave) id.
            clock: paces RTU frames.
            silence_s: shortest silence on the bus between an answer and the next request.
        """
        self._make_client = make_client
        self._address = f"{address} unit {unit_id}"
        self._unit_id = unit_id
        self._clock = clock
        self._silence_s = silence_s
        self._never = threading.Event()
        self._quiet_since_ns = MonotonicNs(0)
        self._client: _Client | None = None

    def open(self) -> None:
        """Connect. See `RegisterTransport`."""
        if self._client is not None:
            return
        client = self._make_client()
        msg = f"no connection to the PLC at {self._address}; is it on and the address right?"
        try:
            connected = client.connect()
        except OSError as error:
            raise PlcLinkError(f"{msg} ({error})") from error
        if not connected:
            raise PlcLinkError(msg)
        self._client = client

    def read_holding(self, address: int, count: int) -> list[int]:
        """Read registers with one FC3. See `RegisterTransport`."""
        answer = self._ask(
            lambda client: client.read_holding_registers(
                address, count=count, device_id=self._unit_id
            )
        )
        if len(answer.registers) != count:
            msg = f"PLC at {self._address} answered {len(answer.registers)} of {count} registers"
            raise PlcLinkError(msg)
        return list(answer.registers)

    def write_holding(self, address: int, words: Sequence[int]) -> None:
        """Write registers with one FC16. See `RegisterTransport`."""
        self._ask(
            lambda client: client.write_registers(address, list(words), device_id=self._unit_id)
        )

    def close(self) -> None:
        """Disconnect. Idempotent, never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.close()
        except OSError as error:
            logging.getLogger(__name__).debug("closing %s failed: %s", self._address, error)

    def _ask(self, request: Callable[[_Client], ModbusPDU]) -> ModbusPDU:
        if self._client is None:
            msg = f"not connected to the PLC at {self._address}"
            raise PlcLinkError(msg)
        self._keep_silence()
        try:
            answer = request(self._client)
        except (ModbusException, OSError) as error:
            # A late answer must not be taken for the next one: the connection is not reused.
            self.close()
            msg = f"PLC at {self._address} does not answer: {error}"
            raise PlcLinkError(msg) from error
        self._quiet_since_ns = self._clock.now_ns()
        if answer.isError():
            code = answer.exception_code
            msg = f"PLC at {self._address} answered exception {code}, {_FAULTS.get(code, '?')}"
            raise PlcFaultError(msg)
        return answer

    def _keep_silence(self) -> None:
        quiet_s = (self._clock.now_ns() - self._quiet_since_ns) / NS_PER_S
        if quiet_s < self._silence_s:
            self._clock.wait(self._never, self._silence_s - quiet_s)


def open_link(config: PlcConfig, clock: Clock) -> RegisterLink:
    """Make the driver that the configuration describes, not yet connected."""
    transport = config.transport
    timeout_s = config.timeout_ms / 1e3
    if isinstance(transport, TcpTransport):
        bus = ModbusTransport(
            make_client=lambda: _TcpClient(
                transport.host, port=transport.port, timeout=timeout_s, retries=0
            ),
            address=f"{transport.host}:{transport.port}",
            unit_id=config.unit_id,
            clock=clock,
            silence_s=0.0,
        )
    else:
        bus = _rtu_transport(transport, config, clock)
    return RegisterLink(
        transport=bus,
        clock=clock,
        ticks=TickExtension(
            max_ticks_per_s=config.max_ticks_per_s, stall_ms=config.encoder_stall_ms
        ),
        heartbeat_timeout_ms=config.heartbeat_timeout_ms,
    )


def _rtu_transport(transport: RtuTransport, config: PlcConfig, clock: Clock) -> ModbusTransport:
    characters_s = _SILENCE_CHARACTERS * _BITS_PER_CHARACTER / transport.baud
    return ModbusTransport(
        make_client=lambda: _RtuClient(
            transport.device,
            baudrate=transport.baud,
            parity=_PARITY[transport.parity],
            stopbits=transport.stop_bits,
            timeout=config.timeout_ms / 1e3,
            retries=0,
        ),
        address=transport.device,
        unit_id=config.unit_id,
        clock=clock,
        silence_s=max(_SHORTEST_SILENCE_S, characters_s),
    )
