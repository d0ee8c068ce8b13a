"""The telemetry end of the socket: takes one line at a time, acknowledges what is stored."""

import asyncio
import contextlib
import logging
import socket
import stat
from pathlib import Path

from controller.snapshot import OperatorRequest
from telemetry.errors import TelemetryStartError, WireError
from telemetry.feed import SEND_WINDOW
from telemetry.hub import LineHub
from telemetry.messages import (
    Acknowledged,
    DeskMessage,
    LineMessage,
    RecordMessage,
    SessionAnnounced,
    SessionClosing,
    SessionRefused,
    SnapshotMessage,
    decode_line_message,
    encode_message,
    operator_message,
)
from telemetry.recorder import Recorder
from telemetry.store import ItemStore
from telemetry.store_writer import TotalsReported, WriteResult
from telemetry.tally import ItemTally
from telemetry.wire import FrameDecoder, FrameKind, WireFrame

_log = logging.getLogger(__name__)

READ_BYTES = 64 * 1024
WAITING_MAX = 4 * SEND_WINDOW
"""A line sends at most one window without acknowledgement; reconnects repeat it at most in part."""


class _Connection:
    """One connected line, from its announcement on."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.session: SessionAnnounced | None = None
        self.closing = False

    def send(self, message: DeskMessage) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode_message(message))

    def request(self, request: OperatorRequest) -> None:
        self.send(operator_message(request))

    def drop(self) -> None:
        self._writer.close()


class LineServer:
    """Accepts the line on a Unix socket and hands what it says to hub and recorder.

    Args:
        hub: the live view.
        recorder: in front of the store.
        pictures: whether live pictures are kept for the page.
    """

    def __init__(self, *, hub: LineHub, recorder: Recorder, pictures: bool) -> None:
        self._pictures = pictures
        self._hub = hub
        self._recorder = recorder
        self._current: _Connection | None = None
        self._wire_errors = 0
        self._connections = 0

    @property
    def wire_errors(self) -> int:
        """Connections closed because of bytes that were not the protocol."""
        return self._wire_errors

    @property
    def connections(self) -> int:
        """Connections accepted since start."""
        return self._connections

    async def start(self, listener: socket.socket) -> asyncio.Server:
        """Begin to accept lines on a bound Unix socket."""
        return await asyncio.start_unix_server(self._serve, sock=listener)

    def disconnect(self) -> None:
        """Close the line's connection; the line keeps what was not acknowledged."""
        if self._current is not None:
            self._current.drop()

    def written(self, result: WriteResult) -> None:
        """Tell the line what has reached the disk."""
        current = self._current
        if current is None or current.session is None or result.account is None:
            return
        if current.session.session_id == result.session_id:
            current.send(
                Acknowledged(
                    session_id=result.session_id,
                    record_seq=result.account.last_seq,
                    closed=result.closed and current.closing,
                )
            )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = _Connection(writer)
        decoder = FrameDecoder()
        try:
            while data := await reader.read(READ_BYTES):
                for frame in decoder.feed(data):
                    await self._take(connection, frame)
        except WireError as error:
            self._wire_errors += 1
            _log.warning("line connection closed: %s", error)
        except ConnectionError as error:
            _log.info("line connection broke: %s", error)
        finally:
            self._leave(connection)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _leave(self, connection: _Connection) -> None:
        if self._current is connection:
            self._current = None
            self._hub.detach()
            _log.info("line disconnected")

    async def _take(self, connection: _Connection, frame: WireFrame) -> None:
        if frame.kind is FrameKind.PICTURE:
            if self._current is connection and self._pictures:
                self._hub.take_picture(frame.payload)
            return
        message = decode_line_message(frame.payload)
        if isinstance(message, SessionAnnounced):
            await self._announced(connection, message)
        else:
            self._said(connection, message)

    async def _announced(self, connection: _Connection, session: SessionAnnounced) -> None:
        def history(store: ItemStore) -> tuple[bool, int, tuple[ItemTally, ...]]:
            closed = store.session_is_closed(session.session_id)
            return closed, store.last_seq(session.session_id), store.tallies(session.session_id)

        closed, last_seq, stored = await self._recorder.read(history)
        if closed:
            connection.send(SessionRefused(session_id=session.session_id))
            msg = f"session {session.session_id} is already closed in the store"
            raise ConnectionRefusedError(msg)
        if self._current is not None and self._current is not connection:
            self._current.drop()
        connection.session = session
        self._current = connection
        self._hub.attach(session, stored=stored, last_seq=last_seq, sender=connection.request)
        self._recorder.queue(session)
        _log.info("line %s connected, session %s", session.line_id, session.session_id)

    def _said(self, connection: _Connection, message: LineMessage) -> None:
        if self._current is not connection:
            msg = "this connection has not announced a session, or another has replaced it"
            raise WireError(msg)
        match message:
            case RecordMessage(record=record):
                self._check(connection, record.session_id)
                self._recorder.queue(record)
                self._hub.take_record(record)
            case SnapshotMessage(snapshot=snapshot):
                self._check(connection, snapshot.session_id)
                self._recorder.report_totals(
                    TotalsReported(session_id=snapshot.session_id, totals=snapshot.totals)
                )
                self._hub.take_snapshot(snapshot)
            case SessionClosing(session_id=session_id):
                self._check(connection, session_id)
                connection.closing = True
                self._recorder.queue(message)

    def _check(self, connection: _Connection, session_id: str) -> None:
        if connection.session is None or connection.session.session_id != session_id:
            msg = f"message of session {session_id!r} on a connection of another"
            raise WireError(msg)
        if connection.closing:
            msg = f"session {session_id} sent more after its closing mark"
            raise WireError(msg)
        if self._recorder.waiting > WAITING_MAX:
            msg = f"line sends beyond its window, {self._recorder.waiting} entries unstored"
            raise WireError(msg)


def bind_socket(path: Path) -> socket.socket:
    """Bind the Unix socket, clearing away one that a killed process left behind.

    Only this user may connect.

    Raises:
        TelemetryStartError: another process answers there, or the path cannot be used.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        listener.bind(str(path))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        listener.listen()
    except OSError as error:
        listener.close()
        msg = f"socket {path} cannot be bound: {error}"
        raise TelemetryStartError(msg) from error
    return listener


def _clear(path: Path) -> None:
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    msg = f"socket {path} is in use by another telemetry process"
    raise TelemetryStartError(msg)
