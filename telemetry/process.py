"""The telemetry process: socket to the line, store, metrics and page in one event loop."""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import BinaryIO

import uvicorn
from starlette.types import ASGIApp

from calibration.clock import Clock, MonotonicClock
from telemetry.api.routes import Api
from telemetry.broadcast import StateBroadcast
from telemetry.config import TelemetryConfig
from telemetry.effectiveness.reasons import shipped_reasons
from telemetry.errors import StoreError, TelemetryStartError
from telemetry.exchange.publishing import Publishing
from telemetry.exchange.tags import LineView
from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.desk import AccountDesk
from telemetry.hmi.first_password import take_first_password
from telemetry.hmi.gate import GateRules
from telemetry.hmi.standing import standing_of
from telemetry.hub import LineHub
from telemetry.line_server import LineServer, bind_socket
from telemetry.metrics import LineCollector, make_registry
from telemetry.page_state import PageStateSource
from telemetry.plant.child import SenderChild
from telemetry.plant.config import PlantConfig
from telemetry.recorder import Recorder
from telemetry.signal_store import SignalStore
from telemetry.signals import Signals
from telemetry.store import ItemStore
from telemetry.store_writer import WriteResult
from telemetry.wall import UtcMapper
from telemetry.web import Pages

_log = logging.getLogger(__name__)

MAX_CONNECTIONS = 200
SHUTDOWN_S = 2
DRAIN_S = 0.5
"""After the parent is gone: time for what it had already sent to be read from the socket."""
ALARM_WATCH_S = 0.25


class TelemetryProcess:
    """Everything this process is made of; built before anything listens, so errors come first.

    Args:
        config: where to listen and write.

    Raises:
        StoreError: the store cannot be used.
        TelemetryStartError: port or socket are in use.
    """

    def __init__(self, config: TelemetryConfig) -> None:
        clock = MonotonicClock()
        self._clock = clock
        self._accounts: list[threading.Thread] = []
        self._no_accounts = threading.Event()
        utc = UtcMapper(clock=clock)
        store = ItemStore(path=config.store_path, clock=clock, utc=utc)
        try:
            signal_store = SignalStore(config.signals_path)
            self._book = AccountBook(config.users_path)
            take_first_password(self._book)
            self._page_socket = _bind_page(config)
            self._line_socket = bind_socket(config.socket_path)
        except (TelemetryStartError, StoreError):
            store.close()
            raise
        self._config = config
        self._failure: StoreError | None = None
        plant = config.plant
        self._sender = SenderChild(config, clock) if config.database is not None else None
        self._drain_s = 0.0
        self._hub = LineHub(clock=clock)
        self._recorder = Recorder(store=store, on_written=self._written)
        self._signals = Signals(
            hub=self._hub,
            recorder=self._recorder,
            store=signal_store,
            clock=clock,
            utc=utc,
            rated_t_per_h=None if plant is None else plant.accounts.equipment.rated_t_per_h,
            reasons={**shipped_reasons(), **config.reasons},
        )
        try:
            self._publishing = Publishing(config, clock)
        except (TelemetryStartError, StoreError):
            signal_store.close()
            store.close()
            raise
        self._line = LineServer(hub=self._hub, recorder=self._recorder, pictures=config.pictures)
        self._source = source = PageStateSource(hub=self._hub, recorder=self._recorder, utc=utc)
        self._broadcast = StateBroadcast(encode=source.json)
        collector = LineCollector(
            hub=self._hub,
            recorder=self._recorder,
            server=self._line,
            effectiveness=lambda: self._signals.last_day,
            purity=lambda: source.purity,
        )
        self._pages = Pages(
            hub=self._hub,
            recorder=self._recorder,
            source=source,
            broadcast=self._broadcast,
            registry=make_registry(collector),
            api=Api(
                hub=self._hub,
                recorder=self._recorder,
                signals=self._signals,
                calendar=None if plant is None else plant.accounts.calendar,
            ).routes(),
        )
        self._web = uvicorn.Server(
            uvicorn.Config(
                self._application(clock),
                ssl_certfile=config.tls_certificate,
                ssl_keyfile=config.tls_key,
                http="h11",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
        )

    def _application(self, clock: Clock) -> ASGIApp:
        config = self._config
        return self._pages.application(
            config.host_names,
            book=self._book,
            desk=AccountDesk(
                book=self._book,
                clock=clock,
                stay=timedelta(hours=config.session_h),
                secure=config.tls,
            ),
            rules=GateRules(
                open_to_read=config.open_to_read, before=lambda: standing_of(self._hub)
            ),
        )

    @property
    def page_port(self) -> int:
        """TCP port of the page, the real one where the configuration says 0."""
        return int(self._page_socket.getsockname()[1])

    def request_stop(self) -> None:
        """Have the process end in good order. Any thread and signal handlers may call it."""
        self._web.should_exit = True

    def parent_gone(self) -> None:
        """Have the process end once what the parent had already sent is read. Any thread."""
        self._drain_s = DRAIN_S
        self._web.should_exit = True

    async def run(self) -> None:
        """Serve until told to stop, then store what has arrived.

        Raises:
            StoreError: the store turned out damaged.
        """
        stop, signals_stop = asyncio.Event(), asyncio.Event()
        line = await self._line.start(self._line_socket)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._record(stop))
            tasks.create_task(self._broadcast.run(stop))
            tasks.create_task(self._watch(stop))
            tasks.create_task(
                self._publishing.run(LineView(hub=self._hub, signals=self._signals), stop)
            )
            signals = tasks.create_task(self._signals.run(signals_stop))
            self._begin_accounts()
            await self._web.serve(sockets=[self._page_socket])
            await asyncio.sleep(self._drain_s)
            line.close()
            self._line.disconnect()
            # Signals read from the recorder's store: they end before it does.
            signals_stop.set()
            await signals
            stop.set()
            await self._end_accounts()
        self._book.close()
        if self._sender is not None:
            self._sender.stop()
        with contextlib.suppress(FileNotFoundError):
            self._config.socket_path.unlink()
        if self._failure is not None:
            raise self._failure

    def _begin_accounts(self) -> None:
        plant = self._config.plant
        if plant is not None:
            # Its libraries are loaded only where a plant keeps accounts.
            clerk = importlib.import_module("telemetry.ledger.clerk")
            self._begin(
                "accounts",
                clerk.keep_accounts,
                plant,
                self._clock,
                self._no_accounts,
                self._pages.take_clerk,
            )
        if self._config.database is not None:
            self._begin("audits", self._watch_audits, self._config.database)

    def _watch_audits(self, plant: PlantConfig) -> None:
        # The database's libraries take a second to load: in this thread, only where one is used.
        audits = importlib.import_module("telemetry.plant.audit_watch")
        audits.watch_audits(
            plant, self._source.line_id, self._no_accounts, self._source.take_purity
        )

    def _begin(self, name: str, work: Callable[..., None], *facts: object) -> None:
        thread = threading.Thread(target=work, args=facts, name=name)
        self._accounts.append(thread)
        thread.start()

    async def _end_accounts(self) -> None:
        """Let the accounts book what was read last, off the event loop."""
        self._no_accounts.set()
        for thread in self._accounts:
            await asyncio.to_thread(thread.join)

    async def _record(self, stop: asyncio.Event) -> None:
        try:
            await self._recorder.run(stop)
        except StoreError as error:
            self._failure = error
            self.request_stop()

    async def _watch(self, stop: asyncio.Event) -> None:
        """Raise and drop the store's alarm; end the page's streams when the server is to exit."""
        while not stop.is_set():
            self._hub.watch_store(self._recorder.status)
            self._hub.watch_accounts(self._pages.accounts_status)
            if self._sender is not None:
                self._sender.keep()
            if self._web.should_exit:
                self._broadcast.end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), ALARM_WATCH_S)

    def _written(self, result: WriteResult) -> None:
        self._line.written(result)


def serve(
    config: TelemetryConfig, *, ready: Callable[[int], None], lifeline: BinaryIO | None = None
) -> None:
    """Run the telemetry process until SIGTERM, SIGINT or the end of its parent.

    Args:
        config: where to listen and write.
        ready: called with the page's port once everything listens.
        lifeline: a pipe from the parent; its end means that the parent is gone.

    Raises:
        StoreError: the store cannot be used.
        TelemetryStartError: port or socket are in use.
    """
    process = TelemetryProcess(config)
    with _signals(process.request_stop):
        if lifeline is not None:
            threading.Thread(
                target=_follow, args=(lifeline, process.parent_gone), daemon=True, name="lifeline"
            ).start()
        _log.info("page at %s://%s:%d", config.scheme, config.host, process.page_port)
        ready(process.page_port)
        asyncio.run(process.run())


def _follow(lifeline: BinaryIO, stop: Callable[[], None]) -> None:
    # Unbuffered: a daemon thread inside a buffered read would hold its lock at interpreter exit.
    while os.read(lifeline.fileno(), 1):
        pass
    _log.info("parent is gone, ending")
    stop()


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Stop in good order on SIGTERM and SIGINT, also before and after the web server's turn."""
    before = {
        number: signal.signal(number, lambda *_: stop())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bind_page(config: TelemetryConfig) -> socket.socket:
    """Bind and listen, so that a port in use is an error before anything else starts.

    Raises:
        TelemetryStartError: the address is in use or not ours.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
        listener.listen()
    except OSError as error:
        listener.close()
        msg = (
            f"telemetry.port: {config.host}:{config.port} cannot be bound: {error.strerror}; "
            "another line may be running, or choose another port"
        )
        raise TelemetryStartError(msg) from error
    return listener
