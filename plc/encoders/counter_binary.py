"""Serial counters that send binary frames: two start bytes, 32-bit count, checksum. Pure."""

from typing import Final, Literal

_COUNT_BYTES: Final = 4
_FRAME_BYTES: Final = 2 + _COUNT_BYTES + 1


class BinaryCounter:
    """Finds frames in a byte stream; a start pattern without its checksum is passed over.

    Attributes:
        modulus: counts run from 0 to this minus one.
        rejected: bytes that belonged to no frame.
    """

    def __init__(
        self, *, start: bytes, query: bytes, low_byte_first: bool, modulus: int = 0
    ) -> None:
        """Begin.

        Args:
            start: the two bytes that begin a frame.
            query: sent at each poll.
            low_byte_first: order of the count's bytes.
            modulus: of the count, 0 for 2^32.
        """
        self._start, self.query = start, query
        self._order: Literal["little", "big"] = "little" if low_byte_first else "big"
        self._rest = bytearray()
        self.modulus = modulus or 1 << 32
        self.rejected = 0

    def opening(self) -> bytes:
        """Return what is sent when the port opens."""
        self._rest.clear()
        return b""

    def closing(self) -> bytes:
        """Return what is sent before the port closes."""
        return b""

    def feed(self, received: bytes) -> list[int]:
        """Return the counts of the frames that are whole now."""
        self._rest += received
        counts: list[int] = []
        while (at := self._rest.find(self._start)) >= 0 and len(self._rest) - at >= _FRAME_BYTES:
            body = self._rest[at + 2 : at + 2 + _COUNT_BYTES]
            if sum(body) & 0xFF != self._rest[at + 2 + _COUNT_BYTES]:
                self.rejected += at + 1
                del self._rest[: at + 1]
                continue
            self.rejected += at
            counts.append(int.from_bytes(body, self._order) % self.modulus)
            del self._rest[: at + _FRAME_BYTES]
        if at < 0:
            noise = max(0, len(self._rest) - 1)
            self.rejected += noise
            del self._rest[:noise]
        return counts
