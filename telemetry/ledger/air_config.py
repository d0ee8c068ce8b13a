"""The [accounts.air] section: sensors of the hall's air behind Modbus, with their limits."""

from typing import Annotated

from pydantic import Field

from calibration.section import Section
from plc.instruments.config import ModbusDevice, RegisterPoint
from telemetry.measures.air import AirChannel, Limits


class LimitsConfig(Section):
    """What a channel may read; an alarm outside."""

    lowest: float | None = None
    highest: float | None = None
    hysteresis: Annotated[float, Field(ge=0)] = 0.0


class AirSensor(Section):
    """One measured channel."""

    point: RegisterPoint


class AirConfig(Section):
    """Air sensors behind one Modbus device. Dew point margin and efficiency are computed."""

    device: ModbusDevice
    channels: dict[AirChannel, AirSensor] = Field(min_length=1)
    limit: dict[AirChannel, LimitsConfig] = Field(default_factory=dict)

    def limits(self, channel: AirChannel) -> Limits | None:
        """Return a channel's limits, None where it has none."""
        found = self.limit.get(channel)
        if found is None:
            return None
        return Limits(lowest=found.lowest, highest=found.highest, hysteresis=found.hysteresis)
