"""Receivers of reports over TLS: the reference one, and one that misbehaves on order."""

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from telemetry.delivery.receiver import Inbox

ROOT = Path(__file__).parents[2]


def certificates(folder: Path) -> Path:
    """Write an authority, a server and a client it has signed, and a stranger it has not."""
    authority = _issue("authority", None)
    _write(folder, "ca", authority)
    for name in ("server", "client"):
        _write(folder, name, _issue(name, authority))
    _write(folder, "stranger", _issue("stranger", _issue("other authority", None)))
    return folder


_Pair = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def _issue(name: str, by: _Pair | None) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_key, issuer = (by[0], by[1].subject) if by else (key, subject)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    return key, builder.sign(issuer_key, hashes.SHA256())


def _write(folder: Path, name: str, pair: _Pair) -> None:
    key, certificate = pair
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@contextmanager
def running_receiver(papers: Path, store: Path) -> Iterator[int]:
    """Run the reference receiver as its own process; yield its port once it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    files = ("--cert", papers / "server.pem", "--key", papers / "server.key")
    words = ("--port", str(port), "--store", store, *files, "--clients", papers / "ca.pem")
    command = [sys.executable, "-m", "telemetry.delivery.receiver", *map(str, words)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            threading.Event().wait(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class MisbehavingReceiver:
    """Speaks HTTP over TLS and behaves, request by request, as it was told; then well."""

    def __init__(
        self, papers: Path, store: Path, behaviours: Sequence[str], who: str = "server"
    ) -> None:
        self.inbox = Inbox(store)
        self._behaviours = list(behaviours)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(papers / f"{who}.pem", papers / f"{who}.key")
        self._context.load_verify_locations(papers / "ca.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._held: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        for one in (*self._held, self._listener):
            one.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError, OSError):
                bare, _ = self._listener.accept()
                bare.settimeout(5)
                self._answer(self._context.wrap_socket(bare, server_side=True))

    def _answer(self, peer: socket.socket) -> None:
        behaviour = self._behaviours.pop(0) if self._behaviours else "good"
        if behaviour == "close_at_once":
            peer.close()
            return
        head, body = self._read(peer, half=behaviour == "drop_half_the_body")
        if behaviour == "drop_half_the_body":
            peer.close()
            return
        reply = getattr(self, f"_{behaviour}", self._refuse)(behaviour, head, body)
        if reply is None:
            self._held.append(peer)
            return
        peer.sendall(reply)
        peer.close()

    def _read(self, peer: socket.socket, *, half: bool) -> tuple[dict[str, str], bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += peer.recv(4096)
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")[1:]
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        wanted = int(headers["content-length"]) // (2 if half else 1)
        while len(body) < wanted:
            body += peer.recv(4096)
        return headers, body

    def _take(self, head: dict[str, str], body: bytes) -> bytes:
        _, receipt = self.inbox.take(head["idempotency-key"], body, json.loads(body)["sha256"])
        return json.dumps(receipt).encode()

    def _good(self, _: str, head: dict[str, str], body: bytes) -> bytes:
        return _http("201 Created", self._take(head, body))

    def _accept_and_say_nothing(self, _: str, head: dict[str, str], body: bytes) -> None:
        self._take(head, body)

    def _answer_twice(self, _: str, head: dict[str, str], body: bytes) -> bytes:
        return self._good("", head, body) * 2

    def _half_an_answer(self, _: str, head: dict[str, str], body: bytes) -> bytes:
        whole = self._good("", head, body)
        return whole[: len(whole) - 60]

    def _receipt_for_another(self, _: str, head: dict[str, str], body: bytes) -> bytes:
        self._take(head, body)
        return _http("201 Created", b'{"sha256": "0000"}')

    def _refuse(self, behaviour: str, _head: dict[str, str], _body: bytes) -> bytes:
        return _http(f"{behaviour} Later", b"later", "retry-after: 1200\r\n")


def _http(status: str, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body
