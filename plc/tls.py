"""Modbus/TCP Security: TLS with certificates on both sides, and what went wrong in words.

The Modbus/TCP Security protocol specification (modbus.org, MB-TCP-Security v2.1) asks for TLS 1.2
or newer, mutual authentication, and the client's role in its certificate.
"""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from plc.errors import PlcSecurityError, SecurityProblem
from plc.transport_config import TlsTransport

ROLE_OID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
"""Modbus.org's arc; the extension's value is one UTF8String."""
_UTF8_STRING: Final = 0x0C
_LONG_LENGTH: Final = 0x80
_TRIPLE = "make new ones: python -m plc.certificates --help"
_VERIFY_PROBLEMS: Final = {
    9: (SecurityProblem.PLC_CERTIFICATE_EXPIRED, "is not valid yet; set this PC's clock"),
    10: (SecurityProblem.PLC_CERTIFICATE_EXPIRED, "has expired; renew it in the PLC"),
    62: (
        SecurityProblem.WRONG_HOSTNAME,
        "is for another name; set transport.server_name to the name in it, or check the address",
    ),
    64: (
        SecurityProblem.WRONG_HOSTNAME,
        "is for another address; set transport.server_name to the name in it, or check the address",
    ),
}
"""OpenSSL's X509_V_ERR codes; every other one means that the chain does not end at our CA."""
_NOT_OUR_CA: Final = (
    SecurityProblem.WRONG_CA,
    "was not signed by the authority in transport.ca; take the CA file that belongs to the PLC",
)


def open_tls(transport: TlsTransport, timeout_s: float) -> ssl.SSLSocket:
    """Connect and shake hands; blocks up to the timeout for each.

    Raises:
        PlcSecurityError: the two ends do not trust each other; says why and what to do.
        OSError: nobody answers.
    """
    context = client_context(transport)
    name = transport.server_name or transport.host
    where = f"{transport.host}:{transport.port}"
    plain = socket.create_connection((transport.host, transport.port), timeout_s)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except ssl.SSLError as error:
        plain.close()
        raise security_error(error, where) from error
    except OSError:
        plain.close()
        raise


def client_context(transport: TlsTransport) -> ssl.SSLContext:
    """Return the TLS settings of the line's end, after looking at its own certificate.

    Raises:
        PlcSecurityError: a file cannot be used, the certificate has expired or carries no role.
    """
    check_own_certificate(transport.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(transport.ca)
        context.load_cert_chain(transport.certificate, transport.key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        words = (
            f"{transport.ca}, {transport.certificate} and {transport.key} cannot be used together "
            f"({error}); they must be PEM files and the key must belong to the certificate; "
        )
        raise PlcSecurityError(SecurityProblem.OWN_FILES, words + _TRIPLE) from error
    return context


def _no_password() -> str:
    """Refuse encrypted keys instead of asking on the terminal of a machine nobody sits at."""
    msg = "the key is encrypted"
    raise ValueError(msg)


def check_own_certificate(path: Path) -> None:
    """Look at the line's own certificate before the PLC does.

    Raises:
        PlcSecurityError: unreadable, not valid today, or without a role.
    """
    certificate = _read(path)
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        words = (
            f"{path} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}, today is {now:%Y-%m-%d}; have it "
            "renewed by whoever keeps the plant's CA, or set this PC's clock"
        )
        raise PlcSecurityError(SecurityProblem.OWN_CERTIFICATE_EXPIRED, words)
    if role_in(certificate) is None:
        words = (
            f"{path} carries no role (extension {ROLE_OID.dotted_string}); have it issued with "
            "the role that the PLC lets write"
        )
        raise PlcSecurityError(SecurityProblem.NO_ROLE, words)


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        words = f"{path} is no readable certificate ({error}); {_TRIPLE}"
        raise PlcSecurityError(SecurityProblem.OWN_FILES, words) from error


def role_of(path: Path) -> str:
    """Return the role in a certificate file, empty where it has none.

    Raises:
        PlcSecurityError: unreadable.
    """
    return role_in(_read(path)) or ""


def role_in(certificate: x509.Certificate) -> str | None:
    """Return a certificate's Modbus role, None where it has none or a malformed one."""
    try:
        extension = certificate.extensions.get_extension_for_oid(ROLE_OID)
    except x509.ExtensionNotFound:
        return None
    value = extension.value
    encoded = value.value if isinstance(value, x509.UnrecognizedExtension) else b""
    # DER: tag, length (one byte below 128), text.
    whole = len(encoded) > 1 and encoded[1] < _LONG_LENGTH and len(encoded) == 2 + encoded[1]
    if not whole or encoded[0] != _UTF8_STRING:
        return None
    try:
        return encoded[2:].decode() or None
    except UnicodeDecodeError:
        return None


def security_error(error: ssl.SSLError, where: str) -> PlcSecurityError:
    """Name what a TLS failure means for the plant."""
    if isinstance(error, ssl.SSLCertVerificationError):
        problem, words = _VERIFY_PROBLEMS.get(error.verify_code, _NOT_OUR_CA)
        return PlcSecurityError(
            problem, f"the certificate of the PLC at {where} {words} ({error.verify_message})"
        )
    reason = error.reason or str(error)
    if "ALERT" in reason.upper():
        return _refused(where, reason)
    words = (
        f"{where} does not speak TLS as we do ({reason}); check the port (802 is usual) and that "
        "the PLC's Modbus/TCP Security is switched on"
    )
    return PlcSecurityError(SecurityProblem.NOT_TLS, words)


def hung_up_unheard(where: str) -> PlcSecurityError:
    """Name what it means that a PLC breaks off before its first answer.

    With TLS 1.3 our certificate is judged after our side of the handshake has ended, and some
    devices only hang up.
    """
    return _refused(where, "it hung up after the handshake")


def _refused(where: str, reason: str) -> PlcSecurityError:
    words = (
        f"the PLC at {where} refuses our certificate ({reason}); have it signed by the authority "
        "that the PLC knows, and check its dates"
    )
    return PlcSecurityError(SecurityProblem.REFUSED_BY_PLC, words)
