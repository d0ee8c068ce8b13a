"""One connection from line to telemetry: what is still to be written, what has been read."""

import select
import socket

from controller.types import Totals
from telemetry.messages import (
    DeskMessage,
    SessionAnnounced,
    SessionClosing,
    decode_desk_message,
    encode_message,
)
from telemetry.wire import FrameDecoder

POLL_S = 0.05
SEND_AHEAD_BYTES = 256 * 1024
TRANSFER_BYTES = 64 * 1024


class Conversation:
    """Buffers around a non-blocking socket; begins with the announcement. One thread uses it.

    Attributes:
        ready: telemetry has taken the session; records may be sent.
    """

    def __init__(self, connection: socket.socket, session: SessionAnnounced) -> None:
        self._connection = connection
        self._decoder = FrameDecoder()
        self._output = bytearray(encode_message(session))
        self._input = b""
        self._closing_mark_queued = False
        self.ready = False

    @property
    def has_room(self) -> bool:
        """Whether more output should be queued now; nothing follows the closing mark."""
        return len(self._output) < SEND_AHEAD_BYTES and not self._closing_mark_queued

    def queue(self, frame: bytes) -> None:
        """Append a frame to the output."""
        self._output += frame

    def queue_closing_mark(self, session_id: str, totals: Totals | None) -> None:
        """Append the closing mark; from then on there is no room for more."""
        self._closing_mark_queued = True
        self.queue(encode_message(SessionClosing(session_id=session_id, totals=totals)))

    def transfer(self) -> None:
        """Write and read what the socket takes and gives, waiting at most 50 ms for either.

        Raises:
            OSError: the connection is gone.
        """
        writers = [self._connection] if self._output else []
        readable, writable, _ = select.select([self._connection], writers, [], POLL_S)
        if writable:
            sent = self._connection.send(bytes(self._output[:TRANSFER_BYTES]))
            del self._output[:sent]
        self._input = b""
        if readable:
            self._input = self._connection.recv(TRANSFER_BYTES)
            if not self._input:
                msg = "closed by telemetry"
                raise ConnectionResetError(msg)

    def received(self) -> list[DeskMessage]:
        """Return the messages completed by the last `transfer`.

        Raises:
            WireError: the peer does not speak the protocol.
        """
        return [decode_desk_message(frame.payload) for frame in self._decoder.feed(self._input)]
