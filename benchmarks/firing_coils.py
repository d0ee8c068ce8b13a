"""What the PC times itself: direct mode's firing process, and the naive write when it is time."""

import threading
from collections.abc import Callable

import numpy as np

from benchmarks.firing_queue import FIFO_PRIORITY, belt_at, planners_for
from benchmarks.gunner import Battery, Gunner
from benchmarks.salvo import Shots
from benchmarks.standard_line import StandardLine
from calibration.clock import MonotonicClock
from calibration.units import NS_PER_MS, NS_PER_S, BeltTick, MonotonicNs
from plc.config import DirectConfig, TcpTransport
from plc.direct.direct_link import DirectLink
from plc.direct.setup import DirectSetup
from plc.encoders.config import RegisterEncoder
from plc.modbus_link import open_transport
from plc.types import PulseOutcome
from twin.belt_drive import BeltDrive
from twin.remote_io.launch import RemoteIoProcess
from twin.remote_io.setup import RemoteIoSetup
from twin.wiring import BeltCommand, ValveEdge

_VALVES, _BELT_COIL, _COILS = 80, 80, 88
_PROOF_WRITES = 500
_WIDE_MM = 1250.0
"""A nozzle pitch so wide that the mode is not refused: its precision is what is measured."""
_NAIVE_AHEAD_S = (0.01, 0.04)
_NAIVE_OPEN_S = 0.008


def _remote_io(standard: StandardLine, speed_mm_per_s: float) -> RemoteIoSetup:
    """Describe the remote I/O; real-time priority stands for the processor it has to itself."""
    return RemoteIoSetup(
        first_coils=(0,),
        valve_counts=(_VALVES,),
        coil_count=_COILS,
        belt_coil=_BELT_COIL,
        belt=belt_at(speed_mm_per_s),
        mm_per_tick=standard.mm_per_tick,
        belt_seed=standard.twin.seed,
        start_ns=MonotonicClock().now_ns(),
        watchdog_ms=1000,
        unit_id=standard.line.queue_plc.unit_id,
        fifo_priority=FIFO_PRIORITY,
    )


def _device(standard: StandardLine, port: int) -> DirectConfig:
    plc = standard.line.queue_plc
    return DirectConfig(
        mode="direct",
        transport=TcpTransport(kind="tcp", host="127.0.0.1", port=port),
        unit_id=plc.unit_id,
        timeout_ms=plc.timeout_ms,
        cycle_ms=plc.cycle_ms,
        heartbeat_timeout_ms=plc.heartbeat_timeout_ms,
        max_ticks_per_s=plc.max_ticks_per_s,
        encoder_stall_ms=plc.encoder_stall_ms,
        coil_count=_COILS,
        first_coils=(0,),
        belt_coil=_BELT_COIL,
        watchdog_ms=1000,
        max_open_ms=200,
        proof_writes=_PROOF_WRITES,
    )


def _direct_link(standard: StandardLine, port: int, speed_mm_per_s: float) -> DirectLink:
    return DirectLink(
        DirectSetup(
            device=_device(standard, port),
            encoder=RegisterEncoder(kind="register", address=0),
            valve_counts=(_VALVES,),
            pitch_mm=_WIDE_MM,
            mm_per_tick=standard.mm_per_tick,
            speed_mm_per_s=speed_mm_per_s,
            min_open_tick=1,
            max_open_tick=round(speed_mm_per_s / standard.mm_per_tick),
        )
    )


def direct_errors_ms(
    standard: StandardLine,
    *,
    rate_per_min: int,
    speed_mm_per_s: float,
    for_s: float,
    progress: Callable[[float], None],
) -> tuple[list[float], int]:
    """Fire in direct mode; returns |opened - planned| in ms per ejection, and those not fired.

    The remote I/O stamps when its outputs switch; when the belt was at the planned tick comes from
    the belt's own law, to the nanosecond.

    Raises:
        SoftPlcError: the remote I/O does not start.
        GunnerError: direct mode does not come up.
    """
    setup = _remote_io(standard, speed_mm_per_s)
    ticks_per_s = speed_mm_per_s / standard.mm_per_tick
    with RemoteIoProcess(setup) as remote:
        link = _direct_link(standard, remote.port, speed_mm_per_s)
        gunner = Gunner(
            link=link,
            cycle_ms=standard.line.queue_plc.cycle_ms,
            outputs=remote.events,
            planners=planners_for(rate_per_min, stations=1, valves=_VALVES, seed=7),
            ticks_per_s=ticks_per_s,
        )
        try:
            Battery([gunner]).run(for_s=for_s, progress=progress)
        finally:
            link.shut_down()
    return _errors_ms(gunner.shots, gunner.belt, setup)


def _errors_ms(
    shots: Shots, belt: list[BeltCommand], setup: RemoteIoSetup
) -> tuple[list[float], int]:
    drive = BeltDrive(
        config=setup.belt,
        mm_per_tick=setup.mm_per_tick,
        seed=setup.belt_seed,
        start_ns=MonotonicNs(setup.start_ns),
    )
    # Only the run-up: the belt stops after the last ejection.
    drive.command(run=True, at_ns=belt[0].at_ns)
    errors: list[float] = []
    for pulse_id, command in shots.planned.items():
        reports = shots.reports.get(pulse_id, [])
        if not reports or reports[0].outcome is not PulseOutcome.FIRED:
            continue
        ticks = np.array(shots.openings.get((0, command.valves.first), [0]), dtype=np.int64)
        opened = int(ticks[np.abs(ticks - command.open_tick).argmin()])
        at_ns = drive.time_of_tick(command.open_tick)
        seen_ns = drive.time_of_tick(BeltTick(opened))
        if at_ns is not None and seen_ns is not None:
            errors.append(abs(seen_ns - at_ns) / NS_PER_MS)
    return errors, len(shots.planned) - len(errors)


def _openings_ns(remote: RemoteIoProcess, *, wait_s: float) -> list[int]:
    """Return when valve 0 opened, as far as was told; what is not taken blocks what follows."""
    seen: list[int] = []
    while remote.events.poll(wait_s):
        seen += [
            edge.at_ns
            for edge in remote.events.recv()
            if isinstance(edge, ValveEdge) and edge.opened and edge.valve == 0
        ]
    return seen


def naive_errors_ms(
    standard: StandardLine, *, count: int, progress: Callable[[float], None]
) -> list[float]:
    """Write each coil when it is time, from a thread beside the detector, as a first try would.

    Generous to it: the instants are given, no belt and no encoder come in between.

    Returns:
        |switched - planned| in ms per ejection, as the remote I/O saw it.
    """
    clock, never = MonotonicClock(), threading.Event()
    draw = np.random.default_rng(11)
    planned: list[int] = []
    seen: list[int] = []
    with RemoteIoProcess(_remote_io(standard, 2800.0)) as remote:
        transport = open_transport(_device(standard, remote.port), clock)
        transport.open()
        for index in range(count):
            at_ns = clock.now_ns() + int(draw.uniform(*_NAIVE_AHEAD_S) * NS_PER_S)
            clock.wait(never, (at_ns - clock.now_ns()) / NS_PER_S)
            transport.write_coils(0, [True] * 8)
            clock.wait(never, _NAIVE_OPEN_S)
            transport.write_coils(0, [False] * 8)
            planned.append(at_ns)
            seen += _openings_ns(remote, wait_s=0.0)
            progress(index / count)
        transport.close()
        seen += _openings_ns(remote, wait_s=0.2)
    return [abs(at - plan) / NS_PER_MS for at, plan in zip(seen, planned, strict=True)]
