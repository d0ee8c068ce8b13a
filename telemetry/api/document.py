"""The OpenAPI 3.1 document of the JSON API, made from the types that answer and ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from telemetry.api.answers import Problem
from telemetry.api.queries import Query

_REF: Final = "#/components/schemas/{model}"
_ABOUT: Final = (
    "What one sorting line knows, for the plant's own systems. Read-only: nothing here commands "
    "the line. Times are ISO 8601 with offset, ratios run from 0 to 1."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of the API.

    Attributes:
        path: below the prefix.
        summary: what it answers, in a few words.
        query: parameters it takes.
        answer: type of the answer, a dataclass.
    """

    path: str
    summary: str
    query: type[Query]
    answer: type[object]


def document(endpoints: Sequence[Endpoint], *, prefix: str) -> dict[str, Any]:
    """Return the OpenAPI document."""
    inputs = [
        (endpoint.path, "serialization", TypeAdapter[Any](endpoint.answer))
        for endpoint in endpoints
    ]
    problem = ("problem", "serialization", TypeAdapter[Any](Problem))
    schemas, shared = TypeAdapter.json_schemas(
        [*inputs, problem],  # type: ignore[list-item]
        ref_template=_REF,
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sorting line", "version": "1", "description": _ABOUT},
        "servers": [{"url": prefix}],
        "paths": {
            endpoint.path: {
                "get": _operation(
                    endpoint,
                    schemas[endpoint.path, "serialization"],
                    schemas["problem", "serialization"],
                )
            }
            for endpoint in endpoints
        },
        "components": {"schemas": shared.get("$defs", {})},
    }


def _operation(endpoint: Endpoint, answer: Any, problem: Any) -> dict[str, Any]:
    parameters = _parameters(endpoint.query)
    responses = {"200": _response("what was asked for", answer)}
    responses["400"] = _response("a parameter is unknown or does not fit", problem)
    responses["503"] = _response("the store cannot be read just now", problem)
    return {
        "operationId": endpoint.path.strip("/").replace("/", "_"),
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": responses,
    }


def _response(text: str, schema: Any) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _parameters(query: type[Query]) -> list[dict[str, Any]]:
    properties = query.model_json_schema().get("properties", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": _without_null(schema),
        }
        for name, schema in properties.items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out rather than null."""
    choices = [s for s in schema.get("anyOf", ()) if s.get("type") != "null"]
    kept = choices[0] if len(choices) == 1 else schema
    return {key: value for key, value in kept.items() if key not in ("title", "description")}
