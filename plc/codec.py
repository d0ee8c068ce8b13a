"""Register words to values and back; pure, big end first, pinned against plc.registers."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from plc.register_flags import PulseReason, RequestFlag
from plc.registers import BATCH_PULSES, MAILBOX, PULSES, RECENT, STATUS

WORD_MASK = 0xFFFF
TICK_MASK = 0xFFFFFFFF
_NUMBER_MASK = 0x7FF
_REASON_BITS = 5
_REASON_MASK = 0x1F
_STATUS = struct.Struct(f">{STATUS.layout}")
_REPORT = struct.Struct(f">{RECENT.layout}")
_HEADER = struct.Struct(f">{MAILBOX.layout}")
_STATION_WORDS = BATCH_PULSES // 4
_CHECKSUM_AT = 4
"""Index of the mailbox's checksum register."""
_ALL_REQUESTS = sum(RequestFlag)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusBlock:
    """The status block, one field per register, named, ordered and in units as in the map."""

    magic: int
    map_version: int
    line_id: int
    state: int
    flags: int
    scan_counter: int
    encoder_tick: int
    encoder_ticks_per_s: int
    scan_period_us: int
    heartbeat_echo: int
    boot_number: int
    lease_owner: int
    foreign_writes: int
    bad_writes: int
    stale_batches: int
    accepted_batch: int
    queue_used: int
    queue_size: int
    fired_total: int
    late_total: int
    refused_total: int
    blocked_total: int
    heartbeat_timeout_ms: int
    late_tolerance_tick: int
    station_count: int
    output_count: int
    flap_positions: int
    report_sequence: int
    trigger_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEntry:
    """One pulse report as it lies in the ring; ticks are the low 32 bits.

    Attributes:
        number: 1, 2, 3 … since the PLC booted.
        pulse_id: as commanded.
        reason: what became of the pulse, and why.
        open_tick: actual if fired, else commanded.
        duration_tick: actual if fired, else commanded.
    """

    number: int
    pulse_id: int
    reason: PulseReason
    open_tick: int
    duration_tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxPulse:
    """One pulse of a batch, ticks relative to the batch's base tick."""

    station: int
    first_valve: int
    last_valve: int
    open_offset_tick: int
    duration_tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """What the PC writes in one FC16.

    Attributes:
        owner_id: which master writes, not 0.
        heartbeat: changed with every write.
        requests: what the PC asks for.
        flap_hold: bit s holds the flap of station s in its working position.
        batch_sequence: number of the batch; taken once.
        pulse_count: as written, possibly more than fits.
        base_pulse_id: id of the first pulse, the others count up.
        base_tick: low 32 bits of the tick that open offsets are added to.
        pulses: at most 32.
    """

    owner_id: int
    heartbeat: int
    requests: RequestFlag
    flap_hold: int
    batch_sequence: int
    pulse_count: int
    base_pulse_id: int
    base_tick: int
    pulses: tuple[MailboxPulse, ...]


_REASONS = frozenset(PulseReason) - {PulseReason.UNSTATED}
_status_values = attrgetter(*(field.name for field in fields(StatusBlock)))


def to_words(packed: bytes) -> list[int]:
    """Split big-endian bytes into 16-bit register words."""
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def to_bytes(words: Sequence[int]) -> bytes:
    """Join 16-bit register words into big-endian bytes."""
    return struct.pack(f">{len(words)}H", *words)


def encode_status(status: StatusBlock) -> bytes:
    """Return the status block's words as big-endian bytes."""
    return _STATUS.pack(*_status_values(status))


def decode_status(words: Sequence[int]) -> StatusBlock:
    """Read the status block from the words starting at its address."""
    values = _STATUS.unpack(to_bytes(words[: STATUS.words]))
    return StatusBlock(**dict(zip(_STATUS_NAMES, values, strict=True)))


_STATUS_NAMES = tuple(register.name for register in STATUS.registers)


def encode_report(report: ReportEntry) -> bytes:
    """Return one report entry's words as big-endian bytes."""
    tag = (report.number & _NUMBER_MASK) << _REASON_BITS | report.reason
    return _REPORT.pack(report.pulse_id, tag, report.open_tick, report.duration_tick)


def decode_report(words: Sequence[int], number: int) -> ReportEntry | None:
    """Read report `number` from its entry's six words.

    Returns:
        The report, or None if the entry holds another one (overwritten, or torn by the reader).
    """
    pulse_id, tag, open_tick, duration_tick = _REPORT.unpack(to_bytes(words))
    reason = tag & _REASON_MASK
    if tag >> _REASON_BITS != number & _NUMBER_MASK or reason not in _REASONS:
        return None
    return ReportEntry(
        number=number,
        pulse_id=pulse_id,
        reason=PulseReason(reason),
        open_tick=open_tick,
        duration_tick=duration_tick,
    )


def encode_mailbox(mailbox: Mailbox) -> list[int]:
    """Return the words of one mailbox write: the header and the pulses there are.

    Raises:
        ValueError: more than 32 pulses, or a value that its register cannot hold.
    """
    if len(mailbox.pulses) > BATCH_PULSES:
        msg = f"{len(mailbox.pulses)} pulses in a batch of at most {BATCH_PULSES}"
        raise ValueError(msg)
    stations = [0] * _STATION_WORDS
    words: list[int] = []
    for index, pulse in enumerate(mailbox.pulses):
        stations[index // 4] |= _checked("station", pulse.station, 0xF) << 4 * (index % 4)
        first = _checked("first_valve", pulse.first_valve, 0xFF)
        words.append(first << 8 | _checked("last_valve", pulse.last_valve, 0xFF))
        words.append(_checked("open_offset_tick", pulse.open_offset_tick, WORD_MASK))
        words.append(_checked("duration_tick", pulse.duration_tick, WORD_MASK))
    header = _HEADER.pack(
        _checked("owner_id", mailbox.owner_id, TICK_MASK),
        _checked("heartbeat", mailbox.heartbeat, WORD_MASK),
        int(mailbox.requests),
        0,
        _checked("batch_sequence", mailbox.batch_sequence, WORD_MASK),
        _checked("pulse_count", mailbox.pulse_count, WORD_MASK),
        _checked("flap_hold", mailbox.flap_hold, WORD_MASK),
        _checked("base_pulse_id", mailbox.base_pulse_id, TICK_MASK),
        _checked("base_tick", mailbox.base_tick, TICK_MASK),
        *stations,
    )
    written = to_words(header) + words
    written[_CHECKSUM_AT] = mailbox_checksum(written)
    return written


def mailbox_checksum(words: Sequence[int]) -> int:
    """Return the checksum of one mailbox write, whatever its checksum register holds."""
    weighted = sum(index * word for index, word in enumerate(words, 1))
    return (weighted - (_CHECKSUM_AT + 1) * words[_CHECKSUM_AT]) & WORD_MASK


def _checked(name: str, value: int, greatest: int) -> int:
    if not 0 <= value <= greatest:
        msg = f"{name} {value} is outside 0 to {greatest}"
        raise ValueError(msg)
    return value


def decode_mailbox(words: Sequence[int]) -> Mailbox | None:
    """Read the whole mailbox area, header and room for 32 pulses.

    Returns:
        What was written, or None where the checksum is wrong: torn by a server that lets a scan
        see half a write, or not written by a master of this map.
    """
    header = _HEADER.unpack(to_bytes(words[: MAILBOX.words]))
    owner_id, heartbeat, requests, checksum, sequence, count, *others = header
    flap_hold, base_id, base_tick, *stations = others
    present = min(count, BATCH_PULSES)
    if checksum != mailbox_checksum(words[: MAILBOX.words + PULSES.stride * present]):
        return None
    pulses = tuple(
        _decode_pulse(words, stations[index // 4] >> 4 * (index % 4) & 0xF, index)
        for index in range(present)
    )
    return Mailbox(
        owner_id=owner_id,
        heartbeat=heartbeat,
        requests=RequestFlag(requests & _ALL_REQUESTS),
        batch_sequence=sequence,
        pulse_count=count,
        flap_hold=flap_hold,
        base_pulse_id=base_id,
        base_tick=base_tick,
        pulses=pulses,
    )


def _decode_pulse(words: Sequence[int], station: int, index: int) -> MailboxPulse:
    at = MAILBOX.words + PULSES.stride * index
    valves, open_offset_tick, duration_tick = words[at : at + PULSES.stride]
    return MailboxPulse(
        station=station,
        first_valve=valves >> 8,
        last_valve=valves & 0xFF,
        open_offset_tick=open_offset_tick,
        duration_tick=duration_tick,
    )


def signed_difference(later: int, earlier: int) -> int:
    """Return `later - earlier` of two wrapping 32-bit counts, in -2^31 to 2^31 - 1."""
    return ((later - earlier + 0x80000000) & TICK_MASK) - 0x80000000
