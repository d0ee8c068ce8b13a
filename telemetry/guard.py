"""Keeps other web sites out: a page opened elsewhere in the browser must not operate the line."""

import ipaddress

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_HEADER = "x-sortline-request"
"""Set by the page's own script on every POST; a foreign site cannot send it without a preflight,
which is never answered."""

_SECURITY_HEADERS = (
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_SAFE_METHODS = ("GET", "HEAD")


class RequestGuard:
    """ASGI middleware: checks Host on every request, origin and own header on writing ones.

    Args:
        app: what is guarded.
        host_names: names the Host header may carry, without port.
    """

    def __init__(self, app: ASGIApp, *, host_names: frozenset[str]) -> None:
        self._app = app
        self._host_names = host_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_SECURITY_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if _name(host) not in self._host_names:
            return PlainTextResponse("this name is not among allowed_hosts\n", status_code=421)
        if method in _SAFE_METHODS:
            return None
        origin = headers.get("origin")
        foreign = origin is not None and origin.split("://")[-1] != host
        site = headers.get("sec-fetch-site", "same-origin")
        if foreign or site not in ("same-origin", "none") or REQUEST_HEADER not in headers:
            return PlainTextResponse("requests are taken from this page only\n", status_code=403)
        return None


def _name(host: str) -> str:
    """Return a Host header's name without its port; IPv6 addresses lose their brackets."""
    if host.startswith("["):
        return host[1:].split("]", maxsplit=1)[0]
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return host.split(":", maxsplit=1)[0].lower()
    return host
