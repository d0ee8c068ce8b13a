"""Checks of manual tests, flaps and the belt."""

from dataclasses import replace
from functools import partial

from plc.codec import StatusBlock
from plc.contract.bench import Bench
from plc.contract.words import BELT, OFF, NotApplicable, Wrong, pulse
from plc.register_flags import (
    FlapPosition,
    PulseReason,
    RequestFlag,
    StationKind,
    StatusFlag,
    ValveTestReason,
    ValveTestState,
)
from plc.service_types import ValveTest, ValveTestResult
from plc.types import PlcState

_MAINTENANCE = RequestFlag.MAINTENANCE


def check_maintenance(bench: Bench) -> None:
    """Valves are tested by hand in maintenance only, within their limits, acknowledged."""
    status = bench.take_control()
    bar = bench.bars()[0]
    open_ms = max(bar.min_open_ms, min(bar.max_open_ms, 20))
    test = ValveTest(station=bar.station, valve=0, open_ms=open_ms, pause_ms=open_ms, count=2)
    _tested(bench, OFF, test, ValveTestReason.NOT_IN_MAINTENANCE)
    bench.until(
        _MAINTENANCE,
        lambda s: s.state == PlcState.MAINTENANCE,
        "request bit 2 does not lead from STOPPED to MAINTENANCE",
    )
    done = _tested(bench, _MAINTENANCE, test, ValveTestReason.NONE)
    if done.pulses_done != test.count:
        raise Wrong(f"a test of {test.count} pulses reports {done.pulses_done}")
    for wrong, reason in (
        (replace(test, station=15), ValveTestReason.STATION_UNKNOWN),
        (replace(test, valve=bar.valve_count), ValveTestReason.VALVE_UNKNOWN),
        (replace(test, open_ms=bar.max_open_ms + 1), ValveTestReason.DURATION_OUT_OF_LIMITS),
        (replace(test, count=0), ValveTestReason.COUNT_OUT_OF_LIMITS),
    ):
        _tested(bench, _MAINTENANCE, wrong, reason)
    first_id = bench.batch(
        [pulse(bar.station, 0, 0, 2000, bar.min_open_tick + 1)],
        base_tick=status.encoder_tick,
        requests=_MAINTENANCE,
    )
    (report,) = bench.reported(first_id, 1, requests=_MAINTENANCE)
    if report.reason != PulseReason.NOT_RUNNING:
        raise Wrong(f"a pulse that arrives in MAINTENANCE is reported {report.reason.name}")
    bench.until(OFF, lambda s: s.state == PlcState.STOPPED, "maintenance does not end")


def _tested(
    bench: Bench, requests: RequestFlag, test: ValveTest, wanted: ValveTestReason
) -> ValveTestResult:
    """Command a test and wait for its end, which must be the wanted one."""
    number = bench.service.command_test(test)
    ended = (ValveTestState.DONE, ValveTestState.REFUSED, ValveTestState.ABORTED)
    results: list[ValveTestResult] = []

    def over(_: object) -> bool:
        results.append(bench.service.test_result())
        return results[-1].sequence == number and results[-1].state in ended

    bench.until(requests, over, f"{test} is not acknowledged", plc_ms=8000)
    result = results[-1]
    if result.reason != wanted:
        raise Wrong(f"{test} ends with reason {result.reason.name}, not {wanted.name}")
    return result


def check_flaps(bench: Bench) -> None:
    """A held flap goes to its working position, back when let go, and to rest on silence."""
    bench.take_control()
    flaps = [s for s in bench.stations if s.kind != StationKind.JET_BAR]
    if not flaps:
        raise NotApplicable("this PLC has no flap or gate")
    for flap in flaps:
        _position(bench, flap.station, FlapPosition.WORKING, hold=1 << flap.station)
        _position(bench, flap.station, FlapPosition.REST, hold=0)
    flap = flaps[0]
    _position(bench, flap.station, FlapPosition.WORKING, hold=1 << flap.station)
    bench.fall_silent()
    if bench.transport.read_coils(flap.first_output, 1)[0]:
        raise Wrong("a flap stays held after its master fell silent")


def _position(bench: Bench, station: int, wanted: FlapPosition, *, hold: int) -> None:
    bench.until(
        OFF,
        lambda s: s.flap_positions >> 2 * station & 3 == wanted,
        f"the flap of station {station} does not get to {wanted.name} with flap_hold {hold:#x}",
        flap_hold=hold,
        plc_ms=15_000,
    )


def check_belt(bench: Bench) -> None:
    """The belt follows its requests, slow speed included."""
    bench.take_control()
    for requests, wanted in (
        (BELT, StatusFlag.BELT_RUNNING),
        (BELT | RequestFlag.BELT_SLOW, StatusFlag.BELT_RUNNING | StatusFlag.BELT_SLOW),
        (OFF, StatusFlag(0)),
    ):
        bench.until(
            requests,
            partial(_belt_is, wanted),
            f"with requests {int(requests)} the belt's flags do not become {int(wanted)}",
        )


def _belt_is(wanted: StatusFlag, status: StatusBlock) -> bool:
    both = StatusFlag.BELT_RUNNING | StatusFlag.BELT_SLOW
    return StatusFlag(status.flags) & both == wanted
