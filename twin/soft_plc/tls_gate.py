"""The soft PLC's Modbus/TCP Security door: TLS on both sides, and what each role may do.

A request that the client's role may not make is answered with exception 1, as the Modbus/TCP
Security specification asks; what may pass goes to the plain Modbus server behind the door.
"""

import asyncio
import logging
import ssl
import struct
from collections.abc import Mapping
from contextlib import closing

from cryptography import x509

from plc.tls import role_in
from twin.soft_plc.setup import RoleRight, TlsEndpoint

_log = logging.getLogger(__name__)
_HEADER = struct.Struct(">HHHB")
_READS = frozenset({1, 2, 3, 4})
_WRITES = frozenset({5, 6, 15, 16, 22, 23})
_EXCEPTION, _ILLEGAL_FUNCTION = 0x80, 1
_RIGHTS: Mapping[RoleRight | None, frozenset[int]] = {
    "write": _READS | _WRITES,
    "read": _READS,
    None: frozenset(),
}


class TlsGate:
    """Lets certified masters through to the server behind it."""

    def __init__(self, endpoint: TlsEndpoint, *, behind_port: int) -> None:
        """Prepare.

        Args:
            endpoint: address, certificates and roles.
            behind_port: local port of the plain server.
        """
        self._endpoint = endpoint
        self._behind_port = behind_port
        self._server: asyncio.Server | None = None

    async def listen(self) -> int:
        """Open the door and return its port.

        Raises:
            OSError: the port is in use, or a certificate file cannot be read.
        """
        self._server = await asyncio.start_server(
            self._serve, self._endpoint.host, self._endpoint.port, ssl=_context(self._endpoint)
        )
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Let nobody in any more. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        allowed = _RIGHTS[self._endpoint.roles.get(_role(answers) or "")]
        try:
            behind, requests = await asyncio.open_connection("127.0.0.1", self._behind_port)
            with closing(answers), closing(requests):
                while True:
                    header, pdu = await _frame(client)
                    if pdu[0] in allowed:
                        requests.write(header + pdu)
                        header, pdu = await _frame(behind)
                    else:
                        transaction, protocol, _, unit = _HEADER.unpack(header)
                        pdu = bytes((pdu[0] | _EXCEPTION, _ILLEGAL_FUNCTION))
                        header = _HEADER.pack(transaction, protocol, len(pdu) + 1, unit)
                    answers.write(header + pdu)
                    await answers.drain()
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as error:
            # A master that goes away is no news here.
            _log.debug("a master has gone: %s", error)


def _context(endpoint: TlsEndpoint) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(endpoint.ca)
    context.load_cert_chain(endpoint.certificate, endpoint.key)
    return context


def _role(writer: asyncio.StreamWriter) -> str | None:
    encoded = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return role_in(x509.load_der_x509_certificate(encoded))


async def _frame(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    header = await reader.readexactly(_HEADER.size)
    return header, await reader.readexactly(max(1, _HEADER.unpack(header)[2] - 1))
