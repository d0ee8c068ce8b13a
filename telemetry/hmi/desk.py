"""Signing in and out, the first password, one's own password and language, the audit log."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from calibration.clock import Clock
from telemetry.bodies import read_body
from telemetry.config import is_loopback
from telemetry.hmi.account_types import LogLine, Visit
from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.errors import AccountError
from telemetry.hmi.gate import COOKIE, CSRF_HEADER, address_of, cookie_of
from telemetry.hmi.roles import Role, rights_of
from telemetry.hmi.throttle import LoginThrottle
from telemetry.wall import utc_now
from telemetry.wording import Language

FIRST_ADMIN: Final = "admin"
_Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]
_LOG = TypeAdapter(tuple[LogLine, ...])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _SignIn(_Body):
    name: _Text
    password: _Text


class _FirstRun(_Body):
    password: _Text
    language: Language = Language.EN


class _NewPassword(_Body):
    old: _Text
    new: _Text


class _SpeakTo(_Body):
    language: Language


class AccountDesk:
    """Route handlers around the users' file.

    Args:
        book: users, visits and the log.
        clock: paces tries to sign in.
        stay: how long a visit lasts.
        secure: the page is served by TLS, so the cookie is to travel by nothing else.
    """

    def __init__(self, *, book: AccountBook, clock: Clock, stay: timedelta, secure: bool) -> None:
        self._book = book
        self._stay = stay
        self._secure = secure
        self._throttle = LoginThrottle(clock)
        # One at a time: a thousand tries must not take a thousand times the memory of one.
        self._hashing = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Return where the handlers answer."""
        return [
            Route("/api/session", self.session),
            Route("/api/audit-log", self.audit_log),
            Route("/api/sign-in", self.sign_in, methods=["POST"]),
            Route("/api/sign-out", self.sign_out, methods=["POST"]),
            Route("/api/first-run", self.first_run, methods=["POST"]),
            Route("/api/password", self.password, methods=["POST"]),
            Route("/api/language", self.language, methods=["POST"]),
        ]

    async def session(self, request: Request) -> Response:
        """Who is signed in, and whether the first password is still to be set."""
        visit: Visit | None = request.scope["visit"]
        content: dict[str, object] = {"first_run": not self._book.has_admin(), "user": None}
        if visit is not None:
            content |= _words(visit)
        return JSONResponse(content, headers={"cache-control": "no-store"})

    async def audit_log(self, _request: Request) -> Response:
        """The newest lines of the audit log."""
        lines = await run_in_threadpool(self._book.log_lines)
        return Response(_LOG.dump_json(lines), media_type="application/json")

    async def sign_in(self, request: Request) -> Response:
        """Begin a visit; 401 for a wrong name or password, 429 after too many."""
        body = await read_body(request, _SignIn)
        address = f"from {address_of(request.scope)}"
        keys = (f"name {body.name.casefold()} {address}", address)
        async with self._hashing:
            wait_s = self._throttle.wait_s(*keys)
            if wait_s > 0:
                return _answer(
                    f"too many wrong passwords; try again in {wait_s:.0f} s", 429, wait_s=wait_s
                )
            right = await run_in_threadpool(self._matches, body.name, body.password)
            if not right:
                self._throttle.failed(*keys)
        if not right:
            await self._log(request, body.name[:40], "sign_in", "refused")
            return _answer("name or password is wrong", 401)
        self._throttle.succeeded(*keys)
        await self._log(request, body.name, "sign_in", "accepted")
        return await self._welcome(body.name)

    def _matches(self, name: str, password: str) -> bool:
        try:
            return self._book.password_matches(name, password)
        except AccountError:
            return False

    async def _welcome(self, name: str) -> Response:
        token, visit = await run_in_threadpool(self._book.sign_in, name, utc_now(), self._stay)
        answer = JSONResponse({"first_run": False, **_words(visit)})
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(self._stay.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )
        return answer

    async def sign_out(self, request: Request) -> Response:
        """End the visit."""
        visit = _own(request)
        if visit is None:
            return _answer("nobody is signed in", 401)
        await run_in_threadpool(self._book.sign_out, cookie_of(request.scope))
        await self._log(request, visit.user.name, "sign_out", "accepted")
        answer = _answer("signed out", 200)
        answer.delete_cookie(COOKIE)
        return answer

    async def first_run(self, request: Request) -> Response:
        """Set the first admin's password, once, from this computer only."""
        body = await read_body(request, _FirstRun)
        if not is_loopback(address_of(request.scope)):
            words = "the first password is set at the line's own computer, or by: run_line.py users"
            return _answer(words, 403)
        async with self._hashing:
            if self._book.has_admin():
                return _answer("there is an admin already; sign in", 409)
            try:
                await run_in_threadpool(self._make_admin, body)
            except AccountError as error:
                return _answer(str(error), 400)
        await self._log(request, FIRST_ADMIN, "first_run", "accepted")
        return await self._welcome(FIRST_ADMIN)

    def _make_admin(self, body: _FirstRun) -> None:
        self._book.add(
            name=FIRST_ADMIN,
            password=body.password,
            role=Role.ADMIN,
            language=body.language,
            now=utc_now(),
        )

    async def password(self, request: Request) -> Response:
        """Change one's own password; every visit of the user ends."""
        body = await read_body(request, _NewPassword)
        visit = _own(request)
        if visit is None:
            return _answer("sign in first", 401)
        async with self._hashing:
            if not await run_in_threadpool(self._matches, visit.user.name, body.old):
                await self._log(request, visit.user.name, "password", "refused")
                return _answer("the old password is wrong", 403)
            try:
                await run_in_threadpool(self._book.set_password, visit.user.name, body.new)
            except AccountError as error:
                return _answer(str(error), 400)
        await self._log(request, visit.user.name, "password", "accepted")
        return await self._welcome(visit.user.name)

    async def language(self, request: Request) -> Response:
        """Have the page speak another language to the user."""
        body = await read_body(request, _SpeakTo)
        visit = _own(request)
        if visit is None:
            return _answer("sign in first", 401)
        await run_in_threadpool(self._book.set_language, visit.user.name, body.language)
        before, after = visit.user.language.value, body.language.value
        await self._log(
            request, visit.user.name, "language", "accepted", before=before, after=after
        )
        return _answer("done", 200)

    async def _log(
        self, request: Request, user: str, action: str, outcome: str, **change: str
    ) -> None:
        line = LogLine(
            at=utc_now(),
            user=user,
            address=address_of(request.scope),
            action=action,
            outcome=outcome,
            **change,
        )
        await run_in_threadpool(self._book.log, line)


def _own(request: Request) -> Visit | None:
    """Return the visit of a request that carries its token against forgery."""
    visit: Visit | None = request.scope["visit"]
    if visit is None or request.headers.get(CSRF_HEADER) != visit.csrf:
        return None
    return visit


def _words(visit: Visit) -> dict[str, object]:
    return {
        "user": visit.user.name,
        "role": visit.user.role.value,
        "language": visit.user.language.value,
        "rights": [right.value for right in rights_of(visit.user.role)],
        "csrf": visit.csrf,
        "expires_at": visit.expires_at.isoformat(),
    }


def _answer(detail: str, status_code: int, *, wait_s: float | None = None) -> JSONResponse:
    headers = {} if wait_s is None else {"retry-after": f"{wait_s:.0f}"}
    return JSONResponse({"detail": detail}, status_code=status_code, headers=headers)
