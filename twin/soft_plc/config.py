"""How the soft PLC is set up, as an integrator would set the constants of a PLC program."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Self

from pydantic import Field, model_validator

from calibration.section import Section
from controller.stations import BeltRequestConfig, FlapConfig, GateConfig, StationConfig
from plc.register_flags import StationKind
from plc.registers import MAX_OUTPUTS, MAX_STATIONS, VALVES_PER_STATION

_SHORTEST_SHARE = 0.75
_LONGEST_SHARE = 1.25
"""Pulse limits in ticks leave room for a belt this much off its nominal speed; beside them the
valve's own limit in time holds."""

ValveCount = Annotated[int, Field(ge=1, le=VALVES_PER_STATION)]
Milliseconds = Annotated[int, Field(ge=0, le=65535)]
Ticks = Annotated[int, Field(ge=1, le=65534)]


class StationLimits(Section):
    """Limits of one station where they differ from the PLC's common ones."""

    min_open_tick: Ticks
    max_open_tick: Ticks
    min_open_ms: Milliseconds = 0
    max_open_ms: Annotated[int, Field(ge=1, le=65535)]


class ValveLimits(Section):
    """Limits of one valve where they differ from its station's."""

    station: Annotated[int, Field(ge=0, lt=MAX_STATIONS)]
    valve: Annotated[int, Field(ge=0, lt=VALVES_PER_STATION)]
    min_open_ms: Milliseconds
    max_open_ms: Annotated[int, Field(ge=1, le=65535)]


class SoftPlcConfig(Section):
    """Constants of one soft PLC."""

    line_id: int = Field(default=1, ge=1, le=65535)
    """Which line the PLC belongs to; a line with another id does not use it."""
    station_valves: tuple[ValveCount, ...] = Field(min_length=1, max_length=MAX_STATIONS)
    """Valves of each station; 1 for a flap or gate."""
    station_kinds: tuple[StationKind, ...] = ()
    """What stands at each station; jet bars where nothing is said."""
    heartbeat_timeout_ms: int = Field(ge=1, le=65535)
    """Silence after which every valve closes."""
    min_open_tick: Ticks
    """Shorter pulses are refused."""
    max_open_tick: Ticks
    """Longer pulses are refused."""
    min_open_ms: Milliseconds = 0
    """A valve stays open at least this long."""
    max_open_ms: int = Field(ge=1, le=65535)
    """Longest time that one valve stays open, merged pulses and a stopped belt included."""
    station_limits: tuple[StationLimits, ...] = ()
    """Limits by station, for all stations or for none."""
    valve_limits: tuple[ValveLimits, ...] = ()
    """Limits of single valves."""
    late_tolerance_tick: int = Field(default=1, ge=0, le=65535)
    """A scan that comes to a pulse later than this does not fire it."""
    queue_size: int = Field(default=256, ge=1, le=4096)
    """Pulses that each station can hold."""
    scan_period_us: int = Field(default=1000, ge=0, le=65535)
    """Time between scans; 0 where the clock is virtual and every read scans."""
    belt_stops_on_silence: bool = True
    """Whether a lost heartbeat also stops the belt."""
    flap_travel_ms: int = Field(default=300, ge=0, le=65535)
    """How long a flap moves from one limit switch to the other."""

    @model_validator(mode="after")
    def _fits_the_map(self) -> Self:
        outputs, stations = sum(self.station_valves), len(self.station_valves)
        if outputs > MAX_OUTPUTS:
            msg = f"{outputs} valves, one PLC has outputs for {MAX_OUTPUTS}; use several PLCs"
            raise ValueError(msg)
        for name in ("station_kinds", "station_limits"):
            if len(getattr(self, name)) not in (0, stations):
                msg = f"{name} has {len(getattr(self, name))} entries for {stations} stations"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        ranges = [(limit.min_open_tick, limit.max_open_tick) for limit in self.station_limits]
        for shortest, longest in ((self.min_open_tick, self.max_open_tick), *ranges):
            if shortest > longest:
                msg = f"min_open_tick {shortest} is above max_open_tick {longest}"
                raise ValueError(msg)
        for limit in self.valve_limits:
            known = limit.valve < self.valves_of(limit.station)
            if not known or limit.min_open_ms > limit.max_open_ms:
                msg = f"valve_limits: {limit!r} names no valve of this PLC, or min is above max"
                raise ValueError(msg)
        return self

    def valves_of(self, station: int) -> int:
        """Return how many valves a station has, 0 where there is no such station."""
        return self.station_valves[station] if station < len(self.station_valves) else 0

    def kind(self, station: int) -> StationKind:
        """Return what stands at a station."""
        return self.station_kinds[station] if self.station_kinds else StationKind.JET_BAR

    def limits(self, station: int) -> StationLimits:
        """Return the limits that hold at a station."""
        if self.station_limits:
            return self.station_limits[station]
        return StationLimits(
            min_open_tick=self.min_open_tick,
            max_open_tick=self.max_open_tick,
            min_open_ms=self.min_open_ms,
            max_open_ms=self.max_open_ms,
        )

    @property
    def first_outputs(self) -> tuple[int, ...]:
        """Coil of valve 0, by station: stations follow one another without gaps."""
        return tuple(accumulate(self.station_valves[:-1], initial=0))

    @classmethod
    def for_line(
        cls,
        stations: Sequence[StationConfig],
        *,
        heartbeat_timeout_ms: float,
        ticks_per_s: float,
        line_id: int = 1,
        scan_period_us: int = 1000,
        belt_stops_on_silence: bool = True,
    ) -> Self:
        """Derive the constants from a line's stations.

        Args:
            stations: of the line, downstream order; a belt request keeps its place, unused.
            heartbeat_timeout_ms: as in the line's [plc] section.
            ticks_per_s: encoder ticks per second at nominal belt speed.
            line_id: as in the line's [plc] section.
            scan_period_us: see the field.
            belt_stops_on_silence: see the field.
        """
        limits = tuple(_station_limits(station, ticks_per_s) for station in stations)
        return cls(
            line_id=line_id,
            station_valves=tuple(station.valve_count for station in stations),
            station_kinds=tuple(_kind(station) for station in stations),
            station_limits=limits,
            heartbeat_timeout_ms=int(heartbeat_timeout_ms),
            min_open_tick=min(limit.min_open_tick for limit in limits),
            max_open_tick=max(limit.max_open_tick for limit in limits),
            max_open_ms=max(limit.max_open_ms for limit in limits),
            scan_period_us=scan_period_us,
            belt_stops_on_silence=belt_stops_on_silence,
        )


def _kind(station: StationConfig) -> StationKind:
    if isinstance(station, FlapConfig):
        return StationKind.DIVERTER
    if isinstance(station, GateConfig):
        return StationKind.REJECT_GATE
    return StationKind.NONE if isinstance(station, BeltRequestConfig) else StationKind.JET_BAR


def _station_limits(station: StationConfig, ticks_per_s: float) -> StationLimits:
    if isinstance(station, BeltRequestConfig):
        return StationLimits(min_open_tick=1, max_open_tick=1, max_open_ms=1)
    ticks_per_ms = ticks_per_s / 1e3
    return StationLimits(
        min_open_tick=max(1, int(_SHORTEST_SHARE * station.min_open_ms * ticks_per_ms)),
        max_open_tick=int(_LONGEST_SHARE * station.max_open_ms * ticks_per_ms) + 1,
        min_open_ms=int(_SHORTEST_SHARE * station.min_open_ms),
        max_open_ms=int(_LONGEST_SHARE * station.max_open_ms) + 1,
    )
