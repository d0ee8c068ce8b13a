"""Makes a test authority and Modbus/TCP Security certificates signed by it.

    python -m plc.certificates DIR --role operator --host plc.example

For commissioning and tests. A plant with an authority of its own has it sign the line's certificate
and keeps that authority's key off this PC.
"""

import argparse
import ipaddress
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from plc.tls import ROLE_OID

_DAYS = 825
_AUTHORITY_DAYS = 3650
_LONGEST_ROLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A key that signs, and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @staticmethod
    def new(name: str = "test authority of the sorting line") -> "Authority":
        """Make a self-signed authority, valid for ten years."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        builder = _builder(subject, subject, key, days=_AUTHORITY_DAYS)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = _key_usage(signs_certificates=True)
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        return Authority(key=key, certificate=builder.sign(key, hashes.SHA256()))

    def issue(
        self, name: str, *, role: str | None = None, hosts: Sequence[str] = (), days: int = _DAYS
    ) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """Issue a key and a certificate.

        Args:
            name: common name.
            role: Modbus role, None for none.
            hosts: names and addresses that it stands for, for a PLC's certificate.
            days: validity from today; negative for one that has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self.certificate.subject, key, days=days)
        builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(authority, critical=False)
        if role is not None:
            text = role.encode()
            value = x509.UnrecognizedExtension(ROLE_OID, bytes((0x0C, len(text))) + text)
            builder = builder.add_extension(value, critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return key, builder.sign(self.key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    first, last = now - timedelta(hours=1), now + timedelta(days=days)
    if last <= first:
        first = last - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """Write a certificate as PEM."""
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a private key as PEM, readable by its owner alone."""
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def write_pair(
    folder: Path, name: str, pair: tuple[ec.EllipticCurvePrivateKey, x509.Certificate]
) -> None:
    """Write NAME.pem and NAME.key."""
    key, certificate = pair
    write_certificate(folder / f"{name}.pem", certificate)
    write_key(folder / f"{name}.key", key)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m plc.certificates",
        description="Make a test authority (ca.pem), a PLC's certificate (plc.pem, plc.key) and a "
        "line's (line.pem, line.key) for Modbus/TCP Security.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="made if need be")
    parser.add_argument("--role", default="operator", help="in the line's certificate (operator)")
    parser.add_argument(
        "--host",
        action="append",
        metavar="HOST",
        help="name or address in the PLC's certificate, may be repeated (127.0.0.1, localhost)",
    )
    parser.add_argument("--days", type=int, default=_DAYS, help=f"validity from today ({_DAYS})")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Make the files; returns 0, or 2 where they cannot be written."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    folder: Path = arguments.folder
    if not 0 < len(arguments.role.encode()) <= _LONGEST_ROLE:
        parser.error(f"--role takes 1 to {_LONGEST_ROLE} bytes")
    hosts = arguments.host or ["127.0.0.1", "localhost"]
    authority = Authority.new()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "ca.key").exists():
            parser.error(f"{folder} holds an authority already; name an empty folder")
        write_pair(folder, "ca", (authority.key, authority.certificate))
        write_pair(folder, "plc", authority.issue("plc", hosts=hosts, days=arguments.days))
        line = authority.issue("line", role=arguments.role, days=arguments.days)
        write_pair(folder, "line", line)
    except OSError as error:
        parser.error(f"cannot write to {folder}: {error.strerror}")
    sys.stdout.write(f"{folder}: ca.pem, plc.pem, plc.key, line.pem, line.key; keep ca.key away\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
