"""Guided procedures: steps from a file, confirmations checked; the gate writes each one down."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from telemetry.bodies import PlainBody, read_body

PROCEDURES: Final = Path(__file__).with_name("procedures.toml")
MAX_NOTE: Final = 400

_Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Note = Annotated[str, StringConstraints(max_length=MAX_NOTE)]


class Words(BaseModel):
    """A text in the page's three languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: _Text
    ru: _Text
    kk: _Text


class Procedure(BaseModel):
    """What a person does, step by step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Words
    steps: tuple[Words, ...] = Field(min_length=1)


class StepBody(PlainBody):
    """A step that was done, or cannot be."""

    procedure: str
    step: int = Field(ge=1)
    done: bool
    note: Note = ""


_FILE: Final = TypeAdapter(dict[str, Procedure])


@cache
def procedures() -> Mapping[str, Procedure]:
    """Return every procedure in the order of the file.

    Raises:
        ValidationError: the shipped file is damaged; names the place.
    """
    return _FILE.validate_python(tomllib.loads(PROCEDURES.read_text(encoding="utf-8")))


async def listing(_request: Request) -> Response:
    """Every procedure with its words."""
    content = _FILE.dump_json(dict(procedures()))
    return Response(content, media_type="application/json", headers={"cache-control": "no-cache"})


async def confirm(request: Request) -> Response:
    """Take a confirmation; 404 for a step that no procedure has."""
    body = await read_body(request, StepBody)
    procedure = procedures().get(body.procedure)
    if procedure is None or body.step > len(procedure.steps):
        return JSONResponse({"detail": "there is no such step"}, status_code=404)
    return JSONResponse({"detail": "written down"})


def procedure_routes() -> list[Route]:
    """Return where procedures are asked for and confirmed."""
    return [
        Route("/api/procedures", listing),
        Route("/api/procedure-step", confirm, methods=["POST"]),
    ]
