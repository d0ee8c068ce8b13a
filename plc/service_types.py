"""What the PLC tells beside the cycle: stations, valve counters, manual valve tests."""

from dataclasses import dataclass

from plc.register_flags import FlapPosition, StationKind, ValveTestReason, ValveTestState


@dataclass(frozen=True, slots=True, kw_only=True)
class StationInfo:
    """One station of the PLC and the limits that its program enforces.

    Attributes:
        station: index.
        kind: what stands there.
        valve_count: valves present; 1 for a flap or gate.
        first_output: coil of valve 0.
        queue_used: pulses waiting or open.
        min_open_tick: shorter pulses are refused.
        max_open_tick: longer pulses are refused.
        min_open_ms: a valve stays open at least this long.
        max_open_ms: a valve closes after this.
        pressure_kpa: at the bar; 0 without a sensor.
        position: of the flap or gate.
    """

    station: int
    kind: StationKind
    valve_count: int
    first_output: int
    queue_used: int
    min_open_tick: int
    max_open_tick: int
    min_open_ms: int
    max_open_ms: int
    pressure_kpa: float
    position: FlapPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveCounter:
    """What the PLC counts of one valve since it booted.

    Attributes:
        output: coil of the valve.
        cycles: openings, 32 bits.
        last_open_tick: encoder count at the last one, low 32 bits.
        min_open_ms: shortest opening that holds for it.
        max_open_ms: longest opening that holds for it.
    """

    output: int
    cycles: int
    last_open_tick: int
    min_open_ms: int
    max_open_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveTest:
    """A manual test of one valve.

    Attributes:
        station: index.
        valve: index in the station.
        open_ms: length of each pulse.
        pause_ms: between two pulses, at least as long as a pulse.
        count: pulses, 1 to 100.
    """

    station: int
    valve: int
    open_ms: int
    pause_ms: int = 500
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveTestResult:
    """What became of the last manual test.

    Attributes:
        sequence: its number.
        state: running, done, refused, aborted.
        reason: why refused.
        station: as commanded.
        valve: as commanded.
        pulses_done: pulses that have closed again.
        open_tick: encoder count when the last pulse opened, low 32 bits.
        pressure_before_kpa: when it opened.
        pressure_min_kpa: lowest since, for up to 500 ms.
        response_ms: from switching on until the pressure had fallen by 2 %, None if it never did.
        minimum_ms: from switching on until the lowest pressure, None if it never fell.
    """

    sequence: int
    state: ValveTestState
    reason: ValveTestReason
    station: int
    valve: int
    pulses_done: int
    open_tick: int
    pressure_before_kpa: float
    pressure_min_kpa: float
    response_ms: float | None
    minimum_ms: float | None
