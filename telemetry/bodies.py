"""The small JSON bodies of requests: what they may hold, and how they are read."""

from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from controller.snapshot import AlarmKind
from controller.states import LineCommand, LineMode
from vision.types import Fraction

MAX_BODY_BYTES: Final = 4096

MAX_ITEMS: Final = 1000
DEFAULT_ITEMS: Final = 100
NO_BOUND_SEQ: Final = 2**62


class PlainBody(BaseModel):
    """Nothing; who asks is known from the session."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CommandBody(PlainBody):
    """A PackML command."""

    command: LineCommand


class ModeBody(PlainBody):
    """A unit mode."""

    mode: LineMode


class AcknowledgeBody(PlainBody):
    """An alarm that was seen."""

    kind: AlarmKind


class ProductSampledBody(PlainBody):
    """What a sample of a product came to."""

    fraction: Fraction
    target_g: float = Field(ge=0, allow_inf_nan=False)
    other_g: float = Field(ge=0, allow_inf_nan=False)
    pieces: int = Field(ge=1)
    began_s_ago: float = Field(ge=0, allow_inf_nan=False)
    ended_s_ago: float = Field(ge=0, allow_inf_nan=False)


class SetPurityBody(PlainBody):
    """A purity that is wanted."""

    fraction: Fraction
    purity: float = Field(ge=0.5, le=0.995)


class ReviveBody(PlainBody):
    """A delivery that is to be tried again."""

    parcel_id: int = Field(ge=1)


class ItemsQuery(PlainBody):
    """Which stored items are asked for."""

    limit: int = Field(default=DEFAULT_ITEMS, ge=1, le=MAX_ITEMS)
    before_seq: int = Field(default=NO_BOUND_SEQ, ge=1, le=NO_BOUND_SEQ)
    session_id: str | None = None


Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, kind: type[Body]) -> Body:
    """Read a small JSON body.

    Raises:
        ValidationError: not JSON or not of this kind; an oversized body is cut and so not JSON.
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk[: MAX_BODY_BYTES - len(content)]
        if len(content) >= MAX_BODY_BYTES:
            break
    return kind.model_validate_json(bytes(content))
