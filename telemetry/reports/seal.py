"""A report's bytes and hash: canonical JSON, and the JSON Schema that describes it."""

from typing import Any

from telemetry.ledger.canonical import canonical, digest
from telemetry.reports.document import FIRST_SCHEMA, SCHEMA, ReportDocument


def sealed(document: ReportDocument) -> ReportDocument:
    """Return the document as its JSON says it, numbers rounded, with the hash of that JSON."""
    hashed = document.model_copy(update={"sha256": content_hash(as_json(document))})
    return from_bytes(as_bytes(hashed))


def content_hash(values: dict[str, Any]) -> str:
    """Return the SHA-256 of a report's canonical JSON without its `sha256` key."""
    return digest(canonical({key: value for key, value in values.items() if key != "sha256"}))


def as_json(document: ReportDocument) -> dict[str, Any]:
    """Return the document as JSON values, with exactly the parts that it was made with.

    What a document of an earlier version lacks stays away: its bytes, hash and signature hold.
    """
    kept = document.model_fields_set
    values = document.model_dump(mode="json", by_alias=True)
    return {name: value for name, value in values.items() if _attribute(name) in kept}


def as_bytes(document: ReportDocument) -> bytes:
    """Return the canonical JSON of the sealed document."""
    return canonical(as_json(document))


def from_bytes(content: bytes) -> ReportDocument:
    """Read a document back; its hash is not checked here."""
    return ReportDocument.model_validate_json(content)


def as_version_of(document: ReportDocument, filed: ReportDocument) -> ReportDocument:
    """Return a document as the version of a filed one would say it, sealed.

    Args:
        document: of the newest version.
        filed: whose parts are kept.
    """
    if filed.schema_ == document.schema_:
        return document
    values = as_json(document)
    kept = {name: values[name] for name in as_json(filed) if name in values}
    return sealed(ReportDocument.model_validate_json(canonical(kept | {"schema": FIRST_SCHEMA})))


def _attribute(name: str) -> str:
    return "schema_" if name == "schema" else name


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the newest version, every part of which a report has."""
    schema = ReportDocument.model_json_schema(by_alias=True, mode="serialization")
    schema["required"] = list(schema["properties"])
    schema["properties"]["schema"] = {"const": SCHEMA, "title": "Schema", "type": "string"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
