"""The remote I/O as the firing process uses it: timed writes, belt count, safety input."""

from collections.abc import Sequence

from calibration.clock import Clock
from calibration.units import MonotonicNs
from plc.config import DirectConfig
from plc.encoders.config import RegisterEncoder
from plc.encoders.unwrapped import Unwrapped
from plc.ports import CoilTransport
from plc.types import CountReading

_WORD_BITS = 16


class IoPort:
    """One remote I/O behind a transport; remembers how long its last write took."""

    def __init__(self, device: DirectConfig, transport: CoilTransport, clock: Clock) -> None:
        """Prepare without connecting."""
        self._device, self._transport, self._clock = device, transport, clock
        self.connected = False
        self.sent_ns = self.answered_ns = MonotonicNs(0)
        """When the last write was sent and acknowledged."""

    def open(self, whole: tuple[int, Sequence[bool]]) -> None:
        """Connect and write every output as it should be.

        Raises:
            PlcError: no connection, or it refuses.
        """
        self._transport.open()
        self.connected = True
        self.write(*whole)

    def close(self) -> None:
        """Disconnect. Idempotent."""
        self.connected = False
        self._transport.close()

    def write(self, first: int, values: Sequence[bool]) -> None:
        """Write coils and note when.

        Raises:
            PlcError: the link broke, or it refuses.
        """
        self.sent_ns = self._clock.now_ns()
        self._transport.write_coils(first, values)
        self.answered_ns = self._clock.now_ns()

    @property
    def acted_ns(self) -> MonotonicNs:
        """Best guess of when the last write acted: half-way."""
        return MonotonicNs((self.sent_ns + self.answered_ns) // 2)

    def safety_ok(self) -> bool:
        """Read the safety input; True where none is wired.

        Raises:
            PlcError: the link broke, or it refuses.
        """
        place = self._device.safety_input
        return True if place is None else self._transport.read_discrete(place, 1)[0]


class RegisterCounter:
    """A counter register of the remote I/O. Implements `EncoderSource` over its transport."""

    def __init__(self, config: RegisterEncoder, transport: CoilTransport, clock: Clock) -> None:
        """Prepare; the transport is opened and closed by its owner."""
        self._config, self._transport, self._clock = config, transport, clock
        self._total = Unwrapped(1 << (_WORD_BITS * config.words))

    def open(self) -> None:
        """Begin anew: the count may have restarted while nobody looked."""
        self._total.restart()

    def poll(self) -> CountReading | None:
        """Read the register. See `EncoderSource`."""
        config = self._config
        sent_ns = self._clock.now_ns()
        read = self._transport.read_input if config.input_register else self._transport.read_holding
        words = read(config.address, config.words)
        answered_ns = self._clock.now_ns()
        count = 0
        for word in reversed(words) if config.low_word_first else words:
            count = count << _WORD_BITS | word
        half_ns = (answered_ns - sent_ns) // 2
        return CountReading(
            total=self._total.extend(count),
            read_ns=MonotonicNs(sent_ns + half_ns),
            uncertain_ns=half_ns,
        )

    def close(self) -> None:
        """Do nothing: the transport has an owner."""
