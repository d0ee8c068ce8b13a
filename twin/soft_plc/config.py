"""How the soft PLC is set up, as an integrator would set the constants of a PLC program."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from calibration.section import Section
from controller.stations import BeltRequestConfig, StationConfig
from plc.registers import MAX_STATIONS, VALVES_PER_STATION

_SHORTEST_SHARE = 0.75
_LONGEST_SHARE = 1.25
"""Pulse limits in ticks leave room for a belt this much off its nominal speed; beside them the
valve's own limit in time holds."""

ValveCount = Annotated[int, Field(ge=1, le=VALVES_PER_STATION)]


class SoftPlcConfig(Section):
    """Constants of one soft PLC."""

    station_valves: tuple[ValveCount, ...] = Field(min_length=1, max_length=MAX_STATIONS)
    """Valves of each jet bar, by station."""
    heartbeat_timeout_ms: int = Field(ge=1, le=65535)
    """Silence after which every valve closes."""
    min_open_tick: int = Field(ge=1, le=65534)
    """Shorter pulses are refused."""
    max_open_tick: int = Field(ge=1, le=65534)
    """Longer pulses are refused."""
    max_open_ms: int = Field(ge=1, le=65535)
    """Longest time that one valve stays open, merged pulses and a stopped belt included."""
    late_tolerance_tick: int = Field(default=1, ge=0, le=65535)
    """A scan that comes to a pulse later than this does not fire it."""
    queue_size: int = Field(default=256, ge=1, le=4096)
    """Pulses that each station can hold."""
    scan_period_us: int = Field(default=1000, ge=0, le=65535)
    """Time between scans; 0 where the clock is virtual and every read scans."""
    belt_stops_on_silence: bool = True
    """Whether a lost heartbeat also stops the belt."""

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.min_open_tick > self.max_open_tick:
            msg = f"min_open_tick {self.min_open_tick} is above max_open_tick {self.max_open_tick}"
            raise ValueError(msg)
        return self

    @classmethod
    def for_line(
        cls,
        stations: Sequence[StationConfig],
        *,
        heartbeat_timeout_ms: float,
        ticks_per_s: float,
        scan_period_us: int = 1000,
        belt_stops_on_silence: bool = True,
    ) -> Self:
        """Derive the constants from a line's stations.

        Args:
            stations: jet bars, downstream order.
            heartbeat_timeout_ms: as in the line's [plc] section.
            ticks_per_s: encoder ticks per second at nominal belt speed.
            scan_period_us: see the field.
            belt_stops_on_silence: see the field.
        """
        pulsed = [s for s in stations if not isinstance(s, BeltRequestConfig)]
        shortest_ms = min((s.min_open_ms for s in pulsed), default=1.0)
        longest_ms = max((s.max_open_ms for s in pulsed), default=1.0)
        return cls(
            station_valves=tuple(station.valve_count for station in stations),
            heartbeat_timeout_ms=int(heartbeat_timeout_ms),
            min_open_tick=max(1, int(_SHORTEST_SHARE * shortest_ms * ticks_per_s / 1e3)),
            max_open_tick=int(_LONGEST_SHARE * longest_ms * ticks_per_s / 1e3) + 1,
            max_open_ms=int(_LONGEST_SHARE * longest_ms) + 1,
            scan_period_us=scan_period_us,
            belt_stops_on_silence=belt_stops_on_silence,
        )
