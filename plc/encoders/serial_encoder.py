"""A serial counter on its port: polled, unplugged, plugged in again. Implements `EncoderSource`."""

import logging
from typing import Protocol

import serial

from calibration.clock import Clock
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from plc.encoders.config import (
    AsciiDeltaEncoder,
    AsciiEncoder,
    BinaryEncoder,
    QsbEncoder,
    SerialEncoderConfig,
    TextEncoder,
)
from plc.encoders.counter_binary import BinaryCounter
from plc.encoders.counter_text import DeltaCounter, QsbCounter, TextCounter
from plc.encoders.unwrapped import Unwrapped
from plc.errors import EncoderError, EncoderFault
from plc.reconnect import ReconnectPolicy
from plc.types import CountReading

_BITS_PER_BYTE = 10
"""Start, eight data bits, stop."""


class CounterProtocol(Protocol):
    """What a counter says, and what it wants to be told. Pure; used from one thread."""

    query: bytes
    modulus: int

    @property
    def rejected(self) -> int:
        """What was received and held no count."""
        ...

    def opening(self) -> bytes:
        """Begin anew and return what is sent when the port opens."""
        ...

    def closing(self) -> bytes:
        """Return what is sent before the port closes."""
        ...

    def feed(self, received: bytes) -> list[int]:
        """Return the counts in what was received, 0 to modulus minus one."""
        ...


def protocol_of(config: SerialEncoderConfig) -> CounterProtocol:
    """Return the driver of the counter that the configuration names."""
    match config:
        case QsbEncoder():
            return QsbCounter(stream=config.stream, modulus=config.modulo)
        case AsciiEncoder():
            return TextCounter(query=config.query, modulus=config.modulo)
        case TextEncoder():
            return TextCounter(pattern=config.pattern, query=config.query, modulus=config.modulo)
        case AsciiDeltaEncoder():
            return DeltaCounter(query=config.query)
        case BinaryEncoder():
            return BinaryCounter(
                start=bytes.fromhex(config.start_hex),
                query=bytes.fromhex(config.query_hex),
                low_byte_first=config.low_byte_first,
                modulus=config.modulo,
            )


class SerialEncoder:
    """Reads one counter. `poll` never waits; used from one thread."""

    def __init__(self, config: SerialEncoderConfig, clock: Clock) -> None:
        """Prepare without opening the port.

        Args:
            config: port and protocol.
            clock: stamps the readings.
        """
        self._config, self._clock = config, clock
        self._protocol = protocol_of(config)
        self._total = Unwrapped(self._protocol.modulus, reverse=config.reverse)
        self._port: serial.Serial | None = None
        self._reconnect = ReconnectPolicy(first_ms=50.0, longest_ms=2000.0)
        self._looked_ns = self._heard_ns = self._asked_ns = MonotonicNs(0)
        self._gone = False

    @property
    def rejected(self) -> int:
        """Lines or bytes that held no count."""
        return self._protocol.rejected

    def open(self) -> None:
        """Open the port. See `EncoderSource`."""
        if self._port is not None:
            return
        try:
            self._port = serial.Serial(
                self._config.device, self._config.baud, timeout=0, write_timeout=0.1, exclusive=True
            )
            self._port.reset_input_buffer()
            self._port.write(self._protocol.opening())
        except (OSError, ValueError) as error:
            self._drop()
            words = f"no encoder counter at {self._config.device}: {error}; plug it in"
            raise EncoderError(words, fault=EncoderFault.UNPLUGGED) from error
        self._looked_ns = self._heard_ns = self._asked_ns = self._clock.now_ns()
        self._total.restart()

    def poll(self) -> CountReading | None:
        """Return the newest count. See `EncoderSource`."""
        now_ns = self._clock.now_ns()
        if self._port is None and not self._plugged_in_again(now_ns):
            return None
        try:
            received = self._exchange(now_ns)
        except OSError as error:
            raise self._unplugged(str(error), now_ns) from error
        counts = self._protocol.feed(received)
        looked_ns, self._looked_ns = self._looked_ns, now_ns
        if not counts:
            if now_ns - self._heard_ns > self._config.silence_ms * NS_PER_MS:
                raise self._unplugged(f"silent for {self._config.silence_ms:g} ms", now_ns)
            return None
        self._heard_ns = now_ns
        total = [self._total.extend(count) for count in counts][-1]
        wire_ns = len(received) * _BITS_PER_BYTE * NS_PER_S // self._config.baud // len(counts)
        half_ns = (now_ns - looked_ns) // 2
        return CountReading(
            total=total, read_ns=MonotonicNs(now_ns - half_ns - wire_ns), uncertain_ns=half_ns
        )

    def close(self) -> None:
        """Close the port. Idempotent, never raises."""
        if self._port is not None:
            try:
                self._port.write(self._protocol.closing())
            except OSError as error:
                logging.getLogger(__name__).debug("the counter is gone already: %s", error)
        self._drop()

    def _plugged_in_again(self, now_ns: MonotonicNs) -> bool:
        if not self._gone or not self._reconnect.due(now_ns):
            return False
        try:
            self.open()
        except EncoderError:
            # Told once when it went; a port that is still missing is no news.
            self._reconnect.failed(now_ns)
            return False
        self._reconnect.succeeded()
        self._gone = False
        logging.getLogger(__name__).info("encoder counter %s is back", self._config.device)
        return True

    def _exchange(self, now_ns: MonotonicNs) -> bytes:
        """Ask where the counter wants to be asked, and take what it has sent."""
        port = self._port
        if port is None:
            msg = "the port is closed"
            raise OSError(msg)
        due = now_ns - self._asked_ns >= self._config.poll_ms * NS_PER_MS
        if self._protocol.query and due:
            self._asked_ns = now_ns
            port.write(self._protocol.query)
        return bytes(port.read(port.in_waiting or 0))

    def _unplugged(self, why: str, now_ns: MonotonicNs) -> EncoderError:
        self._drop()
        self._gone = True
        self._reconnect.failed(now_ns)
        words = f"encoder counter {self._config.device} is gone ({why}); check its plug and power"
        return EncoderError(words, fault=EncoderFault.UNPLUGGED)

    def _drop(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except OSError as error:
                logging.getLogger(__name__).debug("closing the counter's port failed: %s", error)
