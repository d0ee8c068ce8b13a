"""A report's bytes and hash: canonical JSON, and the JSON Schema that describes it."""

from typing import Any

from telemetry.ledger.canonical import canonical, digest
from telemetry.reports.document import SCHEMA, ReportDocument


def sealed(document: ReportDocument) -> ReportDocument:
    """Return the document as its JSON says it, numbers rounded, with the hash of that JSON."""
    hashed = document.model_copy(update={"sha256": content_hash(as_json(document))})
    return from_bytes(as_bytes(hashed))


def content_hash(values: dict[str, Any]) -> str:
    """Return the SHA-256 of a report's canonical JSON without its `sha256` key."""
    return digest(canonical({key: value for key, value in values.items() if key != "sha256"}))


def as_json(document: ReportDocument) -> dict[str, Any]:
    """Return the document as JSON values."""
    return document.model_dump(mode="json", by_alias=True)


def as_bytes(document: ReportDocument) -> bytes:
    """Return the canonical JSON of the sealed document."""
    return canonical(as_json(document))


def from_bytes(content: bytes) -> ReportDocument:
    """Read a document back; its hash is not checked here."""
    return ReportDocument.model_validate_json(content)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a report."""
    schema = ReportDocument.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
