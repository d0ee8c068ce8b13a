"""Checks of what waits and of what stays open: queue, merging, limits in time, the wrap."""

from plc.codec import TICK_MASK, signed_difference
from plc.contract.bench import Bench
from plc.contract.words import BELT, OFF, RUN, NotApplicable, Wrong, lead_tick, pulse
from plc.register_flags import PulseReason
from plc.registers import BATCH_PULSES
from plc.types import PlcState

_NEAR = 100_000
"""Within half a minute at any belt speed."""
_WRAP_AHEAD = 20_000
"""Where a simulated count begins before its wrap: four seconds."""


def check_queue(bench: Bench) -> None:
    """A station holds 256 pulses at least, refuses what is beyond, and a stop empties it."""
    status = bench.run()
    bar = bench.bars()[0]
    if status.queue_size < 256:
        raise Wrong(f"queue_size is {status.queue_size}, 256 per station are the least")
    far = status.encoder_tick + 200_000
    one = pulse(bar.station, 0, 0, 0, bar.min_open_tick + 1)
    ids: list[int] = []
    for _ in range(status.queue_size // BATCH_PULSES):
        first_id = bench.batch([one] * BATCH_PULSES, base_tick=far)
        ids += range(first_id, first_id + BATCH_PULSES)
    if bench.read().queue_used != len(ids):
        raise Wrong(f"{len(ids)} pulses wait, queue_used says {bench.read().queue_used}")
    over = bench.batch([one], base_tick=far)
    (report,) = bench.reported(over, 1)
    if report.reason != PulseReason.NO_ROOM:
        raise Wrong(f"a pulse beyond the queue's room is reported {report.reason.name}")
    bench.until(BELT, lambda s: s.queue_used == 0, "a stop does not empty the queue")
    after = bench.read()
    if (after.blocked_total - status.blocked_total) & TICK_MASK != len(ids):
        raise Wrong("blocked_total does not count every pulse that a stop flushed")
    flushed = [bench.reports[i][0].reason for i in ids if i in bench.reports]
    if not flushed or set(flushed) != {PulseReason.STOPPED}:
        raise Wrong("pulses flushed by a stop are not reported as stopped")


def check_merge(bench: Bench) -> None:
    """Overlapping pulses keep a valve open without closing it in between."""
    status = bench.run()
    bar = bench.bars()[0]
    valve = bar.valve_count - 1
    cycles = _cycles(bench, bar.first_output + valve)
    ticks = max(60, bar.min_open_tick + 1)
    base = bench.read().encoder_tick + lead_tick(status)
    pulses = [pulse(bar.station, valve, valve, i * (ticks // 2), ticks) for i in range(4)]
    reports = bench.reported(bench.batch(pulses, base_tick=base), len(pulses))
    if any(report.reason != PulseReason.FIRED for report in reports):
        raise NotApplicable("a pulse came too late for a scan; see the check of firing")
    opened = _cycles(bench, bar.first_output + valve) - cycles
    if opened != 1:
        raise Wrong(f"four overlapping pulses opened one valve {opened} times, not once")


def _cycles(bench: Bench, output: int) -> int:
    page, index = divmod(output, 16)
    bench.service.ask_for_page(page)
    bench.until(
        RUN,
        lambda _: bench.service.page()[0] == page,
        f"valve page {page} is wanted and never shown",
    )
    # The page is refreshed entry by entry: let every entry have its turn.
    for _ in range(20):
        bench.cycle(RUN)
    return bench.service.page()[1][index].cycles


def check_max_open(bench: Bench) -> None:
    """A valve closes after its longest time by the PLC's clock, though the belt has stopped."""
    status = bench.run()
    bar = bench.bars()[0]
    base = status.encoder_tick + lead_tick(status)
    first_id = bench.batch([pulse(bar.station, 0, 0, 0, bar.max_open_tick)], base_tick=base)
    stop_belt = RUN & ~BELT
    bench.until(
        RUN,
        lambda _: first_id in bench.reports or any(bench.transport.read_coils(bar.first_output, 1)),
        "a pulse does not open its valve's coil",
    )
    if first_id in bench.reports:
        raise NotApplicable("the pulse was over before its coil could be read")
    bench.until(
        stop_belt,
        lambda _: not any(bench.transport.read_coils(bar.first_output, 1)),
        f"a valve stays open for longer than max_open_ms {bar.max_open_ms} on a standing belt",
        plc_ms=bar.max_open_ms + 1000,
    )
    bench.until(OFF, lambda s: s.state == PlcState.STOPPED, "a stop request does not stop")
    (report,) = bench.reported(first_id, 1, requests=OFF)
    if report.reason not in (PulseReason.FIRED_CUT, PulseReason.FIRED):
        raise Wrong(f"a pulse cut short by a stop is reported {report.reason.name}")


def check_min_open(bench: Bench) -> None:
    """A valve stays open for its shortest time by the PLC's clock, however fast the belt."""
    status = bench.run()
    bar = bench.bars()[0]
    needed = bar.min_open_ms * status.encoder_ticks_per_s // 1000
    if needed <= bar.min_open_tick + 1:
        raise NotApplicable("min_open_tick holds the valve open longer than min_open_ms does")
    base = status.encoder_tick + lead_tick(status)
    first_id = bench.batch([pulse(bar.station, 0, 0, 0, max(1, bar.min_open_tick))], base_tick=base)
    (report,) = bench.reported(first_id, 1)
    if report.reason == PulseReason.FIRED and report.duration_tick < needed - 2:
        raise Wrong(
            f"a valve was open for {report.duration_tick} ticks, min_open_ms "
            f"{bar.min_open_ms} is {needed} ticks"
        )


def check_wrap(bench: Bench) -> None:
    """Pulses on both sides of the encoder count's wrap fire at their ticks."""
    bench.take_control()
    if bench.simulating:
        bench.simulate(start_tick=2**32 - _WRAP_AHEAD)
    status = bench.run()
    bar = bench.bars()[0]
    offsets = [i * 150 for i in range(16)]
    base = 2**32 - offsets[8]
    ahead = (base - status.encoder_tick) & TICK_MASK
    if not lead_tick(status) < ahead < _NEAR:
        raise NotApplicable("the count is far from its wrap and cannot be set")
    pulses = [
        pulse(bar.station, i % bar.valve_count, i % bar.valve_count, offset, bar.min_open_tick + 10)
        for i, offset in enumerate(offsets)
    ]
    first_id = bench.batch(pulses, base_tick=base)
    for offset, report in zip(offsets, bench.reported(first_id, len(pulses)), strict=True):
        off = signed_difference(report.open_tick, (base + offset) & TICK_MASK)
        fired = report.reason == PulseReason.FIRED
        if not (fired and 0 <= off <= status.late_tolerance_tick) and (
            report.reason != PulseReason.LATE_SCAN
        ):
            raise Wrong(
                f"across the wrap a pulse is reported {report.reason.name}, {off} ticks from its "
                "tick; compare wrapping counts by their difference"
            )
    bench.until(RUN, lambda s: s.encoder_tick < 2**31, "the count never passes 2^32")
