"""Queue mode: ejections through PLC threads and Modbus TCP to soft PLCs, links good and bad."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.gunner import Battery, Gunner
from benchmarks.proxied import fault_proxy
from benchmarks.salvo import Planner, Verdict, judge
from benchmarks.standard_line import StandardLine
from calibration.clock import MonotonicClock
from plc.config import PlcConfig, TcpTransport
from plc.modbus_link import open_link
from twin.config import BeltConfig
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.launch import launch
from twin.soft_plc.setup import SoftPlcSetup, TcpEndpoint

FIFO_PRIORITY = 50
PLCS, STATIONS = 2, 2
"""Two PLCs with two bars each, every bar at the full rate: a million pulses in minutes."""
LATE_TICK = 1
"""A pulse that opens later than this after its planned tick fired late."""
_ACCELERATION_MM_PER_S2 = 28_000.0
"""The belt is at speed at once: its ramps are not what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One run.

    Attributes:
        rate_per_min: ejections of each bar.
        speed_mm_per_s: of the belt.
        for_s: how long ejections are planned.
        faults: the links go through the fault proxy.
        fifo_priority: of the PLC's scan, 0 for none.
    """

    rate_per_min: int
    speed_mm_per_s: float
    for_s: float
    faults: bool
    fifo_priority: int = FIFO_PRIORITY


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRun:
    """What came of a scenario.

    Attributes:
        verdicts: one per PLC.
        lost_links: times a link was lost.
        restarts: times a PLC was started again.
        reports_lost: reports overwritten before they were read.
        faults: injected, by name.
    """

    verdicts: tuple[Verdict, ...]
    lost_links: int
    restarts: int
    reports_lost: int
    faults: Counter[str]


def belt_at(speed_mm_per_s: float) -> BeltConfig:
    """Return a belt that is at speed at once."""
    return BeltConfig(
        speed_mm_per_s=speed_mm_per_s,
        acceleration_mm_per_s2=_ACCELERATION_MM_PER_S2,
        deceleration_mm_per_s2=_ACCELERATION_MM_PER_S2,
    )


def planners_for(
    scenario_rate_per_min: int, *, stations: int, valves: int, seed: int
) -> list[Planner]:
    """Return a planner per station."""
    return [
        Planner(
            station=station,
            valves=valves,
            rate_per_s=scenario_rate_per_min / 60,
            seed=seed * 100 + station,
        )
        for station in range(stations)
    ]


def run_queue(
    standard: StandardLine, scenario: Scenario, progress: Callable[[float], None]
) -> QueueRun:
    """Run one scenario on fresh soft PLCs.

    Raises:
        SoftPlcError: a soft PLC does not start.
        GunnerError: it does not run.
    """
    faults: Counter[str] = Counter()
    with ExitStack() as stack:
        gunners = [_gunner(standard, scenario, index, stack, faults) for index in range(PLCS)]
        Battery(gunners).run(for_s=scenario.for_s, progress=progress)
    return QueueRun(
        verdicts=tuple(judge(gunner.shots, late_tick=LATE_TICK) for gunner in gunners),
        lost_links=sum(gunner.shots.lost_links for gunner in gunners),
        restarts=sum(gunner.shots.restarts for gunner in gunners),
        reports_lost=sum(gunner.shots.reports_lost for gunner in gunners),
        faults=faults,
    )


def _gunner(
    standard: StandardLine, scenario: Scenario, index: int, stack: ExitStack, faults: Counter[str]
) -> Gunner:
    config, mm_per_tick = standard.line.queue_plc, standard.mm_per_tick
    ticks_per_s = scenario.speed_mm_per_s / mm_per_tick
    station = standard.line.stations[0]
    plc = stack.enter_context(
        launch(
            SoftPlcSetup(
                plc=SoftPlcConfig.for_line(
                    [station] * STATIONS,
                    heartbeat_timeout_ms=config.heartbeat_timeout_ms,
                    ticks_per_s=ticks_per_s,
                ),
                belt=belt_at(scenario.speed_mm_per_s),
                mm_per_tick=mm_per_tick,
                belt_seed=standard.twin.seed + index,
                start_ns=MonotonicClock().now_ns(),
                endpoint=TcpEndpoint(port=0),
                unit_id=config.unit_id,
                fifo_priority=scenario.fifo_priority,
            )
        )
    )
    port = plc.port
    if scenario.faults:
        port = stack.enter_context(fault_proxy(port, seed=index + 1, counts=faults))
    return Gunner(
        link=open_link(_towards(config, port), MonotonicClock()),
        cycle_ms=config.cycle_ms,
        outputs=plc.events,
        planners=planners_for(
            scenario.rate_per_min, stations=STATIONS, valves=station.valve_count, seed=index + 1
        ),
        ticks_per_s=ticks_per_s,
    )


def _towards(config: PlcConfig, port: int) -> PlcConfig:
    transport = TcpTransport(kind="tcp", host="127.0.0.1", port=port)
    return config.model_copy(update={"transport": transport})
