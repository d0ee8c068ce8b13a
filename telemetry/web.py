"""The page and its interface: static files, live state, pictures, items, requests, metrics."""

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from controller.snapshot import (
    AcknowledgeAlarm,
    AlarmKind,
    LampRemoved,
    ModeRequest,
    OperatorRequest,
    PackmlRequest,
    ProductSampled,
    SetPurity,
)
from telemetry.accounts_pages import AccountsPages
from telemetry.bodies import (
    AcknowledgeBody,
    CommandBody,
    ItemsQuery,
    ModeBody,
    PlainBody,
    ProductSampledBody,
    ReviveBody,
    SetPurityBody,
    read_body,
)
from telemetry.broadcast import StateBroadcast
from telemetry.clerk_status import ClerkStatus, PlantClerk
from telemetry.delivery.ports import DeliveryError
from telemetry.delivery.queue import ParcelStanding
from telemetry.errors import DatabaseError
from telemetry.guard import RequestGuard
from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.desk import AccountDesk
from telemetry.hmi.gate import Gate, GateRules, signed_in_name
from telemetry.hmi.procedures import procedure_routes
from telemetry.hmi.words import words
from telemetry.hub import LineHub
from telemetry.page_state import PageStateSource
from telemetry.recorder import Recorder
from telemetry.store import ItemStore
from telemetry.store_reader import SessionBalance, StoredItem

STATIC = Path(__file__).parent / "static"
_BALANCES = TypeAdapter(tuple[SessionBalance, ...])
_PARCELS = TypeAdapter(tuple[ParcelStanding, ...])
_ITEMS = TypeAdapter(tuple[StoredItem, ...])


class Pages:
    """Route handlers. The page never reaches the PLC: it posts requests, the controller decides."""

    def __init__(
        self,
        *,
        hub: LineHub,
        recorder: Recorder,
        source: PageStateSource,
        broadcast: StateBroadcast,
        registry: CollectorRegistry,
        api: Sequence[Route] = (),
    ) -> None:
        self._hub = hub
        self._recorder = recorder
        self._source = source
        self._broadcast = broadcast
        self._registry = registry
        self._api = api
        self._clerk: PlantClerk | None = None

    @property
    def accounts_status(self) -> ClerkStatus:
        """How the plant's accounts stand; in order where none are kept."""
        return self._clerk.status if self._clerk is not None else ClerkStatus()

    def take_clerk(self, clerk: PlantClerk) -> None:
        """Show this clerk's deliveries from now on. Any thread."""
        self._clerk = clerk

    def application(
        self, host_names: frozenset[str], *, desk: AccountDesk, book: AccountBook, rules: GateRules
    ) -> Starlette:
        """Return the guarded web application."""
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/healthz", self.health),
                Route("/metrics", self.metrics),
                Route("/api/state", self.state),
                Route("/api/events", self.events),
                Route("/api/picture", self.picture),
                Route("/api/items", self.items),
                Route("/api/balances", self.balances),
                Route("/api/deliveries", self.deliveries),
                Route("/api/deliveries/revive", self.revive, methods=["POST"]),
                Route("/api/command", self.command, methods=["POST"]),
                Route("/api/mode", self.mode, methods=["POST"]),
                Route("/api/acknowledge", self.acknowledge, methods=["POST"]),
                Route("/api/lamp-removed", self.lamp_removed, methods=["POST"]),
                Route("/api/product-sampled", self.product_sampled, methods=["POST"]),
                Route("/api/purity", self.set_purity, methods=["POST"]),
                Route("/sign-in", self.sign_in_page),
                Route("/api/words", words),
                *desk.routes(),
                *AccountsPages(lambda: self._clerk).routes(),
                *procedure_routes(),
                Route("/procedures", self.procedures_page),
                Route("/audit-log", self.audit_log_page),
                *self._api,
                Mount("/static", StaticFiles(directory=STATIC)),
            ],
            middleware=[
                Middleware(RequestGuard, host_names=host_names),
                Middleware(Gate, book=book, rules=rules),
            ],
            exception_handlers={ValidationError: _bad_request},
        )

    async def page(self, _request: Request) -> Response:
        """The page itself."""
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    async def sign_in_page(self, _request: Request) -> Response:
        """Where a user signs in, and where the first password is set."""
        return FileResponse(STATIC / "sign-in.html", headers={"cache-control": "no-cache"})

    async def procedures_page(self, _request: Request) -> Response:
        """Where a person is led through a procedure."""
        return FileResponse(STATIC / "procedures.html", headers={"cache-control": "no-cache"})

    async def audit_log_page(self, _request: Request) -> Response:
        """Where the office looks who did what."""
        return FileResponse(STATIC / "audit-log.html", headers={"cache-control": "no-cache"})

    async def health(self, _request: Request) -> Response:
        """200 while telemetry works and can store, 503 while it cannot store."""
        status = self._recorder.status
        return JSONResponse(
            {"store": status.available, "line": self._hub.answering, "detail": status.detail},
            status_code=200 if status.available else 503,
        )

    async def metrics(self, _request: Request) -> Response:
        """Everything for Prometheus."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def state(self, _request: Request) -> Response:
        """The page's state, once."""
        return _json(self._source.json())

    async def events(self, _request: Request) -> Response:
        """The page's state, live."""
        return StreamingResponse(
            self._broadcast.events(),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def picture(self, _request: Request) -> Response:
        """The newest annotated picture."""
        jpeg = self._hub.picture
        if not jpeg:
            return Response("no picture yet\n", status_code=404, media_type="text/plain")
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "no-store"})

    async def items(self, request: Request) -> Response:
        """Stored items, newest first: `limit`, `before_seq`, `session_id` (default: the newest)."""
        query = ItemsQuery.model_validate(dict(request.query_params))
        session = self._hub.session
        session_id = query.session_id or (session.session_id if session is not None else "")

        def read(store: ItemStore) -> tuple[StoredItem, ...]:
            return store.items(
                session_id=session_id, before_seq=query.before_seq, limit=query.limit
            )

        return _json(_ITEMS.dump_json(await self._recorder.read(read)))

    async def balances(self, _request: Request) -> Response:
        """The stored books of the newest sessions."""
        return _json(_BALANCES.dump_json(await self._recorder.read(_newest_balances)))

    async def deliveries(self, _request: Request) -> Response:
        """Reports on their way: dead and waiting ones first, with what their receiver said."""
        if self._clerk is None:
            return _answer("this line keeps no accounts", 404)
        try:
            parcels = await run_in_threadpool(self._clerk.parcels)
        except DatabaseError as error:
            return _answer(str(error), 503)
        return _json(_PARCELS.dump_json(parcels))

    async def revive(self, request: Request) -> Response:
        """Try a dead delivery again; 409 if it is not dead."""
        body = await read_body(request, ReviveBody)
        if self._clerk is None:
            return _answer("this line keeps no accounts", 404)
        try:
            await run_in_threadpool(
                self._clerk.retry, body.parcel_id, signed_in_name(request.scope)
            )
        except DeliveryError as error:
            return _answer(str(error), 409)
        except DatabaseError as error:
            return _answer(str(error), 503)
        return _answer("it will be tried again", 202)

    async def command(self, request: Request) -> Response:
        """Ask the line for a state change; 409 if its state does not allow it."""
        body = await read_body(request, CommandBody)
        if self._hub.answering and body.command not in self._source.commands():
            return _answer(f"{body.command.value} is not possible in this state", 409)
        return self._pass_on(
            PackmlRequest(command=body.command, operator=signed_in_name(request.scope))
        )

    async def mode(self, request: Request) -> Response:
        """Ask the line for another unit mode; 409 if it would not change to it now."""
        body = await read_body(request, ModeBody)
        if self._hub.answering and body.mode not in self._source.modes():
            words = f"the line is in {body.mode.value} mode, or not stopped, idle or aborted"
            return _answer(words, 409)
        return self._pass_on(ModeRequest(mode=body.mode, operator=signed_in_name(request.scope)))

    async def acknowledge(self, request: Request) -> Response:
        """Tell that an alarm has been seen; 409 if it does not stand."""
        body = await read_body(request, AcknowledgeBody)
        if body.kind not in {alarm.kind for alarm in self._hub.alarms}:
            return _answer(f"alarm {body.kind.value} does not stand", 409)
        return self._pass_on(
            AcknowledgeAlarm(kind=body.kind, operator=signed_in_name(request.scope))
        )

    async def lamp_removed(self, request: Request) -> Response:
        """Tell that the lamp has been taken off the line; 409 if none was found."""
        await read_body(request, PlainBody)
        if AlarmKind.LAMP_FOUND not in {alarm.kind for alarm in self._hub.alarms}:
            return _answer("no lamp alarm stands", 409)
        return self._pass_on(LampRemoved(operator=signed_in_name(request.scope)))

    async def product_sampled(self, request: Request) -> Response:
        """Tell what a sample of a product came to, for holding its purity."""
        body = await read_body(request, ProductSampledBody)
        return self._pass_on(
            ProductSampled(**body.model_dump(), operator=signed_in_name(request.scope))
        )

    async def set_purity(self, request: Request) -> Response:
        """Want another purity of a product that is held."""
        body = await read_body(request, SetPurityBody)
        return self._pass_on(SetPurity(**body.model_dump(), operator=signed_in_name(request.scope)))

    def _pass_on(self, request: OperatorRequest) -> Response:
        if self._hub.request(request):
            return _answer("passed to the line", 202)
        return _answer("the line is not connected", 503)


def _newest_balances(store: ItemStore) -> tuple[SessionBalance, ...]:
    return store.balances(limit=20)


async def _bad_request(_request: Request, error: Exception) -> Response:
    return _answer(f"request not understood: {_summary(error)}", 400)


def _summary(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return type(error).__name__
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}"


def _answer(detail: str, status_code: int) -> Response:
    return JSONResponse({"detail": detail}, status_code=status_code)


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json", headers={"cache-control": "no-store"})
