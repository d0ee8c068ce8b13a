"""The controller's sections of line.toml: stations, recipe, limits."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from calibration.section import Section
from calibration.station import MeasuredStation
from calibration.valve_map import ValveMap
from controller.types import ActionPolicy
from vision.types import Fraction

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


class StationConfig(Section):
    """One jet bar across the belt. Stations follow one another downstream."""

    name: str = Field(min_length=1, max_length=40)
    distance_mm: Positive
    """Nozzle line's distance from the camera reference line (s = 0), downstream."""
    valve_count: int = Field(ge=1, le=128)
    valve_pitch_mm: Positive
    first_valve_x_mm: float
    """Lateral position of the centre of valve 0, machine frame."""
    tilt_mm_per_m: float = 0.0
    """How much farther downstream the nozzle line is for each metre of x; `distance_mm` holds at
    the bar's middle."""
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
    def middle_x_mm(self) -> float:
        """Lateral position of the bar's middle, machine frame."""
        return self.first_valve_x_mm + self.valve_pitch_mm * (self.valve_count - 1) / 2

    def as_measured(self, measured: Sequence[MeasuredStation]) -> "StationConfig":
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


class FractionRule(Section):
    """What a recipe does with one fraction."""

    action: ActionPolicy
    station: str | None = None
    """Name of the station that ejects or diverts it; required for eject and divert, else absent."""
    min_probability: Probability
    """Posterior probability from which the item counts as this fraction for its action."""

    @model_validator(mode="after")
    def _station_where_needed(self) -> Self:
        needs = self.action in (ActionPolicy.EJECT, ActionPolicy.DIVERT)
        if needs != (self.station is not None):
            msg = f"action {self.action.value} {'needs' if needs else 'takes no'} station"
            raise ValueError(msg)
        return self


class RecipeConfig(Section):
    """Targets, thresholds and margins; changeable in operation."""

    name: str = Field(min_length=1, max_length=60)
    fractions: dict[Fraction, FractionRule]
    """One rule per fraction, all six present."""
    max_mass_g: Positive
    """Items estimated heavier are not fired at."""
    lead_margin_ms: NotNegative
    """Added before an item's leading edge, for what the valve jitter and track spread leave."""
    trail_margin_ms: NotNegative
    """Added behind an item's trailing edge."""
    side_margin_mm: NotNegative
    """Added on both sides of an item."""
    hazard_keep_out_mm: NotNegative
    """No jet opens whose footprint comes nearer than this to a hazardous item."""
    hazard_inhibit_probability: Probability
    """Lamp probability from which jets near the item are inhibited (lower than the alarm's)."""
    max_by_catch_ratio: NotNegative
    """A pulse is skipped when expected by-catch mass / target mass exceeds this."""

    @model_validator(mode="after")
    def _every_fraction_has_a_rule(self) -> Self:
        missing = [f.value for f in Fraction if f not in self.fractions]
        if missing:
            msg = f"no rule for {', '.join(missing)}"
            raise ValueError(msg)
        if self.fractions[Fraction.MERCURY_LAMP].action is ActionPolicy.EJECT:
            msg = "mercury_lamp must not be ejected by air: a broken lamp releases mercury"
            raise ValueError(msg)
        return self


class LimitsConfig(Section):
    """Freshness and trust limits; beyond them nothing fires."""

    max_frame_age_ms: Positive
    """Older frames plan no pulse."""
    belt_on_camera_loss: Literal["stop", "run"]
    """What a running line does without fresh frames. stop: it is held, the belt stands until an
    operator lets it go on. run: the belt goes on, the alarm stands, nothing fires and every item
    passes; sorting goes on with the next fresh frame. Neither starts a line without frames."""
    max_tick_sd: Positive
    """Largest standard deviation of the clock fit, ticks, at which pulses are planned."""
    frame_period_ms: Positive
    """Longest time between two frames that is counted on, for the latency budget."""
    inference_ms: Positive
    """Time allowed for the detector, for the latency budget."""
    planning_ms: Positive
    """Time allowed for tracking and planning, for the latency budget."""
    command_lead_ms: Positive
    """A pulse must be planned at least this long before its open tick (link cycle and PLC scan)."""
    confirm_timeout_ms: Positive
    """Time after a pulse's close tick without the PLC's word after which the item is blocked."""
