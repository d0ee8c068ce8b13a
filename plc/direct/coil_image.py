"""The outputs of a remote I/O as they should be, and which whole bytes of them to write. Pure."""

from collections.abc import Sequence

_BITS = 8


class CoilImage:
    """All coils; a write always covers whole bytes.

    Some servers round the count of a coil write up to a byte and clear what lies beyond (OpenPLC
    does: writing three coils clears five neighbours). Whole bytes from this image leave nothing to
    round, and every neighbour is written as it should be.
    """

    def __init__(self, coil_count: int) -> None:
        """Begin with every coil off."""
        self._coils = [False] * coil_count
        self._first, self._last = coil_count, -1

    def set(self, coil: int, *, on: bool) -> None:
        """Want a coil on or off."""
        if self._coils[coil] != on:
            self._coils[coil] = on
            self._first, self._last = min(self._first, coil), max(self._last, coil)

    def is_on(self, coil: int) -> bool:
        """Return what is wanted of a coil."""
        return self._coils[coil]

    def take_changes(self) -> tuple[int, Sequence[bool]] | None:
        """Return first coil and values of the bytes that changed since the last call, if any."""
        if self._last < 0:
            return None
        first = self._first // _BITS * _BITS
        last = min(len(self._coils), (self._last // _BITS + 1) * _BITS)
        self._first, self._last = len(self._coils), -1
        return first, self._coils[first:last]

    def whole(self) -> tuple[int, Sequence[bool]]:
        """Return everything, as after a new connection; nothing is left to change."""
        self._first, self._last = len(self._coils), -1
        return 0, tuple(self._coils)
