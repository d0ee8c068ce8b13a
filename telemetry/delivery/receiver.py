"""A reference receiver for tests and pilots: takes reports by HTTPS, each once.

`python -m telemetry.delivery.receiver --port 8443 --store received.sqlite --cert server.pem --key
server.key --clients ca.pem`; without certificates it listens on loopback only and in plain HTTP.
"""

import argparse
import base64
import hashlib
import json
import sqlite3
import ssl
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from telemetry.reports.seal import content_hash
from telemetry.wall import utc_now

MOST_BYTES: Final = 20_000_000
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS received (
    key TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, sha256 TEXT NOT NULL,
    content BLOB NOT NULL, receipt TEXT NOT NULL
) STRICT
"""


class Inbox:
    """What was received, each key once. Blocks on disk; safe from several threads.

    Args:
        path: SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as database:
            database.execute(_TABLE)

    def take(self, key: str, content: bytes, sha256: str) -> tuple[int, dict[str, Any]]:
        """Keep a report; return HTTP status and receipt. The same again gets the same receipt."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            found = database.execute(
                "SELECT content, receipt FROM received WHERE key = ?", (key,)
            ).fetchone()
            if found is not None:
                database.execute("COMMIT")
                if bytes(found[0]) != content:
                    return 409, {"error": f"{key} was received with other content"}
                receipt: dict[str, Any] = json.loads(found[1])
                return 200, receipt
            number = database.execute("SELECT count(*) + 1 FROM received").fetchone()[0]
            made = {
                "receipt": str(uuid.uuid4()),
                "key": key,
                "sha256": sha256,
                "received_at": utc_now().isoformat(timespec="seconds"),
            }
            database.execute(
                "INSERT INTO received VALUES (?, ?, ?, ?, ?)",
                (key, number, sha256, content, json.dumps(made)),
            )
            database.execute("COMMIT")
        return 201, made

    def keys(self) -> tuple[str, ...]:
        """Return every key in the order of receipt."""
        with self._open() as database:
            rows = database.execute("SELECT key FROM received ORDER BY number").fetchall()
        return tuple(key for (key,) in rows)

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, isolation_level=None, timeout=10)
        database.execute("PRAGMA synchronous = FULL")
        return database


def application(inbox: Inbox) -> Starlette:
    """Return the receiver as a web application."""

    async def receive(request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        if not key or len(key) > 100:
            return JSONResponse({"error": "an Idempotency-Key is needed"}, status_code=400)
        try:
            content = await _body(request)
        except ClientDisconnect:
            return JSONResponse({"error": "the body was cut off"}, status_code=400)
        problem, sha256 = _check(request.headers.get("content-digest"), content)
        if problem:
            return JSONResponse({"error": problem}, status_code=422)
        status, receipt = await run_in_threadpool(inbox.take, key, content, sha256)
        return JSONResponse(receipt, status_code=status)

    async def listing(_request: Request) -> Response:
        return JSONResponse({"keys": await run_in_threadpool(inbox.keys)})

    return Starlette(
        routes=[
            Route("/reports", receive, methods=["POST"]),
            Route("/reports", listing, methods=["GET"]),
        ]
    )


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            break
    return bytes(content)


def _check(digest: str | None, content: bytes) -> tuple[str, str]:
    """Return what is wrong with a body, empty if nothing is, and the report's own hash."""
    have = base64.b64encode(hashlib.sha256(content).digest()).decode()
    if digest != f"sha-256=:{have}:":
        return "the body does not have the digest that Content-Digest names", ""
    try:
        values = json.loads(content)
        told = values["sha256"]
    except (ValueError, KeyError, TypeError):
        return "the body is not a report", ""
    if content_hash(values) != told:
        return "the report does not have the hash it names", ""
    return "", str(told)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the receiver until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m telemetry.delivery.receiver")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--store", type=Path, required=True, metavar="FILE")
    parser.add_argument("--cert", type=Path, help="PEM certificate of this server")
    parser.add_argument("--key", type=Path, help="its key")
    parser.add_argument("--clients", type=Path, help="PEM that must have signed clients'")
    arguments = parser.parse_args(argv)
    files = (arguments.cert, arguments.key, arguments.clients)
    if any(files) and not all(files):
        parser.error("--cert, --key and --clients go together")
    if not all(files) and arguments.host not in ("127.0.0.1", "::1", "localhost"):
        parser.error("beyond loopback the receiver needs --cert, --key and --clients")
    uvicorn.run(
        application(Inbox(arguments.store)),
        host=arguments.host,
        port=arguments.port,
        ssl_certfile=arguments.cert,
        ssl_keyfile=arguments.key,
        ssl_ca_certs=str(arguments.clients) if arguments.clients else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if arguments.clients else ssl.CERT_NONE,
        log_level="warning",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
