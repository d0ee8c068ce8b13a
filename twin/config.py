"""Settings of the simulated world: belt, items, camera, air and the person beside the line.

They describe a plant that does not exist and move no metal, so unlike the line's own sections they
have defaults: the standard scenario.
"""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from calibration.section import Section
from vision.types import FRACTIONS, Fraction

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class BeltConfig(Section):
    """The belt and its drive."""

    width_mm: Positive = 1000.0
    speed_mm_per_s: Positive = 2800.0
    """Nominal speed; 2.8 m/s is the field's normal (STEINERT, 2018)."""
    drift_share: Annotated[float, Field(ge=0, le=0.2)] = 0.02
    """Largest slow deviation from the nominal speed."""
    acceleration_mm_per_s2: Positive = 3000.0
    deceleration_mm_per_s2: Positive = 4000.0
    """Below friction times gravity (0.45 x 9.81 m/s2), so that items do not slide when it stops."""
    slow_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Slow speed as a share of the nominal one: a drive's second fixed speed."""
    run_out_mm: NotNegative = 1500.0
    """Belt behind the last bar that carries the residue away and stops together with this one; an
    operator still reaches a lamp there."""
    texture_seed: int = 7


class MixChange(Section):
    """Another district or season: from here on the feed's mix is another one."""

    at_belt_m: Positive
    """Way of the belt after which it falls, m."""
    mix: dict[Fraction, NotNegative]
    """Share of items by fraction; scaled to a sum of one."""

    @model_validator(mode="after")
    def _mix_is_not_empty(self) -> Self:
        _require_some(self.mix)
        return self


class FeedConfig(Section):
    """What falls onto the belt."""

    occupancy: Annotated[float, Field(ge=0.005, le=0.60)] = 0.10
    """Share of the belt's area covered by items."""
    mix: dict[Fraction, NotNegative] = Field(
        default={
            Fraction.PLASTIC: 0.20,
            Fraction.PAPER: 0.30,
            Fraction.FOOD: 0.17,
            Fraction.WEEE: 0.10,
            Fraction.MERCURY_LAMP: 0.002,
            Fraction.OTHER: 0.228,
        }
    )
    """Share of items by fraction; scaled to a sum of one."""
    overlap_share: Share = 0.3
    """Of the items that fall onto another, the share that stays there; a vibrating feeder moves the
    rest to a free place."""
    moisture: Share = 0.2
    """0 dry, 1 soaked; wet paper and food weigh more."""
    split_share: Share = 0.1
    """Of the food, the share that comes apart when it falls: two pieces lie side by side. An
    assumption; no published figure is known."""
    entry_margin_mm: Positive = 500.0
    """How far upstream of the camera's view items lie down."""
    changes: tuple[MixChange, ...] = ()
    """Steps of the composition, in order."""

    @model_validator(mode="after")
    def _mix_is_not_empty(self) -> Self:
        _require_some(self.mix)
        return self

    @model_validator(mode="after")
    def _changes_are_in_order(self) -> Self:
        ways = [change.at_belt_m for change in self.changes]
        if ways != sorted(set(ways)):
            msg = "changes: at_belt_m must rise from one change to the next"
            raise ValueError(msg)
        return self

    def mixes(self) -> tuple[tuple[float, tuple[float, ...]], ...]:
        """Return from which belt metre on which share of each fraction falls.

        The shares are in the order of FRACTIONS and sum to one.
        """
        steps = [(0.0, self.mix), *((change.at_belt_m, change.mix) for change in self.changes)]
        return tuple(
            (way_m, tuple(mix.get(fraction, 0.0) / sum(mix.values()) for fraction in FRACTIONS))
            for way_m, mix in steps
        )


def _require_some(mix: Mapping[Fraction, float]) -> None:
    if not sum(mix.values()) > 0:
        msg = "mix has no fraction with a share above zero"
        raise ValueError(msg)


class SlipConfig(Section):
    """How items move over the belt after falling onto it."""

    settled_share: Share = 0.7
    """Items that lie still when the camera sees them."""
    slide_sd_mm: NotNegative = 6.0
    """Spread of the way a sliding item still has to go, along the belt and (half of it) across."""
    slide_decay_mm: Positive = 250.0
    """Belt travel over which a slide dies out to 1/e."""
    roll_sd_mm: NotNegative = 60.0
    """The same spread for items that roll (bottles, tubes, cans)."""
    roll_decay_mm: Positive = 3000.0
    air_share: Share = 0.55
    """Wind over a film lying on the belt, as a share of the belt's speed: a millimetre or two up in
    the layer of air that a belt of 3 m drags along (80 mm thick, one-seventh power law;
    Schlichting, Boundary-Layer Theory)."""


class TwinCameraConfig(Section):
    """The rendered camera."""

    width_px: int = Field(default=640, ge=64, le=4096)
    height_px: int = Field(default=320, ge=64, le=4096)
    frames_per_s: Positive = 50.0
    view_length_mm: Positive = 500.0
    """Extent of the view along the belt, centred on the camera reference line (s = 0)."""
    exposure_ms: NotNegative = 0.4
    blur_sd_px: NotNegative = 0.5
    """Defocus."""
    noise_sd: NotNegative = 2.5
    """Sensor noise, grey levels."""
    distortion_k1: float = -0.08
    """First radial coefficient of the lens; a mild barrel."""
    keystone: Annotated[float, Field(ge=0, le=0.2)] = 0.03
    """How much narrower the far end of the view is than the near end: a camera not quite plumb."""
    count: int = Field(default=1, ge=1, le=8)
    """Cameras side by side across the belt, all alike; `width_px` is each one's."""
    overlap_mm: NotNegative = 150.0
    """How far the views of neighbours overlap; larger than most items, so that one of the two
    sees each whole."""
    vignette: Share = 0.15
    """Loss of light in the corners."""
    light: Share = 1.0
    """Of the usual light; less where lamps have aged or failed."""
    dirt_spots: int = Field(default=3, ge=0, le=200)
    """Specks on the camera's window."""


class AirConfig(Section):
    """Jet bars; where they stand, their pitch and their nozzles come from the line."""

    nozzle_kpa: Positive = 300.0
    """Gauge pressure at the nozzle; manifolds run 400 to 800 kPa, the valve takes its part."""
    nozzle_distance_mm: Positive = 60.0
    """Nozzle to item; usual are 30 to 150 mm."""
    splitter_distance_mm: Positive = 400.0
    """From the bar to the splitter edge, on a fast belt."""
    longest_flight_ms: Positive = 200.0
    """For slow belts the splitter is moved nearer, so that items reach it within this time."""
    belt_end_radius_mm: Positive = 160.0
    """Of the drum over which the belt ends before a bar: what sticks goes round it a little."""
    splitter_rise_mm: NotNegative = 100.0
    """Splitter edge above the belt's surface; an item must be lifted over it and by its fall."""
    nozzle_passage_mm3: Positive = 350.0
    """Volume between a valve's seat and its nozzle: a bore of 4 mm, 28 mm long. With a 1.5 mm
    nozzle the pressure follows in 1 ms, as makers of sorter valves state."""
    supply_nozzles: Positive = 60.0
    """How many nozzles open together pass as much air as a bar's supply: with 20 open the pressure
    sags by 5 %, with 80 by 40 %."""
    open_lag_ms: NotNegative = 4.0
    close_lag_ms: NotNegative = 4.0
    jitter_ms: NotNegative = 1.0
    """Standard deviation of both lags, each switching drawn anew."""
    lag_spread_ms: NotNegative = 0.0
    """Standard deviation of the valves' own lags about these; each valve keeps its own."""
    dead_valve_share: Share = 0.0
    slow_valve_share: Share = 0.0
    dead_valves: tuple[int, ...] = ()
    """Valves of every bar that are dead beside those drawn by share."""
    slow_valves: tuple[int, ...] = ()
    """Valves of every bar that are slow beside those drawn by share."""
    slow_valve_lag_ms: NotNegative = 8.0
    """Added to the open lag of slow valves."""


class OperatorConfig(Section):
    """The person beside the line."""

    reaction_s: Positive = 4.0
    """From an alarm to the hand on the item or the button."""


class ProductSamplesConfig(Section):
    """Somebody, or a camera over the product belt, takes samples of held products. Virtual time."""

    every_min: Positive = 10.0
    """Belt time between two samples."""
    pieces: int = Field(default=150, ge=1)
    """Most pieces of a sample; a random part of what fell since the last one."""
    delay_min: NotNegative = 2.0
    """Time it takes to sort and weigh it."""


class TwinConfig(Section):
    """The simulated world."""

    seed: int = Field(default=1, ge=0)
    belt: BeltConfig = BeltConfig()
    feed: FeedConfig = FeedConfig()
    slip: SlipConfig = SlipConfig()
    camera: TwinCameraConfig = TwinCameraConfig()
    air: AirConfig = AirConfig()
    operator: OperatorConfig = OperatorConfig()
    samples: ProductSamplesConfig | None = None
    """Who takes samples of the products whose purity is held; None if nobody does."""

    def with_changes(
        self,
        *,
        seed: int | None = None,
        occupancy: float | None = None,
        belt_speed_mm_per_s: float | None = None,
    ) -> "TwinConfig":
        """Return a copy with the given values in place of its own, checked again.

        Raises:
            pydantic.ValidationError: a value is out of its range.
        """
        changed = self.model_dump()
        if seed is not None:
            changed["seed"] = seed
        if occupancy is not None:
            changed["feed"]["occupancy"] = occupancy
        if belt_speed_mm_per_s is not None:
            changed["belt"]["speed_mm_per_s"] = belt_speed_mm_per_s
        return TwinConfig.model_validate(changed)
