"""Checks of pulses: fired on their tick, late, refused, merged, cut, acknowledged once each."""

from dataclasses import replace

from plc.batches import next_sequence
from plc.codec import TICK_MASK, encode_mailbox, signed_difference
from plc.contract.bench import Bench
from plc.contract.words import RUN, NotApplicable, Wrong, lead_tick, pulse
from plc.register_flags import PulseReason, StatusFlag
from plc.registers import BATCH_PULSES, MAILBOX

_ENOUGH = 0.95
"""Share of pulses that must fire within the PLC's own late tolerance; the rest must be refused as
late. A PLC that misses more than one in twenty scans this badly is not fit for the line."""
_MANY = 160


def check_pulses_fire(bench: Bench) -> None:
    """Pulses of every bar fire once, at their tick within the PLC's own tolerance."""
    status = bench.run()
    bars = bench.bars()
    before = status.fired_total
    sent: dict[int, int] = {}
    for start in range(0, _MANY, BATCH_PULSES):
        status = bench.read()
        base = status.encoder_tick + lead_tick(status)
        pulses = [
            pulse(
                bars[i % len(bars)].station,
                (start + i) % bars[i % len(bars)].valve_count,
                (start + i) % bars[i % len(bars)].valve_count,
                7 * i,
                bars[i % len(bars)].min_open_tick + 10,
            )
            for i in range(BATCH_PULSES)
        ]
        first_id = bench.batch(pulses, base_tick=base)
        sent |= {first_id + i: base + 7 * i for i in range(BATCH_PULSES)}
        bench.reported(first_id, BATCH_PULSES)
    late = 0
    for pulse_id, wanted in sent.items():
        report = bench.reports[pulse_id][0]
        off = signed_difference(report.open_tick, wanted & TICK_MASK)
        if report.reason == PulseReason.LATE_SCAN:
            late += 1
        elif report.reason != PulseReason.FIRED:
            raise Wrong(f"pulse {pulse_id} was due in time, its report says {report.reason.name}")
        elif not 0 <= off <= status.late_tolerance_tick:
            raise Wrong(
                f"pulse {pulse_id} opened {off} ticks from its tick; late_tolerance_tick says "
                f"{status.late_tolerance_tick}: it must not fire then"
            )
    if late > (1 - _ENOUGH) * len(sent):
        raise Wrong(
            f"{late} of {len(sent)} pulses came too late for a scan; scan faster, or raise "
            "late_tolerance_tick above the ticks that pass in one scan"
        )
    fired = (bench.read().fired_total - before) & TICK_MASK
    if fired != len(sent) - late:
        raise Wrong(f"fired_total rose by {fired}, {len(sent) - late} reports say fired")


def check_valve_outputs(bench: Bench) -> None:
    """Exactly the commanded valves' coils are on, and off again afterwards."""
    status = bench.run()
    bar = bench.bars()[-1]
    last = min(bar.valve_count - 1, 2)
    ticks = min(bar.max_open_tick, max(bar.min_open_tick + 1, status.encoder_ticks_per_s // 5))
    base = status.encoder_tick + lead_tick(status)
    before = bench.transport.read_coils(bar.first_output, bar.valve_count)
    first_id = bench.batch([pulse(bar.station, 0, last, 0, ticks)], base_tick=base)
    seen: set[tuple[int, ...]] = set()
    while first_id not in bench.reports:
        coils = bench.transport.read_coils(bar.first_output, bar.valve_count)
        seen.add(tuple(index for index, on in enumerate(coils) if on))
        bench.cycle(RUN)
    if any(before) or any(bench.transport.read_coils(bar.first_output, bar.valve_count)):
        raise Wrong("a valve's coil is on without a pulse")
    if bench.reports[first_id][0].reason == PulseReason.LATE_SCAN:
        raise NotApplicable("the pulse came too late for a scan; see the check of firing")
    if seen - {()} != {tuple(range(last + 1))}:
        raise Wrong(
            f"station {bar.station} valves 0 to {last} were commanded, coils from "
            f"{bar.first_output} showed {sorted(seen)}"
        )


def check_late(bench: Bench) -> None:
    """A pulse whose tick is past is not fired, reported late and counted."""
    status = bench.run()
    bar = bench.bars()[0]
    base = status.encoder_tick - 300
    first_id = bench.batch([pulse(bar.station, 0, 0, 0, bar.min_open_tick + 1)], base_tick=base)
    (report,) = bench.reported(first_id, 1)
    if report.reason != PulseReason.LATE_ARRIVED:
        raise Wrong(f"a pulse 300 ticks in the past is reported {report.reason.name}")
    if report.open_tick != base & TICK_MASK:
        raise Wrong("the report of a late pulse does not carry its commanded tick")
    if (bench.read().late_total - status.late_total) & TICK_MASK != 1:
        raise Wrong("late_total does not count a late pulse once")


def check_refused(bench: Bench) -> None:
    """What cannot be fired is refused with its reason and counted, and nothing else with it."""
    status = bench.run()
    bar, bars = bench.bars()[0], bench.bars()
    good = bar.min_open_tick + 10
    cases = [
        (pulse(15, 0, 0, 0, good), PulseReason.STATION_UNKNOWN),
        (pulse(bar.station, 0, 200, 0, good), PulseReason.VALVE_UNKNOWN),
        (pulse(bar.station, bar.valve_count, bar.valve_count, 0, good), PulseReason.VALVE_UNKNOWN),
        (pulse(bar.station, 1, 0, 0, good), PulseReason.MALFORMED),
        (pulse(bar.station, 0, 0, 0, bar.max_open_tick + 1), PulseReason.TOO_LONG),
        (pulse(bar.station, 0, 0, 40, good), PulseReason.FIRED),
    ]
    if bar.min_open_tick > 1:
        cases.append((pulse(bar.station, 0, 0, 0, bar.min_open_tick - 1), PulseReason.TOO_SHORT))
    if bar.max_open_tick >= 0xFFFF or len(bars) > 15:
        raise NotApplicable("the limits leave nothing to refuse")
    base = status.encoder_tick + lead_tick(status)
    first_id = bench.batch([one for one, _ in cases], base_tick=base)
    reports = bench.reported(first_id, len(cases))
    for (one, wanted), report in zip(cases, reports, strict=True):
        if report.reason not in (wanted, PulseReason.LATE_SCAN):
            raise Wrong(f"{one} is reported {report.reason.name}, not {wanted.name}")
    refused = (bench.read().refused_total - status.refused_total) & TICK_MASK
    if refused != len(cases) - 1:
        raise Wrong(f"refused_total rose by {refused}, not by {len(cases) - 1}")


def check_batch_too_long(bench: Bench) -> None:
    """A batch that claims more pulses than a write can hold is refused whole."""
    status = bench.run()
    bar = bench.bars()[0]
    first_id = bench.new_ids(BATCH_PULSES)
    one = pulse(bar.station, 0, 0, 5000, bar.min_open_tick + 1)
    mailbox = replace(
        bench.mailbox(RUN, status),
        batch_sequence=next_sequence(status.accepted_batch),
        pulse_count=40,
        base_pulse_id=first_id,
        base_tick=status.encoder_tick,
        pulses=(one,) * BATCH_PULSES,
    )
    bench.send(mailbox)
    reports = bench.reported(first_id, BATCH_PULSES)
    if {report.reason for report in reports} != {PulseReason.MALFORMED}:
        raise Wrong(f"of a batch of 40 some pulse is reported {reports[0].reason.name}")


def check_repeated_batch(bench: Bench) -> None:
    """A batch written again, or an old one that comes late, fires nothing a second time."""
    status = bench.run()
    bar = bench.bars()[0]
    ticks = bar.min_open_tick + 10
    base = status.encoder_tick + lead_tick(status)
    first_id = bench.batch([pulse(bar.station, 0, 0, 0, ticks)], base_tick=base)
    number = bench.read().accepted_batch
    again = replace(
        bench.mailbox(RUN, status),
        batch_sequence=number,
        pulse_count=1,
        base_pulse_id=first_id,
        base_tick=(base + 5000) & TICK_MASK,
        pulses=(pulse(bar.station, 0, 0, 0, ticks),),
    )
    bench.send(again)
    bench.reported(first_id, 1)
    second_id = bench.batch(
        [pulse(bar.station, 0, 0, 100, ticks)], base_tick=bench.read().encoder_tick
    )
    stale = bench.read().stale_batches
    old = replace(again, heartbeat=bench.mailbox(RUN, status).heartbeat)
    bench.send(old)
    bench.until(
        RUN,
        lambda s: s.stale_batches != stale,
        "a batch with an old number is not counted in stale_batches",
    )
    bench.reported(second_id, 1)
    if len(bench.reports[first_id]) != 1:
        raise Wrong("a batch that was written twice has two reports for one pulse: it fires twice")


def check_bad_checksum(bench: Bench) -> None:
    """Half a write, or one with a wrong sum, does nothing and is counted."""
    status = bench.run()
    bar = bench.bars()[0]
    torn = replace(
        bench.mailbox(RUN, status),
        batch_sequence=next_sequence(status.accepted_batch),
        pulse_count=1,
        base_pulse_id=bench.new_ids(1),
        base_tick=status.encoder_tick & TICK_MASK,
        pulses=(pulse(bar.station, 0, 0, 3000, bar.min_open_tick + 1),),
    )
    words = encode_mailbox(torn)
    words[-1] ^= 0x0100
    bench.transport.write_holding(MAILBOX.address, words)
    seen = bench.silent_until(
        lambda s: s.bad_writes != status.bad_writes,
        "a mailbox with a wrong checksum is not counted in bad_writes",
        plc_ms=100,
    )
    if seen.accepted_batch != status.accepted_batch:
        raise Wrong("a batch with a wrong checksum was taken")
    if StatusFlag.HEARTBEAT_OK in StatusFlag(seen.flags) and seen.heartbeat_echo == torn.heartbeat:
        raise Wrong("a write with a wrong checksum counts as a heartbeat")
