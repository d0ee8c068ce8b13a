"""Frames on the Unix socket between line and telemetry: a fixed header, then JSON or a JPEG.

Header, 8 bytes, big endian: magic `SL`, protocol version, kind, payload length in bytes.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from telemetry.errors import WireError

PROTOCOL_VERSION = 1
MAGIC = b"SL"
HEADER = struct.Struct(">2sBBI")


class FrameKind(IntEnum):
    """What a frame carries."""

    MESSAGE = 1
    """One JSON message of `telemetry.messages`."""
    PICTURE = 2
    """One JPEG file."""


MAX_PAYLOAD_BYTES = {FrameKind.MESSAGE: 1 << 20, FrameKind.PICTURE: 8 << 20}
"""A record is about 1 KiB, a snapshot with every alarm under 20, a full-HD JPEG under 2 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFrame:
    """One received frame.

    Attributes:
        kind: what it carries.
        payload: its bytes without the header.
    """

    kind: FrameKind
    payload: bytes


def encode_frame(kind: FrameKind, payload: bytes) -> bytes:
    """Return header and payload as one piece.

    Raises:
        WireError: the payload is larger than its kind allows.
    """
    if len(payload) > MAX_PAYLOAD_BYTES[kind]:
        msg = f"{kind.name} of {len(payload)} bytes exceeds {MAX_PAYLOAD_BYTES[kind]}"
        raise WireError(msg)
    return HEADER.pack(MAGIC, PROTOCOL_VERSION, kind, len(payload)) + payload


class FrameDecoder:
    """Cuts a byte stream into frames, whatever the pieces it arrives in."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[WireFrame]:
        """Take received bytes and return the frames they complete.

        Raises:
            WireError: wrong magic, version, kind or length; the stream cannot be followed further.
        """
        self._buffer += data
        frames: list[WireFrame] = []
        while len(self._buffer) >= HEADER.size:
            kind, size = self._read_header()
            end = HEADER.size + size
            if len(self._buffer) < end:
                break
            frames.append(WireFrame(kind=kind, payload=bytes(self._buffer[HEADER.size : end])))
            del self._buffer[:end]
        return frames

    def _read_header(self) -> tuple[FrameKind, int]:
        magic, version, kind_code, size = HEADER.unpack_from(self._buffer)
        if magic != MAGIC:
            msg = f"frame starts with {magic!r} instead of {MAGIC!r}"
            raise WireError(msg)
        if version != PROTOCOL_VERSION:
            msg = f"peer speaks protocol {version}, this program {PROTOCOL_VERSION}"
            raise WireError(msg)
        try:
            kind = FrameKind(kind_code)
        except ValueError as error:
            msg = f"unknown frame kind {kind_code}"
            raise WireError(msg) from error
        if size > MAX_PAYLOAD_BYTES[kind]:
            msg = f"{kind.name} of {size} bytes exceeds {MAX_PAYLOAD_BYTES[kind]}"
            raise WireError(msg)
        return kind, size
