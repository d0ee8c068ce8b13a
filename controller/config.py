"""The controller's sections of line.toml: recipe and limits; stations: controller/stations.py."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from calibration.section import Section
from controller.purity.config import HoldConfig
from controller.types import ActionPolicy
from vision.types import Fraction

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


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
    max_heavy_probability: Probability = 0.3
    """Probability of being heavier than `max_mass_g` from which an item is not fired at."""
    air_price_g_per_valve_s: NotNegative = 15.0
    """What a valve's air for a second is worth, in grams of target. Pulses are shrunk where the
    last of their air brings less than this; it never makes one wider."""
    costs: dict[Fraction, dict[Fraction, NotNegative]] = Field(default={})
    """[recipe.costs.PRODUCT]: what a gram of a fraction costs in the product stream of another,
    in grams of that product; 1 where nothing is said. A lamp in paper is not a cup in paper."""
    hold: dict[Fraction, HoldConfig] = Field(default={})
    """[recipe.hold.PRODUCT]: whose purity is held by samples of the product; windows and
    thresholds move from the recipe's."""

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

    @model_validator(mode="after")
    def _held_products_have_a_station_of_their_own(self) -> Self:
        stations = [self.fractions[held].station for held in self.hold]
        for held, station in zip(self.hold, stations, strict=True):
            if station is None or self.fractions[held].action is not ActionPolicy.EJECT:
                msg = f"hold.{held.value}: only the purity of an ejected product can be held"
                raise ValueError(msg)
            if stations.count(station) > 1:
                msg = f"hold.{held.value}: two products held at station {station!r}; hold one"
                raise ValueError(msg)
        return self


class SitePolicy(Section):
    """What the site allows beyond the safest answer."""

    lamps_to_soft_flap: bool = False
    """A mercury lamp may be diverted by a flap that is `soft`, instead of stopping the line. Air
    never touches one, whatever this says."""


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
    planning_rounds: int = Field(default=3, ge=1, le=10)
    """How often the windows of one step are chosen again given each other; 1 is one by one."""
    max_hazard_stops_per_hour: NotNegative = 6.0
    """How often hazards, look-alikes among them, may stop the belt or make it crawl within an hour
    before that raises an alarm of its own. It never keeps a hazard from stopping the line."""
    confirm_timeout_ms: Positive
    """Time after a pulse's close tick without the PLC's word after which the item is blocked."""
