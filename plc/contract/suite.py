"""Runs every check against one PLC and tells what it gets wrong."""

import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from calibration.clock import Clock
from plc.codec import TICK_MASK, decode_status
from plc.contract import checks_control, checks_firing, checks_queue, checks_service
from plc.contract.bench import Bench
from plc.contract.words import NotApplicable, Wrong
from plc.errors import PlcError
from plc.modbus_transport import ModbusTransport
from plc.registers import MAGIC, MAP_VERSION, READ_WORDS, STATUS

Check = Callable[[Bench], None]

_ATTEMPTS = 3

CHECKS: tuple[Check, ...] = (
    checks_control.check_control,
    checks_control.check_stations,
    checks_control.check_half_a_write,
    checks_service.check_belt,
    checks_control.check_stopped_blocks,
    checks_control.check_history,
    checks_control.check_protected,
    checks_control.check_run_needs_edge,
    checks_firing.check_pulses_fire,
    checks_firing.check_valve_outputs,
    checks_firing.check_late,
    checks_firing.check_refused,
    checks_firing.check_batch_too_long,
    checks_firing.check_repeated_batch,
    checks_firing.check_bad_checksum,
    checks_queue.check_queue,
    checks_queue.check_merge,
    checks_queue.check_min_open,
    checks_queue.check_max_open,
    checks_queue.check_wrap,
    checks_control.check_second_master,
    checks_control.check_lease_lapses,
    checks_control.check_silence,
    checks_service.check_maintenance,
    checks_service.check_flaps,
)
"""In this order: what later checks rest on comes first."""


class Verdict(StrEnum):
    """How a check ended."""

    GOOD = "good"
    WRONG = "WRONG"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's end.

    Attributes:
        name: of the check.
        promise: what the PLC must do, in a sentence.
        verdict: whether it does.
        detail: what is wrong, or why the check does not apply; empty if good.
    """

    name: str
    promise: str
    verdict: Verdict
    detail: str


def names() -> tuple[str, ...]:
    """Return the names of all checks, in their order."""
    return tuple(_name(check) for check in CHECKS)


def findings(
    transport: ModbusTransport,
    clock: Clock,
    *,
    line_id: int,
    may_simulate: bool,
    only: Collection[str] = (),
) -> Iterator[Finding]:
    """Check one PLC, one finding after the other; blocks for a minute or two in all.

    Args:
        transport: a connected bus; nobody else may command the PLC meanwhile.
        clock: real time.
        line_id: what the PLC should say it belongs to.
        may_simulate: the PLC may be asked to count an encoder of its own where no belt runs.
        only: names of the checks to make; empty: all. The first two are always made.
    """
    identity = _identity(transport, line_id)
    yield identity
    if identity.verdict is not Verdict.GOOD:
        return
    bench = Bench(
        transport,
        clock,
        owner_id=secrets.randbelow(TICK_MASK) + 1,
        may_simulate=may_simulate,
    )
    wanted = {*only, "control", "stations"} if only else set(names())
    for check in CHECKS:
        if _name(check) not in wanted:
            continue
        finding = _finding(check, bench)
        yield finding
        if check is checks_control.check_stations and finding.verdict is not Verdict.GOOD:
            break
    bench.release()


def _name(check: Check) -> str:
    return check.__name__.removeprefix("check_")


def _finding(check: Check, bench: Bench) -> Finding:
    """Make a check; anew where this PC itself fell silent meanwhile, as on a busy machine."""
    for _ in range(_ATTEMPTS - 1):
        finding = _once(check, bench)
        if finding.verdict is not Verdict.WRONG or not _fell_silent(bench):
            return finding
    finding = _once(check, bench)
    if finding.verdict is Verdict.WRONG and _fell_silent(bench):
        words = (
            f"; this PC wrote nothing for {bench.silence.longest_ms:.0f} ms: end what else it does"
        )
        finding = replace(finding, detail=finding.detail + words)
    return finding


def _fell_silent(bench: Bench) -> bool:
    """Return whether the PLC may have taken this PC for dead though it was not meant to."""
    return bench.silence.longest_ms > 0.9 * bench.heartbeat_timeout_ms


def _once(check: Check, bench: Bench) -> Finding:
    verdict, detail = Verdict.GOOD, ""
    bench.silence.begin()
    try:
        check(bench)
    except Wrong as wrong:
        verdict, detail = Verdict.WRONG, str(wrong)
    except NotApplicable as why:
        verdict, detail = Verdict.NOT_APPLICABLE, str(why)
    except PlcError as error:
        verdict, detail = Verdict.WRONG, f"it does not answer as it should: {error}"
        bench.transport.open()
    return Finding(
        name=_name(check),
        promise=(check.__doc__ or "").strip().splitlines()[0],
        verdict=verdict,
        detail=detail,
    )


def _identity(transport: ModbusTransport, line_id: int) -> Finding:
    """Check that the device is a PLC with this map, of this line, readable in one request."""
    status = decode_status(transport.read_holding(STATUS.address, READ_WORDS))
    detail = ""
    if (status.magic, status.map_version) != (MAGIC, MAP_VERSION):
        detail = (
            f"registers 0 and 1 hold {status.magic:#06x} and {status.map_version}, this map is "
            f"{MAGIC:#06x} version {MAP_VERSION}; check address and unit id"
        )
    elif status.line_id != line_id:
        detail = f"it belongs to line {status.line_id}, line {line_id} was asked for (--line-id)"
    return Finding(
        name="identity",
        promise=f"One read of {READ_WORDS} registers shows magic, map version and line.",
        verdict=Verdict.WRONG if detail else Verdict.GOOD,
        detail=detail,
    )
