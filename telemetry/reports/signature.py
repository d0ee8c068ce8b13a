"""Detached signatures made by the official's own tool: checked where the algorithm is known here.

This program signs nothing and keeps no key. Kazakh national algorithms (GOST) cannot be checked
with the libraries used here: such a signature is kept and said to be unchecked, with what could be
seen: that it is a detached CMS message of one signer who put the certificate in, and whether its
message digest is that of the report where the digest is a SHA-2.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from asn1crypto import algos, cms, keys, pem, pkcs12
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from telemetry.reports.errors import SignatureRefusedError

MOST_BYTES: Final = 1_000_000
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class Standing(StrEnum):
    """What is known of a signature."""

    VALID = "valid"
    VALID_TRUSTED = "valid_trusted"
    UNCHECKED_ALGORITHM = "unchecked_algorithm"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSignature:
    """A signature that may be kept.

    Attributes:
        signature: DER of the CMS SignedData.
        signer: subject of the signer's certificate.
        standing: what was checked.
        note: in words.
    """

    signature: bytes
    signer: str
    standing: Standing
    note: str


def check_signature(
    content: bytes, signature: bytes, *, trusted: bytes | None = None
) -> CheckedSignature:
    """Check a detached CMS signature of a report's JSON bytes.

    Args:
        content: exactly the bytes of the exported JSON file.
        signature: CMS SignedData, DER or PEM.
        trusted: PEM certificate that must have issued the signer's, None to skip that.

    Raises:
        SignatureRefusedError: no detached signature of these bytes, a key, or not trusted.
    """
    der = _der(signature)
    signed = _signed_data(der)
    info = _signer_info(signed)
    certificate = _certificate(signed, info)
    signer = certificate.subject.rfc4514_string()
    attributes = _attributes(info, content)
    try:
        known = _verify(certificate, info, attributes)
    except InvalidSignature as error:
        msg = f"the signature of {signer} does not belong to its certificate's key"
        raise SignatureRefusedError(msg) from error
    if not known:
        note = _unchecked(info)
        standing = Standing.UNCHECKED_ALGORITHM
    elif trusted is not None:
        _refuse_untrusted(certificate, trusted)
        standing, note = Standing.VALID_TRUSTED, "signature and issuer hold"
    else:
        standing, note = Standing.VALID, "signature holds; its issuer was not checked"
    return CheckedSignature(signature=der, signer=signer, standing=standing, note=note)


def _der(signature: bytes) -> bytes:
    if len(signature) > MOST_BYTES:
        msg = f"{len(signature)} bytes are no signature"
        raise SignatureRefusedError(msg)
    if b"PRIVATE KEY" in signature or _is_key(signature):
        msg = "this file holds a private key; keys are never stored. Give the signature file alone"
        raise SignatureRefusedError(msg)
    if pem.detect(signature):
        _, _, der = pem.unarmor(signature)
        return bytes(der)
    return signature


def _is_key(signature: bytes) -> bool:
    for kind in (pkcs12.Pfx, keys.PrivateKeyInfo, keys.EncryptedPrivateKeyInfo):
        try:
            loaded = kind.load(signature, strict=True)
            first = loaded[0].native
        except (ValueError, TypeError):
            continue
        if first is not None:
            return True
    return False


def _signed_data(der: bytes) -> Any:
    try:
        info = cms.ContentInfo.load(der, strict=True)
        if info["content_type"].native != "signed_data":
            msg = f"this is {info['content_type'].native}, not a CMS signature"
            raise SignatureRefusedError(msg)
        signed = info["content"]
        attached = signed["encap_content_info"]["content"].native
        count = len(signed["signer_infos"])
    except (ValueError, TypeError) as error:
        msg = f"this is no CMS signature (.p7s): {error}"
        raise SignatureRefusedError(msg) from error
    if attached is not None:
        msg = "the signature carries its content; make a detached one of the exported JSON file"
        raise SignatureRefusedError(msg)
    if count != 1:
        msg = f"{count} signers in one file; give one file per signer"
        raise SignatureRefusedError(msg)
    return signed


def _signer_info(signed: Any) -> Any:
    return signed["signer_infos"][0]


def _certificate(signed: Any, info: Any) -> x509.Certificate:
    wanted = info["sid"]
    for choice in signed["certificates"] or ():
        if choice.name != "certificate":
            continue
        found = choice.chosen
        serial = found["tbs_certificate"]["serial_number"].native
        if wanted.name != "issuer_and_serial_number":
            matches = found.key_identifier == wanted.native
        else:
            matches = wanted.chosen["serial_number"].native == serial
        if matches:
            return x509.load_der_x509_certificate(found.dump())
    msg = "the signature does not carry its signer's certificate; sign with it included"
    raise SignatureRefusedError(msg)


def _attributes(info: Any, content: bytes) -> bytes:
    """Return the bytes that are signed, having compared the content's digest."""
    attributes = info["signed_attrs"]
    name = info["digest_algorithm"]["algorithm"].native
    if not attributes:
        return content
    digests = [a["values"][0].native for a in attributes if a["type"].native == "message_digest"]
    algorithm = _HASHES.get(name)
    if algorithm is not None:
        hasher = hashes.Hash(algorithm)
        hasher.update(content)
        if digests != [hasher.finalize()]:
            msg = "the signature belongs to other bytes than this report's JSON file"
            raise SignatureRefusedError(msg)
    # Signed is the SET OF itself, not the implicitly tagged form in the message (RFC 5652, 5.4).
    dumped = bytes(attributes.dump())
    return b"\x31" + dumped[1:]


def _verify(certificate: x509.Certificate, info: Any, signed: bytes) -> bool:
    """Check the signature; False where the algorithm is unknown here.

    Raises:
        InvalidSignature: it does not hold.
    """
    name = info["digest_algorithm"]["algorithm"].native
    algorithm = _HASHES.get(name)
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    value = bytes(info["signature"].native)
    if algorithm is None:
        return False
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, signed, _padding(info["signature_algorithm"], algorithm), algorithm)
        return True
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(value, signed, ec.ECDSA(algorithm))
        return True
    return False


def _unchecked(info: Any) -> str:
    oid = info["signature_algorithm"]["algorithm"].dotted
    digest = info["digest_algorithm"]["algorithm"]
    if info["signed_attrs"] and digest.native in _HASHES:
        seen = "its message digest is that of these bytes"
    else:
        seen = f"nor can its digest {digest.dotted}: whether it is of these bytes is unknown"
    return f"signature algorithm {oid} cannot be checked here; {seen}; use the official tool"


def _padding(
    algorithm: algos.SignedDigestAlgorithm, hashed: hashes.HashAlgorithm
) -> padding.AsymmetricPadding:
    if algorithm["algorithm"].native == "rsassa_pss":
        return padding.PSS(mgf=padding.MGF1(hashed), salt_length=padding.PSS.AUTO)
    return padding.PKCS1v15()


def _refuse_untrusted(certificate: x509.Certificate, trusted: bytes) -> None:
    try:
        issuer = x509.load_pem_x509_certificate(trusted)
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature) as error:
        msg = f"the signer's certificate was not issued by the trusted one: {error}"
        raise SignatureRefusedError(msg) from error
