"""The air one item needs: when which valves are open, and what of the belt that sweeps over."""

from dataclasses import dataclass

from calibration.units import BeltTick
from calibration.valve_map import ValveMap, ValveSpan
from controller.bar_aim import BarAim
from controller.stations import JetBarConfig
from plc.types import EjectionCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class JetWindow:
    """Valves first..last of one station open from one tick to another."""

    first: int
    last: int
    open_tick: int
    close_tick: int


class StationTiming:
    """One station's geometry and lags at the present belt speed, in ticks."""

    def __init__(
        self,
        station: JetBarConfig,
        *,
        mm_per_tick: float,
        ticks_per_s: float,
        aim: BarAim | None = None,
    ) -> None:
        """Convert the station's times.

        Args:
            station: the jet bar.
            mm_per_tick: belt scale.
            ticks_per_s: belt speed; times shrink to no ticks on a standing belt.
            aim: its valves as measured; None takes what the station's section says.
        """
        self.aim = aim or BarAim(station)
        per_ms = max(ticks_per_s, 0.0) / 1000.0
        self.valve_map: ValveMap = station.valve_map
        self.distance_mm = station.distance_mm
        self.mm_per_tick = mm_per_tick
        self.ticks_per_ms = per_ms
        self.open_lag_tick = self.aim.open_lag_ms * per_ms
        self.close_lag_tick = self.aim.close_lag_ms * per_ms
        self.jitter_tick = self.aim.jitter_ms * per_ms
        self.min_open_tick = max(1, int(station.min_open_ms * per_ms) + 1)
        self.max_open_tick = max(self.min_open_tick, int(station.max_open_ms * per_ms))
        self.rest_tick = max(1, int(self.close_lag_tick) + 1)

    def swept_x_mm(self, first: int, last: int) -> tuple[float, float]:
        """Return the lateral bounds, machine frame, over which some valves blow."""
        half_pitch_mm = self.valve_map.pitch_mm / 2
        return (
            self.valve_map.centre_x_mm(first) - half_pitch_mm,
            self.valve_map.centre_x_mm(last) + half_pitch_mm,
        )

    def swept_y_mm(
        self, open_tick: int, close_tick: int, shift_tick: tuple[int, int] = (0, 0)
    ) -> tuple[float, float]:
        """Return the bounds along the belt, belt frame, over which air blows between two ticks.

        Args:
            open_tick: valve switched on.
            close_tick: valve switched off.
            shift_tick: of a valve that answers unlike its bar, from `shift_tick`.
        """
        return (
            (open_tick + shift_tick[0] + self.open_lag_tick) * self.mm_per_tick - self.distance_mm,
            (close_tick + shift_tick[1] + self.close_lag_tick) * self.mm_per_tick
            - self.distance_mm,
        )

    def shift_tick(self, valve: int) -> tuple[int, int]:
        """Return how much later than its bar a valve's air comes and goes, ticks."""
        aim, per_ms = self.aim, self.ticks_per_ms
        return (
            round(aim.open_shift_ms[valve] * per_ms),
            round(aim.close_shift_ms[valve] * per_ms),
        )

    def covering(self, first: int, last: int) -> tuple[int, int]:
        """Return a span with ends that blow: a silent end is replaced by the valve beside it."""
        silent, count = self.aim.silent, self.valve_map.count
        wider_first, wider_last = first, last
        while wider_first in silent and wider_first > 0:
            wider_first -= 1
        while wider_last in silent and wider_last < count - 1:
            wider_last += 1
        return wider_first, wider_last


def command_of(window: JetWindow, *, pulse_id: int, station: int) -> EjectionCommand:
    """Return the window as a command to the PLC."""
    return EjectionCommand(
        pulse_id=pulse_id,
        station=station,
        valves=ValveSpan(first=window.first, last=window.last),
        open_tick=BeltTick(window.open_tick),
        close_tick=BeltTick(window.close_tick),
    )
