"""Serves the accounts' own pages: weighbridge tickets by form, and reports that were refused."""

from collections.abc import Callable
from dataclasses import fields
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from telemetry import accounts_html as html
from telemetry.clerk_status import PlantClerk
from telemetry.delivery.ports import DeliveryError
from telemetry.errors import TelemetryError
from telemetry.hmi.gate import signed_in_name
from telemetry.ledger.weighbridge import TicketForm
from telemetry.wording import Language, Wording, wording

MAX_BODY_BYTES = 16_384
_TICKET = tuple(field.name for field in fields(TicketForm))
Values = dict[str, str]


class AccountsPages:
    """Route handlers.

    Args:
        clerk: whoever keeps the accounts now; None while nobody does.
    """

    def __init__(self, clerk: Callable[[], PlantClerk | None]) -> None:
        self._clerk = clerk

    def routes(self) -> tuple[Route, ...]:
        """Return where these pages are."""
        post = ["POST"]
        return (
            Route("/weighbridge", self.form),
            Route("/weighbridge/check", self.check, methods=post),
            Route("/weighbridge/enter", self.enter, methods=post),
            Route("/weighbridge/back", self.back, methods=post),
            Route("/accounts/deliveries", self.deliveries),
            Route("/accounts/deliveries/retry", self.retry, methods=post),
            Route("/accounts/deliveries/drop", self.drop, methods=post),
        )

    async def form(self, request: Request) -> Response:
        """An empty form."""
        words = _words(dict(request.query_params))
        values = {"direction": "in", "by": _signed_in(request)}
        return _answer(html.ticket_form(words, values, ()))

    async def back(self, request: Request) -> Response:
        """The form as it was filled in."""
        values = await _values(request)
        return _answer(html.ticket_form(_words(values), values, ()))

    async def check(self, request: Request) -> Response:
        """What would be booked, or the form again with what is wrong."""
        return await self._ticket(await _values(request), enter=False)

    async def enter(self, request: Request) -> Response:
        """Book the ticket; sent twice it is booked once."""
        return await self._ticket(await _values(request), enter=True)

    async def deliveries(self, request: Request) -> Response:
        """Reports on their way, refused ones first."""
        words = _words(dict(request.query_params))
        return await self._listed(words, by=_signed_in(request))

    async def retry(self, request: Request) -> Response:
        """Try a refused report again."""
        return await self._decided(await _values(request), drop=False)

    async def drop(self, request: Request) -> Response:
        """Give a refused report up, with a reason."""
        return await self._decided(await _values(request), drop=True)

    async def _ticket(self, values: Values, *, enter: bool) -> Response:
        words, clerk = _words(values), self._clerk()
        if clerk is None:
            return _none(words)
        form = TicketForm(**{name: values.get(name, "") for name in _TICKET})
        by = values.get("by", "")
        work = clerk.enter_ticket if enter else clerk.check_ticket
        try:
            found = await run_in_threadpool(work, form, by)
        except TelemetryError as error:
            return _answer(html.ticket_form(words, values, [str(error)]), 503)
        if found.problems or found.entry is None:
            return _answer(html.ticket_form(words, values, found.problems), 422)
        if enter:
            return _answer(html.ticket_done(words, found.entry, known=found.known))
        return _answer(html.ticket_confirm(words, values, found.entry, known=found.known))

    async def _decided(self, values: Values, *, drop: bool) -> Response:
        words, clerk = _words(values), self._clerk()
        if clerk is None:
            return _none(words)
        by, reason, text = (values.get(name, "") for name in ("by", "reason", "parcel_id"))
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        try:
            if drop:
                await run_in_threadpool(clerk.drop, number, by, reason)
            else:
                await run_in_threadpool(clerk.retry, number, by)
        except DeliveryError as error:
            return await self._listed(words, str(error), by=by, status=409)
        except TelemetryError as error:
            return _answer(html.trouble_page(words, str(error)), 503)
        return await self._listed(words, by=by)

    async def _listed(
        self, words: Wording, problem: str = "", *, by: str, status: int = 200
    ) -> Response:
        clerk = self._clerk()
        if clerk is None:
            return _none(words)
        try:
            parcels = await run_in_threadpool(clerk.parcels)
        except TelemetryError as error:
            return _answer(html.trouble_page(words, str(error)), 503)
        problems = [problem] if problem else []
        return _answer(html.deliveries_page(words, parcels, problems, by=by), status)


async def _values(request: Request) -> Values:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk[: MAX_BODY_BYTES - len(content)]
        if len(content) >= MAX_BODY_BYTES:
            break
    text = content.decode("utf-8", errors="replace")
    values = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
    name = _signed_in(request)
    return values | {"by": name} if name else values


def _signed_in(request: Request) -> str:
    """Who has signed in, whose name counts whatever a form says; empty without a gate before."""
    return signed_in_name(request.scope) if request.scope.get("visit") is not None else ""


def _words(values: Values) -> Wording:
    wanted = values.get("lang", "")
    known = {one.value: one for one in Language}
    return wording(known.get(wanted, Language.KK))


def _none(words: Wording) -> Response:
    return _answer(html.trouble_page(words, words.text("page-no-accounts")), 404)


def _answer(content: str, status: int = 200) -> Response:
    return HTMLResponse(content, status_code=status, headers={"cache-control": "no-store"})
