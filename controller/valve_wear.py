"""How often and how long each valve was open: wear against the rated life, duty, air used.

Counted from what the PLC reports as fired, so that refused and blocked pulses count nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.nozzle import air_nl_per_s
from calibration.units import NS_PER_S, MonotonicNs
from controller.stations import JetBarConfig, StationConfig
from plc.types import EjectionCommand, EjectionReport, PulseOutcome

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

_KEPT_COMMANDS = 8192
"""Pulses whose report may still come; many times what all queues of a PLC hold."""
_G_PER_T = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class BarCount:
    """What the valves of one bar have done since each was new.

    Attributes:
        station: name of the bar.
        cycles: openings, by valve.
        open_s: time open, by valve.
    """

    station: str
    cycles: tuple[int, ...]
    open_s: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarWear:
    """One bar's wear and air, for the snapshot.

    Attributes:
        station: name of the bar.
        cycles_max: openings of the valve that opened most often since it was new.
        worn_valve: that valve.
        life_share: those openings over the rated cycles.
        duty: share of the session's time that a valve was open, mean over the bar.
        duty_max: the same of the busiest valve.
        air_nl: normal litres blown in this session.
        silent: valves that do not blow, by test or by what was seen downstream.
    """

    station: str
    cycles_max: int
    worn_valve: int
    life_share: float
    duty: float
    duty_max: float
    air_nl: float
    silent: tuple[int, ...]


class ValveWear:
    """Counts of all bars of a line. One thread; pure."""

    def __init__(
        self,
        stations: Sequence[StationConfig],
        *,
        rated_cycles: int,
        since_new: Mapping[str, BarCount] | None = None,
    ) -> None:
        """Go on from what was counted before.

        Args:
            stations: of the line; only jet bars wear valves.
            rated_cycles: openings that the maker promises.
            since_new: counts of former sessions by station; a bar without any begins at zero.
        """
        self._bars = {i: s for i, s in enumerate(stations) if isinstance(s, JetBarConfig)}
        self._rated_cycles = rated_cycles
        self._before = {i: _arrays(s, (since_new or {}).get(s.name)) for i, s in self._bars.items()}
        self._cycles = {i: np.zeros(s.valve_count, np.int64) for i, s in self._bars.items()}
        self._open_s = {i: np.zeros(s.valve_count) for i, s in self._bars.items()}
        self._commands: dict[int, EjectionCommand] = {}
        self._first_ns: MonotonicNs | None = None
        self._now_ns = MonotonicNs(0)
        self._mass_g = 0.0

    def commanded(self, command: EjectionCommand) -> None:
        """Remember a pulse until the PLC has told what became of it."""
        self._commands[command.pulse_id] = command
        while len(self._commands) > _KEPT_COMMANDS:
            del self._commands[next(iter(self._commands))]

    def reported(self, report: EjectionReport, ticks_per_s: float) -> EjectionCommand | None:
        """Count a pulse that fired.

        Args:
            report: the PLC's word.
            ticks_per_s: belt speed, to turn its ticks into time.

        Returns:
            The pulse as it was asked for; None where a bar's pulse did not fire or is not known.
        """
        command = self._commands.pop(report.pulse_id, None)
        if command is None or report.outcome is not PulseOutcome.FIRED:
            return None
        if command.station not in self._bars or ticks_per_s <= 0.0:
            return None
        valves = slice(command.valves.first, command.valves.last + 1)
        self._cycles[command.station][valves] += 1
        open_s = max(report.close_tick - report.open_tick, 0) / ticks_per_s
        self._open_s[command.station][valves] += open_s
        return command

    def seen(self, mass_g: float) -> None:
        """Add an item to the throughput that the air is set against."""
        self._mass_g += mass_g

    def at(self, now_ns: MonotonicNs) -> None:
        """Let time pass; duty is open time over the time since the first call."""
        if self._first_ns is None:
            self._first_ns = now_ns
        self._now_ns = now_ns

    def since_new(self) -> tuple[BarCount, ...]:
        """Return what is to be kept over a restart."""
        counts = []
        for index, bar in self._bars.items():
            cycles, open_s = self._before[index]
            counts.append(
                BarCount(
                    station=bar.name,
                    cycles=tuple((cycles + self._cycles[index]).tolist()),
                    open_s=tuple((open_s + self._open_s[index]).tolist()),
                )
            )
        return tuple(counts)

    def bars(self, silent: Mapping[int, frozenset[int]]) -> tuple[BarWear, ...]:
        """Return every bar's wear.

        Args:
            silent: valves that do not blow, by station index.
        """
        return tuple(self._bar(index, bar, silent) for index, bar in self._bars.items())

    def _bar(self, index: int, bar: JetBarConfig, silent: Mapping[int, frozenset[int]]) -> BarWear:
        cycles = self._before[index][0] + self._cycles[index]
        elapsed_s = max((self._now_ns - (self._first_ns or self._now_ns)) / NS_PER_S, 1e-9)
        open_s = self._open_s[index]
        worn = int(cycles.argmax())
        return BarWear(
            station=bar.name,
            cycles_max=int(cycles[worn]),
            worn_valve=worn,
            life_share=float(cycles[worn]) / self._rated_cycles,
            duty=min(float(open_s.mean()) / elapsed_s, 1.0),
            duty_max=min(float(open_s.max()) / elapsed_s, 1.0),
            air_nl=self._air_nl(index, bar),
            silent=tuple(sorted(silent.get(index, frozenset()))),
        )

    def _air_nl(self, index: int, bar: JetBarConfig) -> float:
        flow = air_nl_per_s(nozzle_mm=bar.nozzle_mm, nozzle_kpa=bar.nozzle_kpa)
        return float(self._open_s[index].sum()) * flow

    @property
    def air_nl_per_t(self) -> float | None:
        """Normal litres blown in this session per tonne of items seen, None before the first."""
        if self._mass_g <= 0.0:
            return None
        air_nl = sum(self._air_nl(index, bar) for index, bar in self._bars.items())
        return air_nl / self._mass_g * _G_PER_T


def _arrays(bar: JetBarConfig, before: BarCount | None) -> tuple[Int64Array, Float64Array]:
    if before is None or len(before.cycles) != bar.valve_count:
        return np.zeros(bar.valve_count, np.int64), np.zeros(bar.valve_count)
    return np.array(before.cycles, np.int64), np.array(before.open_s)
