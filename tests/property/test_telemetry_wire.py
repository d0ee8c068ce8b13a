"""The wire's codec: everything round-trips exactly, everything else is refused."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.units import MonotonicNs
from controller.snapshot import (
    AcknowledgeAlarm,
    Alarm,
    AlarmKind,
    LampRemoved,
    LineSnapshot,
    OperatorRequest,
    PackmlRequest,
    ProductSampled,
    SetPurity,
    StageLatency,
)
from controller.states import LineCommand, LineMode, LineState
from controller.types import (
    ActionPolicy,
    DecisionReason,
    ItemOutcome,
    ItemRecord,
    PulseStory,
    SortDecision,
    Totals,
)
from plc.types import PulseOutcome
from telemetry.errors import WireError
from telemetry.messages import (
    Acknowledged,
    RecordMessage,
    SessionAnnounced,
    SessionClosing,
    SnapshotMessage,
    decode_desk_message,
    decode_line_message,
    encode_message,
    operator_message,
)
from telemetry.wire import HEADER, MAGIC, PROTOCOL_VERSION, FrameDecoder, FrameKind, encode_frame
from tests.support.telemetry_line import RecordSource
from vision.types import FRACTIONS, Fraction, Track

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
NUMBER = st.floats(allow_nan=False)
COUNT = st.integers(0, 2**62)
INTEGER = st.integers(-(2**62), 2**62)
TIME = st.integers(0, 2**62).map(MonotonicNs)

TOTALS = st.builds(
    Totals,
    seen=COUNT,
    ejected=st.lists(COUNT, max_size=6).map(tuple),
    passed=COUNT,
    late=COUNT,
    blocked=COUNT,
    removed=COUNT,
    in_flight=COUNT,
)
TRACK = st.builds(
    Track,
    posterior=st.lists(NUMBER, min_size=len(FRACTIONS), max_size=len(FRACTIONS)).map(tuple),
    **dict.fromkeys(("track_id", "views", "first_seq", "last_seq"), COUNT),
    **dict.fromkeys(
        (
            *("x_mm", "y_mm", "x_sd_mm", "y_sd_mm", "slip_x_mm_per_s", "slip_y_mm_per_s"),
            *("width_mm", "length_mm", "tick", "mass_g", "mass_sd_g"),
        ),
        NUMBER,
    ),
)
DECISION = st.builds(
    SortDecision,
    track_id=COUNT,
    fraction=st.sampled_from(FRACTIONS),
    confidence=NUMBER,
    action=st.sampled_from(ActionPolicy),
    station=st.none() | st.integers(0, 9),
    reason=st.sampled_from(DecisionReason),
    decided_tick=NUMBER,
)
PULSE = st.builds(
    PulseStory,
    outcome=st.none() | st.sampled_from(PulseOutcome),
    fired_open_tick=st.none() | INTEGER,
    **dict.fromkeys(
        ("pulse_id", "station", "valve_first", "valve_last", "open_tick", "close_tick"), INTEGER
    ),
)
RECORD = st.builds(
    ItemRecord,
    session_id=TEXT,
    record_seq=COUNT,
    closed_ns=TIME,
    track=TRACK,
    decision=DECISION,
    pulses=st.lists(PULSE, max_size=3).map(tuple),
    outcome=st.sampled_from(ItemOutcome),
    bundle_id=TEXT,
    totals=TOTALS,
)
ALARM = st.builds(
    Alarm,
    kind=st.sampled_from(AlarmKind),
    raised_ns=TIME,
    detail=TEXT,
    remedy=TEXT,
    acknowledged=st.booleans(),
)
LATENCY = st.builds(StageLatency, stage=TEXT, p50_ms=NUMBER, p99_ms=NUMBER, count=COUNT)
SNAPSHOT = st.builds(
    LineSnapshot,
    session_id=TEXT,
    at_ns=TIME,
    state=st.sampled_from(LineState),
    mode=st.sampled_from(LineMode),
    state_reason=TEXT,
    valid_commands=st.lists(st.sampled_from(LineCommand), max_size=4).map(tuple),
    totals=TOTALS,
    link_ok=st.booleans(),
    bundle_id=TEXT,
    alarms=st.lists(ALARM, max_size=3).map(tuple),
    latencies=st.lists(LATENCY, max_size=3).map(tuple),
    **dict.fromkeys(
        (
            *("frames", "frames_dropped", "pulses_commanded", "late_pulses"),
            *("records_dropped", "queue_used"),
        ),
        COUNT,
    ),
    **dict.fromkeys(
        (
            *("belt_speed_mm_per_s", "frame_age_ms", "frames_per_s"),
            *("link_round_trip_ms", "tick_sd"),
        ),
        NUMBER,
    ),
)
ANNOUNCED = st.builds(
    SessionAnnounced,
    session_id=TEXT,
    line_id=TEXT,
    station_names=st.lists(TEXT, max_size=6).map(tuple),
    opened_ns=TIME,
)
CLOSING = st.builds(SessionClosing, session_id=TEXT, totals=st.none() | TOTALS)
REQUEST: st.SearchStrategy[OperatorRequest] = st.one_of(
    st.builds(PackmlRequest, command=st.sampled_from(LineCommand), operator=TEXT),
    st.builds(AcknowledgeAlarm, kind=st.sampled_from(AlarmKind), operator=TEXT),
    st.builds(LampRemoved, operator=TEXT),
    st.builds(
        ProductSampled,
        fraction=st.sampled_from(Fraction),
        target_g=NUMBER,
        other_g=NUMBER,
        pieces=st.integers(),
        began_s_ago=NUMBER,
        ended_s_ago=NUMBER,
        operator=TEXT,
    ),
    st.builds(SetPurity, fraction=st.sampled_from(Fraction), purity=NUMBER, operator=TEXT),
)


def _payload(frame: bytes) -> bytes:
    (only,) = FrameDecoder().feed(frame)
    assert only.kind is FrameKind.MESSAGE
    return only.payload


@settings(max_examples=60)
@given(
    st.one_of(
        st.builds(RecordMessage, record=RECORD),
        st.builds(SnapshotMessage, snapshot=SNAPSHOT),
        ANNOUNCED,
        CLOSING,
    )
)
def test_what_the_line_says_arrives_unchanged(
    message: RecordMessage | SnapshotMessage | SessionAnnounced | SessionClosing,
) -> None:
    assert decode_line_message(_payload(encode_message(message))) == message


@given(REQUEST)
def test_operator_requests_arrive_unchanged(request: OperatorRequest) -> None:
    message = decode_desk_message(_payload(encode_message(operator_message(request))))
    assert message == operator_message(request)


@given(st.builds(Acknowledged, session_id=TEXT, record_seq=COUNT, closed=st.booleans()))
def test_acknowledgements_arrive_unchanged(message: Acknowledged) -> None:
    assert decode_desk_message(_payload(encode_message(message))) == message


def test_infinities_survive_the_wire() -> None:
    record = RecordSource("s").next(1)
    odd = replace(record, track=replace(record.track, mass_sd_g=math.inf))
    assert decode_line_message(_payload(encode_message(RecordMessage(record=odd)))) == (
        RecordMessage(record=odd)
    )


FRAMES = st.lists(st.tuples(st.sampled_from(FrameKind), st.binary(max_size=300)), max_size=8)


@given(FRAMES, st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_frames_survive_any_cutting_of_the_stream(
    frames: list[tuple[FrameKind, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(encode_frame(kind, payload) for kind, payload in frames)
    decoder = FrameDecoder()
    received = []
    position = 0
    for size in cuts * (1 + len(stream) // sum(cuts)):
        received += decoder.feed(stream[position : position + size])
        position += size
    assert [(frame.kind, frame.payload) for frame in received] == frames


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused_or_awaited_but_never_understood(data: bytes) -> None:
    decoder = FrameDecoder()
    try:
        assert decoder.feed(b"X" + data) == []
    except WireError:
        return
    assert len(data) + 1 < HEADER.size


@pytest.mark.parametrize(
    "header",
    [
        HEADER.pack(b"XX", PROTOCOL_VERSION, FrameKind.MESSAGE, 0),
        HEADER.pack(MAGIC, PROTOCOL_VERSION + 1, FrameKind.MESSAGE, 0),
        HEADER.pack(MAGIC, PROTOCOL_VERSION, 9, 0),
        HEADER.pack(MAGIC, PROTOCOL_VERSION, FrameKind.MESSAGE, (1 << 20) + 1),
    ],
    ids=["magic", "version", "kind", "length"],
)
def test_a_wrong_header_is_refused_at_once(header: bytes) -> None:
    with pytest.raises(WireError):
        FrameDecoder().feed(header)


def test_an_oversized_message_is_not_sent() -> None:
    with pytest.raises(WireError):
        encode_frame(FrameKind.MESSAGE, b"x" * ((1 << 20) + 1))


@pytest.mark.parametrize("decode", [decode_line_message, decode_desk_message])
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"type":"nonsense"}',
        b'{"type":"acknowledged","session_id":"s","record_seq":"1"}',
        b'{"type":"session_closing","session_id":"s","totals":null,"more":1}',
    ],
)
def test_a_malformed_message_is_refused(decode: Callable[[bytes], object], payload: bytes) -> None:
    with pytest.raises(WireError):
        decode(payload)
