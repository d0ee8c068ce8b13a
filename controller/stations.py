"""The stations of line.toml, downstream order: jet bars, flaps, reject gates, belt requests."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from typing_extensions import override

from calibration.section import Section
from calibration.station import MeasuredStation
from calibration.valve_map import ValveMap

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class _Placed(Section):
    """What every station has."""

    name: str = Field(min_length=1, max_length=40)
    distance_mm: Positive
    """From the camera reference line (s = 0), downstream: a bar's nozzle line, a flap's edge, the
    place from which a belt request counts."""

    def as_measured(self, measured: Sequence[MeasuredStation]) -> Self:  # noqa: ARG002 - for jets
        """Return the station where a calibration found it; only jet bars are measured."""
        return self


class JetBarConfig(_Placed):
    """One jet bar across the belt."""

    kind: Literal["jets"] = "jets"
    valve_count: int = Field(ge=1, le=128)
    valve_pitch_mm: Positive
    first_valve_x_mm: float
    """Lateral position of the centre of valve 0, machine frame."""
    first_printed: int = 0
    """Number printed on the bar beside valve 0; technicians are told the printed numbers."""
    tilt_mm_per_m: float = 0.0
    """How much farther downstream the nozzle line is for each metre of x; `distance_mm` holds at
    the bar's middle."""
    nozzle_mm: Positive = 1.5
    """Nozzle diameter. Weighs by-catch and counts air; it moves nothing. The default is what
    sorter valves of a 12.5 mm pitch, passing some 100 l/min, have."""
    nozzle_kpa: Positive = 300.0
    """Gauge pressure in front of an open nozzle: manifolds run 400 to 800 kPa, the valve takes its
    part. Weighs by-catch and counts air."""
    valve_open_lag_ms: NotNegative
    """From switching a valve on to air on the item."""
    valve_close_lag_ms: NotNegative
    """From switching a valve off to the air gone."""
    valve_jitter_ms: NotNegative
    """Spread (standard deviation) of the open lag."""
    min_open_ms: Positive
    """Shortest pulse the valve follows."""
    max_open_ms: Positive
    """Longest pulse; the PLC enforces it too."""
    max_duty: Annotated[float, Field(gt=0, le=1)]
    """Largest share of time one valve may be open, over `duty_window_ms`."""
    duty_window_ms: Positive

    @property
    def valve_map(self) -> ValveMap:
        """The bar's geometry."""
        return ValveMap(
            count=self.valve_count,
            pitch_mm=self.valve_pitch_mm,
            first_centre_x_mm=self.first_valve_x_mm,
        )

    @property
    def switch_lag_ms(self) -> float:
        """From switching on until it acts on an item."""
        return self.valve_open_lag_ms

    @property
    def middle_x_mm(self) -> float:
        """Lateral position of the bar's middle, machine frame."""
        return self.first_valve_x_mm + self.valve_pitch_mm * (self.valve_count - 1) / 2

    @override
    def as_measured(self, measured: Sequence[MeasuredStation]) -> Self:
        """Return the station where a calibration found it; itself where none did.

        The spread that test hits had replaces the valve's jitter where it is the greater, so that
        pulses are as wide as the whole chain from exposure to air asks for.
        """
        found = next((m for m in measured if m.name == self.name), None)
        if found is None:
            return self
        return self.model_copy(
            update={
                "distance_mm": found.distance_mm,
                "first_valve_x_mm": found.first_valve_x_mm,
                "valve_pitch_mm": found.valve_pitch_mm,
                "tilt_mm_per_m": found.tilt_mm_per_m,
                "valve_open_lag_ms": found.open_lag_ms,
                "valve_jitter_ms": max(self.valve_jitter_ms, found.hit_sd_ms),
            }
        )

    @model_validator(mode="after")
    def _pulse_limits_in_order(self) -> Self:
        if self.min_open_ms > self.max_open_ms:
            msg = f"min_open_ms {self.min_open_ms} is above max_open_ms {self.max_open_ms}"
            raise ValueError(msg)
        return self


class _Swinging(_Placed):
    """A plate that one output swings out and back: slow, and never both ways at once."""

    lead_ms: Positive
    """From switching on to fully out."""
    return_ms: Positive
    """From switching off to fully back; items that come closer than this behind one another are
    diverted together or not at all."""
    min_open_ms: Positive
    """Shortest time the output is on; at least `lead_ms`, or it would turn back half way."""
    max_open_ms: Positive
    """Longest time the output is on; the PLC enforces it too."""

    @property
    def valve_count(self) -> int:
        """Outputs in the PLC."""
        return 1

    @property
    def switch_lag_ms(self) -> float:
        """From switching on until it acts on an item."""
        return self.lead_ms

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        if not self.lead_ms <= self.min_open_ms <= self.max_open_ms:
            msg = (
                f"lead_ms {self.lead_ms:g}, min_open_ms {self.min_open_ms:g} and max_open_ms "
                f"{self.max_open_ms:g} must not decrease: a flap that turns back before it is out "
                "diverts nothing"
            )
            raise ValueError(msg)
        return self


class FlapConfig(_Swinging):
    """A diverter flap over part of the belt's width: for what air must not or cannot move."""

    kind: Literal["flap"]
    x_min_mm: float
    """Left edge of what it diverts, machine frame."""
    x_max_mm: float
    """Right edge."""
    soft: bool
    """Padded and slow enough not to break what it pushes; only such a flap may take lamps."""

    @model_validator(mode="after")
    def _edges_in_order(self) -> Self:
        if self.x_min_mm >= self.x_max_mm:
            msg = f"x_min_mm {self.x_min_mm:g} is not left of x_max_mm {self.x_max_mm:g}"
            raise ValueError(msg)
        return self


class GateConfig(_Swinging):
    """A reject gate across the whole belt: while it is out, everything goes to the reject."""

    kind: Literal["gate"]


class BeltRequestConfig(_Placed):
    """No metal of its own: how far a hazard may ride on the crawling belt.

    With action slow_and_alarm the drive is asked for its slow speed while a hazard is under way;
    on a line with such a station one that reaches `distance_mm` unpicked is held there.
    """

    kind: Literal["belt"]

    @property
    def valve_count(self) -> int:
        """Outputs in the PLC's pulse queue; it keeps the place of its index there."""
        return 1

    @property
    def switch_lag_ms(self) -> float:
        """A request acts at once; the drive's ramp is the plant's."""
        return 0.0


StationConfig = Annotated[
    JetBarConfig | FlapConfig | GateConfig | BeltRequestConfig, Field(discriminator="kind")
]
"""One [[stations]] table, told apart by `kind`."""

SwingConfig = FlapConfig | GateConfig
"""Stations with one plate that swings out."""


def with_kinds(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line file's content in which every station names its kind.

    A table without `kind` is a jet bar, as in line files written before there were other kinds.
    That is no silent default: all its pulse limits and lags are required, no other kind has them,
    and every key that does not belong to a jet bar is an error.
    """
    tables = document.get("stations")
    if not isinstance(tables, list):
        return dict(document)
    named = [{"kind": "jets", **t} if isinstance(t, dict) else t for t in tables]
    return {**document, "stations": named}
