"""Sparkplug B payloads: the published protobuf message, as far as a line says anything.

Fields and numbers are those of `sparkplug_b.proto` (Sparkplug 3.0, chapter 6.4); the message is
declared here from them, so that no generated file has to follow protobuf's versions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from telemetry.errors import TelemetryError
from telemetry.exchange.tags import TagValue

_PACKAGE: Final = "org.eclipse.tahu.protobuf"
_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_METRIC_FIELDS: Final = (
    ("name", 1, _FIELD.TYPE_STRING),
    ("alias", 2, _FIELD.TYPE_UINT64),
    ("timestamp", 3, _FIELD.TYPE_UINT64),
    ("datatype", 4, _FIELD.TYPE_UINT32),
    ("is_historical", 5, _FIELD.TYPE_BOOL),
    ("is_null", 7, _FIELD.TYPE_BOOL),
    ("int_value", 10, _FIELD.TYPE_UINT32),
    ("long_value", 11, _FIELD.TYPE_UINT64),
    ("double_value", 13, _FIELD.TYPE_DOUBLE),
    ("boolean_value", 14, _FIELD.TYPE_BOOL),
    ("string_value", 15, _FIELD.TYPE_STRING),
)
_64_BITS: Final = 2**64


class SparkplugError(TelemetryError):
    """Bytes that are no Sparkplug B payload."""


class DataType(IntEnum):
    """Sparkplug data types that are used."""

    INT64 = 4
    UINT64 = 8
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: of it; empty where the alias says which.
        alias: number that the birth gave to the name, None without one.
        at_ms: wall time of the value, ms since 1970.
        datatype: of the value.
        value: of it, None for no value.
        historical: sent later than it happened.
    """

    name: str
    at_ms: int
    datatype: DataType
    value: TagValue | None
    alias: int | None = None
    historical: bool = False


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="sparkplug_b_line.proto", package=_PACKAGE, syntax="proto2"
    )
    payload = file.message_type.add(name="Payload")
    metric = payload.nested_type.add(name="Metric")
    for name, number, kind in _METRIC_FIELDS:
        metric.field.add(name=name, number=number, type=kind, label=_FIELD.LABEL_OPTIONAL)
    payload.field.add(
        name="timestamp", number=1, type=_FIELD.TYPE_UINT64, label=_FIELD.LABEL_OPTIONAL
    )
    payload.field.add(
        name="metrics",
        number=2,
        type=_FIELD.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Payload.Metric",
        label=_FIELD.LABEL_REPEATED,
    )
    payload.field.add(name="seq", number=3, type=_FIELD.TYPE_UINT64, label=_FIELD.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


_PAYLOAD: Final = _payload_class()


def encode(metrics: Iterable[Metric], *, at_ms: int, seq: int | None) -> bytes:
    """Return a payload; `seq` is left out of a death certificate."""
    payload = _PAYLOAD(timestamp=at_ms)
    if seq is not None:
        payload.seq = seq
    for metric in metrics:
        added = payload.metrics.add(timestamp=metric.at_ms, datatype=metric.datatype)
        if metric.name:
            added.name = metric.name
        if metric.alias is not None:
            added.alias = metric.alias
        if metric.historical:
            added.is_historical = True
        _put(added, metric)
    return bytes(payload.SerializeToString())


def commands(content: bytes) -> dict[str, bool]:
    """Return the boolean metrics of a command by name.

    Raises:
        SparkplugError: not a payload.
    """
    payload = _PAYLOAD()
    try:
        payload.ParseFromString(content)
    except DecodeError as error:
        msg = "these bytes are no Sparkplug B payload"
        raise SparkplugError(msg) from error
    return {m.name: m.boolean_value for m in payload.metrics if m.HasField("boolean_value")}


def _put(added: Any, metric: Metric) -> None:
    value = metric.value
    if value is None:
        added.is_null = True
    elif metric.datatype is DataType.BOOLEAN:
        added.boolean_value = bool(value)
    elif metric.datatype is DataType.STRING:
        added.string_value = str(value)
    elif metric.datatype is DataType.DOUBLE:
        added.double_value = float(value)
    else:
        # Signed values travel as two's complement in an unsigned field (Sparkplug 6.4.16).
        added.long_value = int(value) % _64_BITS
