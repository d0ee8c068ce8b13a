"""What telemetry knows of the line right now; the page, the metrics and the socket meet here."""

import contextlib
from collections.abc import Callable

from calibration.clock import Clock, seconds_between
from controller.snapshot import (
    AcknowledgeAlarm,
    Alarm,
    AlarmKind,
    LineSnapshot,
    OperatorRequest,
)
from controller.standing_alarms import StandingAlarms
from controller.types import ItemRecord
from telemetry.alarms.desk import AlarmDesk
from telemetry.alarms.types import AlarmRefusedError
from telemetry.clerk_status import ClerkStatus
from telemetry.composition import Flow, MinuteWindow, session_flow
from telemetry.messages import SessionAnnounced
from telemetry.occupancy import OccupancyWindow
from telemetry.recorder import StoreStatus
from telemetry.tally import ItemTally, SessionTallies
from telemetry.wall import UtcMapper

SILENT_AFTER_S = 2.0
"""Snapshots come several times a second; after this the line counts as not answering."""

Sender = Callable[[OperatorRequest], None]


class LineHub:
    """Live view of one line. All methods run in the event loop and none blocks."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._session: SessionAnnounced | None = None
        self._snapshot: LineSnapshot | None = None
        self._heard_ns = clock.now_ns()
        self._picture = b""
        self._picture_seq = 0
        self._tallies = SessionTallies()
        self._minute = MinuteWindow(clock.now_ns())
        self._sender: Sender | None = None
        self._occupancy = OccupancyWindow()
        self._own_alarms = StandingAlarms()
        self.desk = AlarmDesk(utc=UtcMapper(clock=clock))
        """ISA-18.2 states of every alarm; what a page shows and asks."""

    def take_desk(self, desk: AlarmDesk) -> None:
        """Use this alarm desk from now on: one that a journal keeps."""
        self.desk = desk

    @property
    def session(self) -> SessionAnnounced | None:
        """The newest session, None before the first."""
        return self._session

    @property
    def snapshot(self) -> LineSnapshot | None:
        """The newest snapshot of that session."""
        return self._snapshot

    @property
    def connected(self) -> bool:
        """Whether the line is connected."""
        return self._sender is not None

    @property
    def answering(self) -> bool:
        """Whether the line is connected and its snapshots are fresh."""
        silent_s = self.silent_s
        return self.connected and silent_s is not None and silent_s < SILENT_AFTER_S

    @property
    def silent_s(self) -> float | None:
        """Seconds since the last snapshot, None before the first."""
        if self._snapshot is None:
            return None
        return seconds_between(self._heard_ns, self._clock.now_ns())

    @property
    def picture(self) -> bytes:
        """The newest live picture, a JPEG; empty before the first."""
        return self._picture

    @property
    def picture_seq(self) -> int:
        """Number of pictures received."""
        return self._picture_seq

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Standing alarms: the line's, the store's, those of the plant's accounts."""
        of_line = self._snapshot.alarms if self._snapshot is not None else ()
        return (*of_line, *self._own_alarms.alarms)

    @property
    def tallies(self) -> tuple[ItemTally, ...]:
        """Finished items of the session."""
        return self._tallies.all()

    @property
    def occupancy(self) -> float | None:
        """Share of the belt that items cover, newest half minute; None while it cannot be told."""
        return self._occupancy.occupancy

    def minute_flow(self) -> Flow:
        """Return throughput and composition of the last minute."""
        return self._minute.flow(self._clock.now_ns())

    def session_flow(self) -> Flow:
        """Return throughput and composition since the session opened."""
        now_ns = self._clock.now_ns()
        opened_ns = now_ns if self._session is None else self._session.opened_ns
        return session_flow(self.tallies, seconds_between(opened_ns, now_ns))

    def attach(
        self,
        session: SessionAnnounced,
        stored: tuple[ItemTally, ...],
        last_seq: int,
        sender: Sender,
    ) -> None:
        """The line is connected and sends for `session`.

        Args:
            session: as announced.
            stored: what the store already holds of it.
            last_seq: up to which record.
            sender: carries operator requests to the line.
        """
        if self._session is None or self._session.session_id != session.session_id:
            self._snapshot = None
            self._minute = MinuteWindow(session.opened_ns)
            self._tallies = SessionTallies()
            self._tallies.restore(stored, last_seq)
        self._session = session
        self._sender = sender

    def detach(self) -> None:
        """The line is not connected any more; what it said last stays, with its age."""
        self._sender = None

    def take_record(self, record: ItemRecord) -> None:
        """Count one record, once."""
        if self._tallies.add(record):
            self._minute.add(record)

    def take_snapshot(self, snapshot: LineSnapshot) -> None:
        """Show this from now on."""
        self._snapshot = snapshot
        self._heard_ns = self._clock.now_ns()
        if snapshot.belt is not None:
            self._occupancy.add(self._heard_ns, snapshot.belt)

    def take_picture(self, jpeg: bytes) -> None:
        """Show this from now on."""
        self._picture = jpeg
        self._picture_seq += 1

    def watch_store(self, status: StoreStatus) -> None:
        """Raise the store's alarm when writing fails, drop it when it works again."""
        detail = "" if status.available else status.detail or "the last write failed"
        self._watch(AlarmKind.DISK_FULL, detail)

    def watch_accounts(self, status: ClerkStatus) -> None:
        """Raise and drop the alarms of the plant's accounts."""
        self._watch(AlarmKind.ACCOUNTS_TROUBLE, status.trouble)
        self._watch(
            AlarmKind.DELIVERY_DEAD,
            f"{status.dead} reports were refused by their receiver" if status.dead else "",
        )
        self._watch(
            AlarmKind.INSTRUMENT_ALARM,
            "; ".join(f"{alarm.source}: {alarm.words}" for alarm in status.instruments),
        )
        self._watch(AlarmKind.STORAGE_TIME, status.storage)

    def _watch(self, kind: AlarmKind, detail: str) -> None:
        self._own_alarms.tell(kind, detail or None, self._clock.now_ns())

    def request(self, request: OperatorRequest) -> bool:
        """Pass an operator's request on. Returns False if the line is not connected."""
        if isinstance(request, AcknowledgeAlarm):
            with contextlib.suppress(AlarmRefusedError):
                # Set aside here, or gone meanwhile: the line may still want to know.
                self.desk.acknowledge(request.kind, request.operator)
            if self._own_alarms.acknowledge(request.kind):
                return True
        if self._sender is None:
            return False
        self._sender(request)
        return True
