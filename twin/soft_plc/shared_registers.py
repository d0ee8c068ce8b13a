"""What the PLC writes, in memory shared by its two processes; neither ever waits for the other."""

import mmap
import os
import zlib

from plc.registers import COIL_COUNT, MAP_WORDS

_CHECK_BYTES = 4
AREA_BYTES = 2 * MAP_WORDS
COIL_BYTES = COIL_COUNT // 8
_SIZE_BYTES = _CHECK_BYTES + AREA_BYTES + COIL_BYTES
_ATTEMPTS = 200


class TornRegistersError(Exception):
    """No whole copy was found: the writer died in the middle or overwrites faster than we read."""


class SharedRegisters:
    """Registers and coils with a checksum: a reader takes only a copy whose checksum agrees.

    One writer, any number of readers, no lock; correct on every memory model.
    """

    def __init__(self, descriptor: int) -> None:
        """Map the memory behind a descriptor from `create_memory`."""
        self._memory = mmap.mmap(descriptor, _SIZE_BYTES)

    def publish(self, area: bytes, coils: bytes) -> None:
        """Replace the registers that the PLC writes and the coils."""
        content = area + coils
        check = zlib.crc32(content).to_bytes(_CHECK_BYTES, "little")
        self._memory[:] = check + content

    def read(self) -> tuple[bytes, bytes]:
        """Return a whole copy: the PLC's registers, big endian, and the coils.

        Raises:
            TornRegistersError: there is none.
        """
        for _ in range(_ATTEMPTS):
            whole = self._memory[:]
            content = whole[_CHECK_BYTES:]
            if zlib.crc32(content).to_bytes(_CHECK_BYTES, "little") == whole[:_CHECK_BYTES]:
                return content[:AREA_BYTES], content[AREA_BYTES:]
        msg = "the PLC's registers are not whole"
        raise TornRegistersError(msg)

    def close(self) -> None:
        """Unmap the memory."""
        self._memory.close()


def create_memory() -> int:
    """Create memory for `SharedRegisters` and return its descriptor, to be passed to processes."""
    descriptor = os.memfd_create("soft-plc-registers")
    os.ftruncate(descriptor, _SIZE_BYTES)
    return descriptor
