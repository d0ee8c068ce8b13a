"""Delivery by HTTPS POST with an idempotency key, both ends showing certificates."""

import base64
import email.utils
import hashlib
import http.client
import json
import ssl
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from telemetry.delivery.ports import DeliveryRefusedError, DeliveryRetryError, Parcel

_MOST_ANSWER_BYTES: Final = 1_000_000
_RETRYABLE: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)


def client_context(trust: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Return TLS that shows a client certificate and takes only servers signed by `trust`.

    Raises:
        DeliveryRetryError: a file is missing or no certificate; it can be put right meanwhile.
    """
    try:
        context = ssl.create_default_context(cafile=trust)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        msg = f"certificates {trust}, {certificate}, {key}: {error}"
        raise DeliveryRetryError(msg) from error
    return context


class HttpsTransport:
    """Implements `Transport` by POST; the receiver answers with a JSON receipt.

    A receipt counts only if it names the SHA-256 of what was sent: half an answer, or one to
    something else, is tried again, and the key lets the receiver know it has the report already.

    Args:
        url: of the receiver.
        trust: PEM certificates that may have signed the server's.
        certificate: PEM client certificate.
        key: its key.
        timeout_s: for connecting and for each read.
    """

    def __init__(
        self, *, url: str, trust: Path, certificate: Path, key: Path, timeout_s: float
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 443
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._files = (trust, certificate, key)
        self._timeout_s = timeout_s

    def send(self, parcel: Parcel) -> str:
        """Post. See `Transport`."""
        connection = http.client.HTTPSConnection(
            self._host,
            self._port,
            timeout=self._timeout_s,
            context=client_context(*self._files),
        )
        try:
            connection.request("POST", self._path, body=parcel.content, headers=_headers(parcel))
            answer = connection.getresponse()
            body = answer.read(_MOST_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as error:
            msg = f"{self._host}:{self._port}: {type(error).__name__} {error}"
            raise DeliveryRetryError(msg) from error
        finally:
            connection.close()
        return _receipt(parcel, answer, body)


def _headers(parcel: Parcel) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(parcel.content).digest()).decode()
    return {
        "content-type": "application/json",
        "idempotency-key": parcel.key,
        "content-digest": f"sha-256=:{digest}:",
        "connection": "close",
    }


def _receipt(parcel: Parcel, answer: http.client.HTTPResponse, body: bytes) -> str:
    words = body.decode(errors="replace").strip()
    status = answer.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRYABLE:
        wait = _retry_after(answer.headers.get("retry-after"))
        raise DeliveryRetryError(f"answered {status}: {words[:200]}", wait=wait)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise DeliveryRefusedError(f"answered {status}: {words[:200]}")
    try:
        named = json.loads(words).get("sha256")
    except (ValueError, AttributeError) as error:
        msg = f"answered {status} without a whole receipt: {words[:200]!r}"
        raise DeliveryRetryError(msg) from error
    if named != parcel.sha256:
        msg = f"the receipt is for {named}, sent was {parcel.sha256}"
        raise DeliveryRetryError(msg)
    return words


def _retry_after(text: str | None) -> timedelta | None:
    """Seconds or a date (RFC 9110, 10.2.3); what is neither is ignored."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text))
    try:
        return email.utils.parsedate_to_datetime(text) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
