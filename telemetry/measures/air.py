"""The air of the sorting hall: dew point, filter efficiency, and limits that a channel has.

This watches a process. It is no automated emission monitoring in the sense of the Ecological Code
(article 186), which is a duty of category I sites and has requirements of its own.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MAGNUS_A: Final = 17.62
_MAGNUS_B_C: Final = 243.12
"""Magnus coefficients over water, -45..60 degrees C (WMO-No. 8, annex 4.B)."""


class AirChannel(StrEnum):
    """What is measured (Concept, direction 3)."""

    DUST_BEFORE = "dust_before"
    DUST_AFTER = "dust_after"
    FILTER_PRESSURE = "filter_pressure"
    GAS_TEMPERATURE = "gas_temperature"
    HUMIDITY = "humidity"
    DEW_POINT_MARGIN = "dew_point_margin"
    FILTER_EFFICIENCY = "filter_efficiency"


UNITS: Final = {
    AirChannel.DUST_BEFORE: "mg/m3",
    AirChannel.DUST_AFTER: "mg/m3",
    AirChannel.FILTER_PRESSURE: "Pa",
    AirChannel.GAS_TEMPERATURE: "C",
    AirChannel.HUMIDITY: "%",
    AirChannel.DEW_POINT_MARGIN: "C",
    AirChannel.FILTER_EFFICIENCY: "1",
}


def dew_point_c(temperature_c: float, humidity_pct: float) -> float:
    """Return the dew point of moist air.

    Args:
        temperature_c: of the gas, -45..60.
        humidity_pct: relative humidity over water, above 0 to 100.

    Raises:
        ValueError: humidity or temperature out of range.
    """
    if not 0 < humidity_pct <= 100 or not -45 <= temperature_c <= 60:
        msg = f"{temperature_c:g} C at {humidity_pct:g} % is outside what the formula holds for"
        raise ValueError(msg)
    gamma = math.log(humidity_pct / 100.0)
    gamma += _MAGNUS_A * temperature_c / (_MAGNUS_B_C + temperature_c)
    return _MAGNUS_B_C * gamma / (_MAGNUS_A - gamma)


def dew_point_margin_c(temperature_c: float, humidity_pct: float) -> float:
    """Return by how much the gas is warmer than its dew point; winter needs it above zero."""
    return temperature_c - dew_point_c(temperature_c, humidity_pct)


def filter_efficiency(before_mg_m3: float, after_mg_m3: float) -> float | None:
    """Return 1 - after / before; None where there is no dust to filter.

    The Concept speaks of up to 99 %: that is what filters can reach, not a minimum.
    """
    if before_mg_m3 <= 0:
        return None
    return 1.0 - after_mg_m3 / before_mg_m3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a channel may read.

    Attributes:
        lowest: alarm below, None without.
        highest: alarm above, None without.
        hysteresis: how far inside the limit the value must return before the alarm ends.
    """

    lowest: float | None = None
    highest: float | None = None
    hysteresis: float = 0.0

    def exceeded(self, value: float, *, standing: bool) -> bool:
        """Return whether an alarm is to stand, given whether it stands now."""
        back = self.hysteresis if standing else 0.0
        low = self.lowest is not None and value < self.lowest + back
        high = self.highest is not None and value > self.highest - back
        return low or high
