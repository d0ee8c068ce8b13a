"""One bar's valves as the planner aims with them: measured lags where a valve test was made.

Valves that answer like the rest of their bar share its lags. One that differs by a step or more is
fired earlier or later by as many whole steps, in a pulse of its own; steps keep a bar with ordinary
spread from splitting every pulse into one per valve.
"""

import copy
from typing import Final

import numpy as np

from calibration.valve_response import BarResponse
from controller.by_catch import lifted_g_per_cm_s
from controller.stations import JetBarConfig

LAG_STEP_MS: Final = 2.0
"""Half a nozzle pitch of 12.5 mm at 2.8 m/s: a smaller error along the belt is within what the
window's margins cover anyway."""


class BarAim:
    """Lags, jitter and silent valves of one bar. Immutable."""

    def __init__(self, station: JetBarConfig, response: BarResponse | None = None) -> None:
        """Take the measured response, or what the station's section says.

        Args:
            station: the bar.
            response: of its last valve test; None if there was none.

        Raises:
            ValueError: the response has another number of valves than the bar.
        """
        count = station.valve_count
        if response is not None and len(response.valves) != count:
            msg = (
                f"station {station.name!r}: {count} valves, but the valve test of "
                f"{response.measured_at_utc} has {len(response.valves)}; test the valves again"
            )
            raise ValueError(msg)
        self.lifted_g_per_cm_s = lifted_g_per_cm_s(
            nozzle_mm=station.nozzle_mm,
            nozzle_kpa=station.nozzle_kpa,
            pitch_mm=station.valve_pitch_mm,
        )
        self.silent: frozenset[int] = frozenset() if response is None else response.silent
        self.open_lag_ms = station.valve_open_lag_ms
        self.close_lag_ms = station.valve_close_lag_ms
        self.jitter_ms = station.valve_jitter_ms
        self.open_shift_ms = self.close_shift_ms = (0.0,) * count
        if response is not None and len(self.silent) < count:
            self._measured(response)

    @property
    def lead_ms(self) -> float:
        """From switching on to the slowest valve's air, two spreads of jitter included."""
        return self.open_lag_ms + max(0.0, *self.open_shift_ms) + 2.0 * self.jitter_ms

    def without(self, silent: frozenset[int]) -> "BarAim":
        """Return an aim that counts on these valves no more."""
        changed = copy.copy(self)
        changed.silent = self.silent | silent
        return changed

    def _measured(self, response: BarResponse) -> None:
        tested = [valve for valve in response.valves if valve.health.blows and valve.shots]
        if not tested:
            return
        self.open_lag_ms = float(np.median([valve.open_lag_ms for valve in tested]))
        self.close_lag_ms = float(np.median([valve.close_lag_ms for valve in tested]))
        self.jitter_ms = float(np.sqrt(np.mean([valve.jitter_ms**2 for valve in tested])))
        self.open_shift_ms = tuple(
            _shift_ms(valve.open_lag_ms, self.open_lag_ms) if valve in tested else 0.0
            for valve in response.valves
        )
        self.close_shift_ms = tuple(
            _shift_ms(valve.close_lag_ms, self.close_lag_ms) if valve in tested else 0.0
            for valve in response.valves
        )


def _shift_ms(lag_ms: float, usual_ms: float) -> float:
    return int((lag_ms - usual_ms) / LAG_STEP_MS) * LAG_STEP_MS
