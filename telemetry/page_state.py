"""What the page shows, as one object built from hub and recorder and sent as JSON."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from calibration.units import NS_PER_S
from controller.packml import MODE_CHANGES_IN
from controller.snapshot import Alarm, AlarmKind, LineSnapshot
from controller.states import LineCommand, LineMode
from telemetry.audited import AuditedPurity
from telemetry.composition import Flow
from telemetry.hub import LineHub
from telemetry.recorder import Recorder, StoreStatus
from telemetry.wall import UtcMapper, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """The line run on show.

    Attributes:
        session_id: of the run.
        line_id: which line.
        station_names: in belt order.
        opened_at_utc: when it began.
    """

    session_id: str
    line_id: str
    station_names: tuple[str, ...]
    opened_at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """A standing alarm with wall time.

    Attributes:
        kind: what is wrong.
        raised_at_utc: when it was raised.
        detail: what was seen.
        remedy: what to do.
        acknowledged: an operator has seen it.
    """

    kind: AlarmKind
    raised_at_utc: datetime
    detail: str
    remedy: str
    acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    """What the line refused, with wall time.

    Attributes:
        at_utc: when.
        operator: who asked.
        reason: why not.
    """

    at_utc: datetime
    operator: str
    reason: str


REFUSALS_SHOWN_S: Final = 60.0
"""Long enough to be read by whoever pressed the button, short enough not to look like news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """Everything on the page except the picture itself.

    Attributes:
        at_utc: when this was put together.
        connected: the line is connected to telemetry.
        answering: connected, and its snapshots are fresh.
        silent_s: age of the newest snapshot, None before the first.
        session: the line run, None before the first.
        line: the newest snapshot.
        balance_closes: whether the snapshot's totals add up.
        commands: that the line would take in its present state; none while it does not answer.
        modes: other unit modes to which the line would change now.
        alarms: standing, the store's included.
        minute: flow of the last minute.
        whole_session: flow since the session opened.
        store: how writing goes.
        store_closes: whether the stored books add up.
        picture_seq: number of the newest picture, 0 if there is none.
        purity: by product, from manual samples; empty where none are looked for.
        refusals: what the line refused within the last minute, oldest first.
    """

    at_utc: datetime
    connected: bool
    answering: bool
    silent_s: float | None
    session: SessionView | None
    line: LineSnapshot | None
    balance_closes: bool
    commands: tuple[LineCommand, ...]
    modes: tuple[LineMode, ...]
    alarms: tuple[AlarmView, ...]
    minute: Flow
    whole_session: Flow
    store: StoreStatus
    store_closes: bool
    picture_seq: int
    purity: tuple[AuditedPurity, ...]
    refusals: tuple[RefusalView, ...]


_JSON = TypeAdapter(PageState)


class PageStateSource:
    """Puts the page's state together. Runs in the event loop; does not block."""

    def __init__(self, *, hub: LineHub, recorder: Recorder, utc: UtcMapper) -> None:
        self._hub = hub
        self._recorder = recorder
        self._utc = utc
        self._purity: tuple[AuditedPurity, ...] = ()

    def take_purity(self, purity: tuple[AuditedPurity, ...]) -> None:
        """Show this from now on. Any thread."""
        self._purity = purity

    @property
    def purity(self) -> tuple[AuditedPurity, ...]:
        """By product, from manual samples; empty where none are looked for. Any thread."""
        return self._purity

    def line_id(self) -> str | None:
        """Return which line is on show, None before the first. Any thread."""
        session = self._hub.session
        return None if session is None else session.line_id

    def commands(self) -> tuple[LineCommand, ...]:
        """Return the commands that the line would take now."""
        snapshot = self._hub.snapshot
        if snapshot is None or not self._hub.answering:
            return ()
        return snapshot.valid_commands

    def modes(self) -> tuple[LineMode, ...]:
        """Return the other unit modes to which the line would change now."""
        snapshot = self._hub.snapshot
        if snapshot is None or not self._hub.answering or snapshot.state not in MODE_CHANGES_IN:
            return ()
        return tuple(mode for mode in LineMode if mode is not snapshot.mode)

    def state(self) -> PageState:
        """Return the state of this moment."""
        hub = self._hub
        status = self._recorder.status
        snapshot = hub.snapshot
        return PageState(
            at_utc=utc_now(),
            connected=hub.connected,
            answering=hub.answering,
            silent_s=hub.silent_s,
            session=self._session(),
            line=snapshot,
            balance_closes=snapshot is None or snapshot.totals.closes,
            commands=self.commands(),
            modes=self.modes(),
            alarms=tuple(self._alarm(alarm) for alarm in hub.alarms),
            minute=hub.minute_flow(),
            whole_session=hub.session_flow(),
            store=status,
            store_closes=status.account is None or status.account.closes,
            picture_seq=hub.picture_seq,
            purity=self._purity,
            refusals=self._refusals(snapshot),
        )

    def json(self) -> bytes:
        """Return the state of this moment as JSON; infinities become null."""
        return _JSON.dump_json(self.state())

    def _session(self) -> SessionView | None:
        session = self._hub.session
        if session is None:
            return None
        return SessionView(
            session_id=session.session_id,
            line_id=session.line_id,
            station_names=session.station_names,
            opened_at_utc=self._utc.at_utc(session.opened_ns),
        )

    def _refusals(self, snapshot: LineSnapshot | None) -> tuple[RefusalView, ...]:
        if snapshot is None:
            return ()
        since_ns = snapshot.at_ns - int(REFUSALS_SHOWN_S * NS_PER_S)
        return tuple(
            RefusalView(
                at_utc=self._utc.at_utc(refused.at_ns),
                operator=refused.operator,
                reason=refused.reason,
            )
            for refused in snapshot.refusals
            if refused.at_ns >= since_ns
        )

    def _alarm(self, alarm: Alarm) -> AlarmView:
        return AlarmView(
            kind=alarm.kind,
            raised_at_utc=self._utc.at_utc(alarm.raised_ns),
            detail=alarm.detail,
            remedy=alarm.remedy,
            acknowledged=alarm.acknowledged,
        )
