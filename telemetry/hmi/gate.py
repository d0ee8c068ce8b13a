"""Lets requests through by who sends them, and writes down everything that changes something."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry.hmi.account_types import LogLine, Visit
from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.errors import AccountStoreError
from telemetry.hmi.roles import HOLDERS, Right, right_for
from telemetry.wall import utc_now

COOKIE: Final = "sortline_session"
CSRF_HEADER: Final = "x-sortline-csrf"
MAX_LOGGED: Final = 4096
"""Bytes of a request or an answer that the log keeps."""

_OPEN: Final = frozenset({"/healthz", "/metrics", "/sign-in", "/api/session", "/api/words"})
_OWN_LOG: Final = frozenset(
    {"/api/sign-in", "/api/sign-out", "/api/first-run", "/api/password", "/api/language"}
)
"""These check and log for themselves: their bodies hold passwords."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """What the gate asks.

    Attributes:
        open_to_read: whoever reaches the page may look at it; only acting needs signing in.
        before: what stands now, as JSON, for the log.
    """

    open_to_read: bool
    before: Callable[[], str]


class Gate:
    """ASGI middleware. Puts the visit, if there is one, into `scope["visit"]`.

    Args:
        app: what is behind the gate.
        book: users, visits and the log.
        rules: what is asked.
    """

    def __init__(self, app: ASGIApp, *, book: AccountBook, rules: GateRules) -> None:
        self._app = app
        self._book = book
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._pass(scope, receive, send)
        except AccountStoreError as error:
            await JSONResponse({"detail": str(error)}, status_code=503)(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = cookie_of(scope)
        visit = self._book.visit(token, utc_now()) if token else None
        scope["visit"] = visit
        path = scope["path"]
        if path in _OPEN or path in _OWN_LOG or path.startswith("/static/"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, visit)
        if scope["method"] in ("GET", "HEAD"):
            await (refusal or self._app)(scope, receive, send)
            return
        await self._logged(refusal or self._app, scope, receive, send)

    def _refusal(self, scope: Scope, visit: Visit | None) -> Response | None:
        method, path = scope["method"], scope["path"]
        right = right_for(method, path)
        if visit is None:
            if right is Right.READ and self._rules.open_to_read:
                return None
            if path.startswith("/api/"):
                return _refused("sign in first: nobody is signed in, or the time is over", 401)
            return RedirectResponse("/sign-in", status_code=303)
        if visit.user.role not in HOLDERS[right]:
            return _refused(f"a {visit.user.role.value} may not do this", 403)
        if method not in ("GET", "HEAD") and Headers(scope=scope).get(CSRF_HEADER) != visit.csrf:
            return _refused("this page is of another session; load it again", 403)
        return None

    async def _logged(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        before, asked, answered = self._rules.before(), bytearray(), bytearray()
        status = 500

        async def listen() -> Message:
            message = await receive()
            asked.extend(message.get("body", b"")[: MAX_LOGGED - len(asked)])
            return message

        async def tell(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b"")[: MAX_LOGGED - len(answered)])
            await send(message)

        try:
            await app(scope, listen, tell)
        finally:
            visit: Visit | None = scope["visit"]
            line = LogLine(
                at=utc_now(),
                user="" if visit is None else visit.user.name,
                role="" if visit is None else visit.user.role.value,
                address=address_of(scope),
                action=scope["path"][:MAX_LOGGED],
                before=before,
                after=asked.decode(errors="replace"),
                outcome=str(status),
                detail=_detail(bytes(answered)),
            )
            await run_in_threadpool(self._book.log, line)


def cookie_of(scope: Scope) -> str:
    """Return the secret of the session's cookie, empty where there is none."""
    cookies = SimpleCookie()
    try:
        cookies.load(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    kept = cookies.get(COOKIE)
    return "" if kept is None else kept.value


def signed_in_name(scope: Scope) -> str:
    """Return who asks; the gate lets nobody act who is not signed in."""
    visit: Visit = scope["visit"]
    return visit.user.name


def address_of(scope: Scope) -> str:
    """Return from which address a request came."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _detail(answered: bytes) -> str:
    try:
        content = json.loads(answered)
    except ValueError:
        return answered.decode(errors="replace")
    return str(content.get("detail", "")) if isinstance(content, dict) else ""


def _refused(detail: str, status_code: int) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status_code)
