"""Serial counters that send text: absolute counts, deltas, counts within other text. Pure."""

import re
from typing import Final

_LONGEST_LINE: Final = 200
"""Longer than any counter's line; more without a line end is noise."""
_WRAP_32: Final = 1 << 32
_NUMBER: Final = re.compile(r"\A\s*([+-]?\d{1,12})\s*\Z")
_QSB_REPLY: Final = re.compile(
    r"\s*[rws] ?([0-9A-F]{2}) ?([0-9A-F]{8})(?: ?[0-9A-F]{8})? ?!?\s*\Z", re.IGNORECASE
)
"""Type, register, data, and a time stamp or `!` where the device is set to send them."""
_QSB_COUNT: Final = 0x0E


class LineSplitter:
    """Cuts a byte stream into lines; the first one may be half a line and is dropped."""

    def __init__(self) -> None:
        """Begin in the middle of a line."""
        self._rest = bytearray()
        self._whole = False

    def restart(self) -> None:
        """Begin in the middle of a line again, after the port was opened."""
        self._rest.clear()
        self._whole = False

    def feed(self, received: bytes) -> list[str]:
        """Return the lines that are whole now; CR, LF and both end a line."""
        self._rest += received
        *ended, rest = re.split(rb"[\r\n]+", bytes(self._rest))
        self._rest = bytearray(rest[-_LONGEST_LINE:])
        if ended and not self._whole:
            self._whole = True
            del ended[0]
        return [line.decode("ascii", "replace") for line in ended if line]


class TextCounter:
    """A counter that sends its absolute count, bare or caught by a pattern.

    Attributes:
        modulus: counts run from 0 to this minus one.
        rejected: lines that held no count.
    """

    def __init__(self, *, pattern: str | None = None, query: str = "", modulus: int = 0) -> None:
        """Begin.

        Args:
            pattern: regular expression with one group, the count; None for a bare number.
            query: sent at each poll.
            modulus: of the count, 0 for 2^32.
        """
        self._pattern = re.compile(pattern) if pattern is not None else _NUMBER
        self._lines = LineSplitter()
        self.query = query.encode()
        self.modulus = modulus or _WRAP_32
        self.rejected = 0

    def opening(self) -> bytes:
        """Return what is sent when the port opens."""
        self._lines.restart()
        return b""

    def closing(self) -> bytes:
        """Return what is sent before the port closes."""
        return b""

    def feed(self, received: bytes) -> list[int]:
        """Return the counts in what was received, each modulo the modulus."""
        counts: list[int] = []
        for line in self._lines.feed(received):
            found = self._pattern.search(line)
            if found is None or not _NUMBER.match(found.group(1) or ""):
                self.rejected += 1
                continue
            counts.append(int(found.group(1)) % self.modulus)
        return counts


class DeltaCounter:
    """A counter that answers a question with the ticks since the last one."""

    modulus = _WRAP_32

    def __init__(self, *, query: str) -> None:
        """Begin at zero.

        Args:
            query: any byte or text that the counter answers.
        """
        self._text = TextCounter(query=query)
        self._total = 0
        self.query = query.encode()

    @property
    def rejected(self) -> int:
        """Lines that held no number."""
        return self._text.rejected

    def opening(self) -> bytes:
        """Return what is sent when the port opens: the first answer may be half and is dropped."""
        return self._text.opening()

    def closing(self) -> bytes:
        """Return what is sent before the port closes."""
        return b""

    def feed(self, received: bytes) -> list[int]:
        """Return the running totals after each answer."""
        totals: list[int] = []
        for delta in self._text.feed(received):
            signed = delta - _WRAP_32 if delta >= _WRAP_32 // 2 else delta
            self._total = (self._total + signed) % _WRAP_32
            totals.append(self._total)
        return totals


class QsbCounter:
    """US Digital QSB: `r0E0000ABCD`, with optional blanks, time stamp and exclamation mark."""

    def __init__(self, *, stream: bool, modulus: int = 0) -> None:
        """Begin.

        Args:
            stream: let the device report by itself (S0E) instead of asking it (R0E).
            modulus: of the count where it runs modulo N, 0 for 2^32.
        """
        self._lines = LineSplitter()
        self._stream = stream
        self.query = b"" if stream else b"R0E\r\n"
        self.modulus = modulus or _WRAP_32
        self.rejected = 0

    def opening(self) -> bytes:
        """Stop what an earlier session may have left streaming, then start our own."""
        self._lines.restart()
        return b"R0E\r\nS0E\r\n" if self._stream else b"R0E\r\n"

    def closing(self) -> bytes:
        """Stop the stream: reading the register ends it."""
        return b"R0E\r\n" if self._stream else b""

    def feed(self, received: bytes) -> list[int]:
        """Return the encoder counts in what was received; other registers are passed over."""
        counts: list[int] = []
        for line in self._lines.feed(received):
            reply = _QSB_REPLY.match(line)
            if reply is None:
                self.rejected += 1
            elif int(reply.group(1), 16) == _QSB_COUNT:
                counts.append(int(reply.group(2), 16) % self.modulus)
        return counts
