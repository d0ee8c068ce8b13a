"""Messages between line and telemetry and their JSON codec.

The JSON is exact: floats round-trip bit for bit, infinities included, and unknown message types or
wrongly typed fields are refused.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from calibration.units import MonotonicNs
from controller.snapshot import (
    AcknowledgeAlarm,
    LampRemoved,
    LineSnapshot,
    ModeRequest,
    OperatorRequest,
    PackmlRequest,
    ProductSampled,
    SetPurity,
)
from controller.types import ItemRecord, Totals
from telemetry.errors import WireError
from telemetry.wire import FrameKind, encode_frame


class Message(BaseModel):
    """Base of all messages: frozen, unknown keys refused, infinities kept."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, ser_json_inf_nan="constants"
    )


class SessionAnnounced(Message):
    """Line: this session sends from here on; first message of every connection."""

    type: Literal["session_announced"] = "session_announced"
    session_id: str = Field(min_length=1, max_length=200)
    line_id: str = Field(min_length=1, max_length=200)
    station_names: tuple[str, ...]
    opened_ns: MonotonicNs


class RecordMessage(Message):
    """Line: one finished item, in the order of record_seq."""

    type: Literal["record"] = "record"
    record: ItemRecord


class SnapshotMessage(Message):
    """Line: its present condition."""

    type: Literal["snapshot"] = "snapshot"
    snapshot: LineSnapshot


class SessionClosing(Message):
    """Line: the session ends in good order with these totals; no record follows."""

    type: Literal["session_closing"] = "session_closing"
    session_id: str
    totals: Totals | None
    """None when the session never had an item."""


class Acknowledged(Message):
    """Telemetry: all records up to this one are on disk; after an announcement, sending may start.

    With `closed`, the session's closing mark is on disk too.
    """

    type: Literal["acknowledged"] = "acknowledged"
    session_id: str
    record_seq: int = Field(ge=0)
    closed: bool = False


class SessionRefused(Message):
    """Telemetry: this session is already closed in the store and takes no more records."""

    type: Literal["session_refused"] = "session_refused"
    session_id: str


class PackmlMessage(Message):
    """Telemetry: an operator asks for a state change."""

    type: Literal["packml"] = "packml"
    request: PackmlRequest


class AcknowledgeAlarmMessage(Message):
    """Telemetry: an operator has seen an alarm."""

    type: Literal["acknowledge_alarm"] = "acknowledge_alarm"
    request: AcknowledgeAlarm


class LampRemovedMessage(Message):
    """Telemetry: an operator has taken the lamp off the line."""

    type: Literal["lamp_removed"] = "lamp_removed"
    request: LampRemoved


class ModeMessage(Message):
    """Telemetry: an operator asks for another unit mode."""

    type: Literal["mode"] = "mode"
    request: ModeRequest


class ProductSampledMessage(Message):
    """Telemetry: a sample of a product was sorted and weighed."""

    type: Literal["product_sampled"] = "product_sampled"
    request: ProductSampled


class SetPurityMessage(Message):
    """Telemetry: the manager wants another purity of a held product."""

    type: Literal["set_purity"] = "set_purity"
    request: SetPurity


OperatorMessage = (
    PackmlMessage
    | AcknowledgeAlarmMessage
    | LampRemovedMessage
    | ModeMessage
    | ProductSampledMessage
    | SetPurityMessage
)
LineMessage = SessionAnnounced | RecordMessage | SnapshotMessage | SessionClosing
DeskMessage = Acknowledged | SessionRefused | OperatorMessage

_LINE: TypeAdapter[LineMessage] = TypeAdapter(Annotated[LineMessage, Field(discriminator="type")])
_DESK: TypeAdapter[DeskMessage] = TypeAdapter(Annotated[DeskMessage, Field(discriminator="type")])


def operator_message(request: OperatorRequest) -> OperatorMessage:
    """Return the message that carries an operator's request."""
    match request:
        case PackmlRequest():
            return PackmlMessage(request=request)
        case AcknowledgeAlarm():
            return AcknowledgeAlarmMessage(request=request)
        case LampRemoved():
            return LampRemovedMessage(request=request)
        case ModeRequest():
            return ModeMessage(request=request)
        case ProductSampled():
            return ProductSampledMessage(request=request)
        case SetPurity():
            return SetPurityMessage(request=request)


def encode_message(message: LineMessage | DeskMessage) -> bytes:
    """Return the message as one frame, header included.

    Raises:
        WireError: it is larger than a message may be.
    """
    return encode_frame(FrameKind.MESSAGE, message.model_dump_json().encode())


def decode_line_message(payload: bytes) -> LineMessage:
    """Read what the line sent.

    Raises:
        WireError: not JSON, unknown type, or a field that does not fit.
    """
    try:
        return _LINE.validate_json(payload)
    except ValidationError as error:
        raise WireError(_first_fault(error)) from error


def decode_desk_message(payload: bytes) -> DeskMessage:
    """Read what telemetry sent.

    Raises:
        WireError: not JSON, unknown type, or a field that does not fit.
    """
    try:
        return _DESK.validate_json(payload)
    except ValidationError as error:
        raise WireError(_first_fault(error)) from error


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part) for part in fault["loc"])
    return f"message refused at {path or 'its root'}: {fault['msg']}"
