"""Checks of who commands and when: identity, lease, states, silence, maintenance, outputs."""

from contextlib import suppress
from dataclasses import replace

from plc.batches import next_sequence
from plc.codec import TICK_MASK, StatusBlock, encode_mailbox
from plc.contract.bench import Bench
from plc.contract.words import OFF, RUN, Wrong, lead_tick, pulse
from plc.errors import PlcFaultError
from plc.register_flags import (
    PulseReason,
    RequestFlag,
)
from plc.registers import HISTORY, MAILBOX, MAX_OUTPUTS, STATUS
from plc.types import PlcState

_STRANGER = 0x5EC0ED01


def check_control(bench: Bench) -> None:
    """A master that writes gets control, is heard, and the program scans."""
    status = bench.take_control()
    if status.scan_period_us == 0 or status.heartbeat_timeout_ms == 0:
        raise Wrong("scan_period_us or heartbeat_timeout_ms is 0: nobody can judge its timing")
    sent = replace(bench.mailbox(OFF, status))
    bench.send(sent)
    bench.silent_until(
        lambda s: s.heartbeat_echo == sent.heartbeat,
        "heartbeat_echo does not follow the owner's heartbeat",
        plc_ms=100,
    )
    bench.until(OFF, lambda s: s.scan_counter != status.scan_counter, "scan_counter stands still")


def check_stations(bench: Bench) -> None:
    """The station table names what is there, without overlaps, within the outputs."""
    status = bench.take_control()
    _after(bench, OFF, cycles=20)
    bench.stations = bench.service.stations()
    if not bench.bars():
        raise Wrong("the station table names no jet bar")
    outputs = sorted(
        output
        for station in bench.stations
        for output in range(station.first_output, station.first_output + station.valve_count)
    )
    if len(outputs) != len(set(outputs)) or outputs[-1] >= MAX_OUTPUTS:
        raise Wrong(f"outputs of stations overlap, or lie beyond coil {MAX_OUTPUTS - 1}")
    for station in bench.stations:
        if station.min_open_tick > station.max_open_tick or station.max_open_ms == 0:
            raise Wrong(f"station {station.station} has limits that no pulse can meet")
    if status.station_count < len(bench.stations) or status.output_count < len(outputs):
        raise Wrong("station_count or output_count is less than the station table holds")


def check_second_master(bench: Bench) -> None:
    """A second master is refused and counted, and the first stays in control."""
    status = bench.run()
    bar = bench.bars()[0]
    stranger = replace(
        bench.mailbox(OFF, status),
        owner_id=_STRANGER,
        batch_sequence=next_sequence(status.accepted_batch),
        pulse_count=1,
        base_pulse_id=4_000_000_000,
        base_tick=status.encoder_tick,
        pulses=(pulse(bar.station, 0, 0, 500, bar.min_open_tick + 1),),
    )
    bench.send(stranger)
    seen = bench.silent_until(
        lambda s: s.foreign_writes != status.foreign_writes,
        "a second master's write is not counted in foreign_writes",
        plc_ms=100,
    )
    if seen.lease_owner != bench.owner_id or seen.accepted_batch != status.accepted_batch:
        raise Wrong("a second master takes control away from the first, or its batch is taken")
    after = bench.cycle(RUN)
    if after.state != PlcState.RUNNING:
        raise Wrong("a second master's request changed the state")
    if 4_000_000_000 in bench.reports:
        raise Wrong("a second master's pulse is reported among the first one's")


def check_lease_lapses(bench: Bench) -> None:
    """Silence frees the PLC for the next master."""
    bench.run()
    bench.fall_silent()
    status = bench.read()
    if status.lease_owner != 0:
        raise Wrong("lease_owner is not 0 after the owner fell silent")
    bench.send(replace(bench.mailbox(OFF, status), owner_id=_STRANGER))
    bench.silent_until(
        lambda s: s.lease_owner == _STRANGER,
        "after the first master fell silent another does not get control",
        plc_ms=100,
    )
    bench.send(replace(bench.mailbox(RequestFlag.RELEASE, bench.read()), owner_id=_STRANGER))
    bench.silent_until(
        lambda s: s.lease_owner == 0, "request bit 4 does not give the lease back", plc_ms=100
    )


def check_silence(bench: Bench) -> None:
    """Silence closes every valve, flushes the queue, stops the belt; nothing resumes by itself."""
    status = bench.run()
    bar = bench.bars()[0]
    base = status.encoder_tick + lead_tick(status)
    pulses = [
        pulse(bar.station, 0, 0, 0, bar.max_open_tick),
        pulse(bar.station, 0, 0, 60_000, bar.min_open_tick + 1),
    ]
    first_id = bench.batch(pulses, base_tick=base)
    bench.fall_silent()
    after = bench.read()
    if after.state != PlcState.SAFE:
        raise Wrong(f"silence in RUNNING leads to state {after.state}, not to SAFE (2)")
    if after.queue_used or any(bench.transport.read_coils(bar.first_output, bar.valve_count)):
        raise Wrong("after silence a valve is open or a pulse still waits")
    report = bench.reported(first_id + 1, 1, requests=RUN)[0]
    if report.reason != PulseReason.SILENCE:
        raise Wrong(f"a pulse flushed by silence is reported {report.reason.name}")
    again = _after(bench, RUN, cycles=20)
    if again.state == PlcState.RUNNING:
        raise Wrong("after silence a run request that was on all the time starts the line again")
    if bench.take_control().state != PlcState.STOPPED:
        raise Wrong("a stop request does not lead out of SAFE")


def _after(bench: Bench, requests: RequestFlag, *, cycles: int) -> StatusBlock:
    """Return the status after some cycles with the same requests."""
    status = bench.cycle(requests)
    for _ in range(cycles - 1):
        status = bench.cycle(requests)
    return status


def check_run_needs_edge(bench: Bench) -> None:
    """A new master that asks to run at once does not start the line; off and on again does."""
    bench.take_control()
    bench.release()
    bench.silent_until(
        lambda s: s.lease_owner == 0, "request bit 4 does not give the lease back", plc_ms=100
    )
    status = _after(bench, RUN, cycles=20)
    if status.state == PlcState.RUNNING:
        raise Wrong("a run request that was never off starts the line")
    bench.run()


def check_stopped_blocks(bench: Bench) -> None:
    """In STOPPED a pulse is blocked, reported and counted."""
    status = bench.take_control()
    bar = bench.bars()[0]
    first_id = bench.batch(
        [pulse(bar.station, 0, 0, 2000, bar.min_open_tick + 1)],
        base_tick=status.encoder_tick,
        requests=OFF,
    )
    (report,) = bench.reported(first_id, 1, requests=OFF)
    if report.reason != PulseReason.NOT_RUNNING:
        raise Wrong(f"a pulse that arrives in STOPPED is reported {report.reason.name}")
    if (bench.read().blocked_total - status.blocked_total) & TICK_MASK != 1:
        raise Wrong("blocked_total does not count a pulse that arrived in STOPPED")


def check_protected(bench: Bench) -> None:
    """A master's write to what the PLC writes, or to a valve's coil, has no effect."""
    status = bench.take_control()
    bar = bench.bars()[0]
    with suppress(PlcFaultError):
        bench.transport.write_holding(STATUS.address, [0, 0, 0, 1])
    with suppress(PlcFaultError):
        bench.transport.write_coils(bar.first_output, [True])
    after = _after(bench, OFF, cycles=3)
    if (after.magic, after.state) != (status.magic, PlcState.STOPPED):
        raise Wrong("a master can overwrite the status registers")
    if any(bench.transport.read_coils(bar.first_output, 8)):
        raise Wrong("a master can open a valve by writing its coil: nothing would close it")


def check_history(bench: Bench) -> None:
    """The long ring of reports holds what the short one does, for the first pieces out."""
    status = bench.take_control()
    bar = bench.bars()[0]
    first_id = bench.batch(
        [pulse(bar.station, 0, 0, 2000 + i, bar.min_open_tick + 1) for i in range(20)],
        base_tick=status.encoder_tick,
        requests=OFF,
    )
    bench.reported(first_id, 20, requests=OFF)
    entry = bench.read().report_sequence % HISTORY.repeats
    words = bench.transport.read_holding(HISTORY.address + entry * HISTORY.stride, HISTORY.stride)
    if words[0] << 16 | words[1] != first_id + 19:
        raise Wrong("report n does not lie in entry n modulo 128 of report_history")


def check_half_a_write(bench: Bench) -> None:
    """A master that writes its header only, in a write of its own, is heard all the same."""
    status = bench.take_control()
    words = encode_mailbox(bench.mailbox(OFF, status))
    bench.transport.write_holding(MAILBOX.address, words)
    bench.silent_until(
        lambda s: s.heartbeat_echo == words[2], "a write without pulses is not heard", plc_ms=100
    )
