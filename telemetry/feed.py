"""The line's end of the hand-off: publishes from any thread, one own thread talks to telemetry."""

import logging
import socket
import threading
from pathlib import Path

from calibration.clock import Clock
from calibration.units import NS_PER_S
from controller.snapshot import LineSnapshot, OperatorRequest
from controller.types import ItemRecord, Totals
from telemetry.balance import newest
from telemetry.conversation import Conversation
from telemetry.errors import WireError
from telemetry.messages import (
    Acknowledged,
    RecordMessage,
    SessionAnnounced,
    SessionRefused,
    SnapshotMessage,
    encode_message,
)
from telemetry.outbox import RecordOutbox
from telemetry.wire import MAX_PAYLOAD_BYTES, FrameKind, encode_frame

_log = logging.getLogger(__name__)

RECORD_CAPACITY = 20_000
"""Over five minutes of a full belt (60 items/s) while telemetry is away; about 30 MiB."""
SEND_WINDOW = 2_000
"""Records under way; at one acknowledgement per 0.2 s this carries 10 000 items/s."""
REQUEST_CAPACITY = 100
CLOSE_LIMIT_S = 2.0
RETRY_MIN_S = 0.1
RETRY_MAX_S = 1.0
CONNECT_TIMEOUT_S = 0.5
BATCH_RECORDS = 100


class SocketFeed:
    """`LineFeed` over a Unix socket, for one session. Reconnects for ever; nothing blocks the line.

    Records are kept until telemetry has them on disk and sent again after a reconnect; snapshots
    and pictures are replaced by newer ones. The own thread starts with `open_session`.
    """

    def __init__(
        self, *, socket_path: Path, clock: Clock, record_capacity: int = RECORD_CAPACITY
    ) -> None:
        self._socket_path = socket_path
        self._clock = clock
        self._outbox = RecordOutbox(capacity=record_capacity, window=SEND_WINDOW)
        self._lock = threading.Lock()
        self._snapshot: LineSnapshot | None = None
        self._last_totals: Totals | None = None
        self._picture: bytes | None = None
        self._requests: list[OperatorRequest] = []
        self._session: SessionAnnounced | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._never = threading.Event()
        self._close_deadline_ns = 0
        self._closed = False
        self._refused = False
        self._pictures_refused = 0
        self._connections_lost = 0

    @property
    def records_dropped(self) -> int:
        """Records refused because the queue was full."""
        return self._outbox.dropped

    @property
    def records_waiting(self) -> int:
        """Records that telemetry has not confirmed yet."""
        return self._outbox.waiting

    @property
    def connections_lost(self) -> int:
        """Connections that broke, not counting attempts that never connected."""
        return self._connections_lost

    @property
    def pictures_refused(self) -> int:
        """Pictures too large for the wire."""
        return self._pictures_refused

    def open_session(
        self, *, session_id: str, line_id: str, station_names: tuple[str, ...]
    ) -> None:
        """Announce the session and start sending. A second call for it changes nothing.

        Raises:
            ValueError: another session was opened before; a feed carries one.
        """
        if self._session is not None:
            if self._session.session_id != session_id:
                msg = f"this feed carries session {self._session.session_id}, not {session_id}"
                raise ValueError(msg)
            return
        self._session = SessionAnnounced(
            session_id=session_id,
            line_id=line_id,
            station_names=station_names,
            opened_ns=self._clock.now_ns(),
        )
        self._thread = threading.Thread(
            target=self._run, args=(self._session,), name="telemetry-feed", daemon=True
        )
        self._thread.start()

    def publish_record(self, record: ItemRecord) -> bool:
        """Queue one record. Returns False if the queue is full (it stays in the totals)."""
        return self._outbox.offer(record)

    def publish_snapshot(self, snapshot: LineSnapshot) -> None:
        """Replace the pending snapshot by this newer one."""
        with self._lock:
            self._snapshot = snapshot
            self._last_totals = snapshot.totals

    def publish_picture(self, jpeg: bytes) -> None:
        """Replace the pending live picture by this newer one; a huge one is counted instead."""
        if len(jpeg) > MAX_PAYLOAD_BYTES[FrameKind.PICTURE]:
            self._pictures_refused += 1
            return
        with self._lock:
            self._picture = jpeg

    def take_requests(self) -> tuple[OperatorRequest, ...]:
        """Return operator requests that arrived since the last call."""
        with self._lock:
            requests = tuple(self._requests)
            self._requests.clear()
        return requests

    def close(self) -> None:
        """Send what is queued and the closing mark, for at most two seconds, then disconnect."""
        if not self._closing.is_set():
            self._close_deadline_ns = self._clock.now_ns() + int(CLOSE_LIMIT_S * NS_PER_S)
            self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_LIMIT_S + CONNECT_TIMEOUT_S)

    @property
    def _over(self) -> bool:
        late = self._closing.is_set() and self._clock.now_ns() >= self._close_deadline_ns
        return self._closed or self._refused or late

    def _run(self, session: SessionAnnounced) -> None:
        retry_s = RETRY_MIN_S
        reachable = True
        while not self._over:
            connection = self._connect()
            if connection is not None and self._serve(connection, session):
                reachable, retry_s = True, RETRY_MIN_S
            elif reachable:
                _log.warning("telemetry does not answer at %s, retrying", self._socket_path)
                reachable = False
            self._wait_to_retry(retry_s)
            retry_s = min(retry_s * 2, RETRY_MAX_S)
        if not self._closed:
            _log.error(
                "session %s ended without its closing mark, %d records not confirmed",
                session.session_id,
                self._outbox.waiting,
            )

    def _wait_to_retry(self, retry_s: float) -> None:
        if self._over:
            return
        if self._closing.is_set():
            self._clock.wait(self._never, RETRY_MIN_S)
        else:
            self._clock.wait(self._closing, retry_s)

    def _connect(self) -> socket.socket | None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_TIMEOUT_S)
        try:
            connection.connect(str(self._socket_path))
        except OSError:
            connection.close()
            return None
        connection.settimeout(0.0)
        return connection

    def _serve(self, connection: socket.socket, session: SessionAnnounced) -> bool:
        """Talk until the connection or the session ends; True if telemetry had taken it."""
        conversation = Conversation(connection, session)
        try:
            with connection:
                while not self._over:
                    self._queue_output(conversation, session)
                    conversation.transfer()
                    self._take_input(conversation)
        except (OSError, WireError) as error:
            self._connections_lost += 1
            if conversation.ready:
                _log.warning("telemetry lost: %s", error)
        finally:
            self._outbox.rewind()
        return conversation.ready

    def _queue_output(self, conversation: Conversation, session: SessionAnnounced) -> None:
        if not conversation.has_room:
            return
        with self._lock:
            snapshot, self._snapshot = self._snapshot, None
            picture, self._picture = self._picture, None
        if snapshot is not None:
            conversation.queue(encode_message(SnapshotMessage(snapshot=snapshot)))
        if picture is not None:
            conversation.queue(encode_frame(FrameKind.PICTURE, picture))
        if not conversation.ready:
            return
        for record in self._outbox.take(BATCH_RECORDS):
            conversation.queue(encode_message(RecordMessage(record=record)))
        if self._closing.is_set() and not self._outbox.waiting:
            conversation.queue_closing_mark(
                session.session_id, newest(self._outbox.last_totals, self._last_totals)
            )

    def _take_input(self, conversation: Conversation) -> None:
        for message in conversation.received():
            match message:
                case Acknowledged(record_seq=record_seq, closed=closed):
                    if not conversation.ready:
                        _log.info("telemetry connected")
                    self._outbox.acknowledge(record_seq)
                    conversation.ready = True
                    self._closed = self._closed or closed
                case SessionRefused(session_id=session_id):
                    _log.error("telemetry holds session %s as closed", session_id)
                    self._refused = True
                case _:
                    with self._lock:
                        if len(self._requests) < REQUEST_CAPACITY:
                            self._requests.append(message.request)
