"""What goes into one step of the sorting pipeline beside the frame, and what comes out."""

from dataclasses import dataclass
from enum import StrEnum

from controller.types import ActionPolicy, SortDecision
from plc.types import EjectionCommand
from vision.types import Track


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStatus:
    """The line at the moment of the step.

    Attributes:
        may_fire: the line is in EXECUTE, the PLC runs and hears the heartbeat.
        now_tick: belt tick now, by the clock fit, fractional.
        tick_sd: standard deviation of the clock fit, ticks.
        ticks_per_s: belt speed by the clock fit.
        frame_age_ms: time since the middle of the frame's exposure.
        silent: (station, valve) of valves that were found in operation not to blow.
        prices: (station, log of the price of impurity over the recipe's), where a product's purity
            is held and the price is not the recipe's.
    """

    may_fire: bool
    now_tick: float
    tick_sd: float
    ticks_per_s: float
    frame_age_ms: float
    silent: tuple[tuple[int, int], ...] = ()
    prices: tuple[tuple[int, float], ...] = ()


class Intervention(StrEnum):
    """What is done to the pipeline between two frames; recorded, so that a replay does it too."""

    HAZARDS_REMOVED = "hazards_removed"
    """An operator took the hazardous items off the belt."""
    GIVEN_UP = "given_up"
    """The encoder failed: no belt position known before holds any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPulse:
    """A pulse to hand to the PLC link at once.

    Attributes:
        command: the pulse.
        track_ids: items it is meant for.
    """

    command: EjectionCommand
    track_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedItem:
    """An item with its one decision.

    Attributes:
        track: as it stood at the decision.
        decision: the decision.
        pulses: every pulse meant for it, those commanded in earlier steps for a neighbour and
            shared with it included; empty unless the decision ejects or diverts.
    """

    track: Track
    decision: SortDecision
    pulses: tuple[EjectionCommand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardConflict:
    """A hazardous item turned up beside a pulse that had already gone to the PLC.

    Attributes:
        pulse_id: the pulse that can no longer be recalled.
        track_id: the hazardous item.
    """

    pulse_id: int
    track_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The outcome of one frame.

    Attributes:
        decided: items that got their decision, in order of track id.
        planned: new pulses, in order of pulse id.
        hazards: hazardous items believed for the first time; each is reported once.
        conflicts: pulses already sent that come too near a hazardous item, each reported once.
        hazard_actions: what the recipe wants done about each of `hazards`.
        bump_mm: how far everything in view jumped at once, x and y; None if it did not. Nothing was
            decided or planned then: the camera was knocked, or the encoder lost the belt.
    """

    decided: tuple[DecidedItem, ...]
    planned: tuple[PlannedPulse, ...]
    hazards: tuple[Track, ...]
    conflicts: tuple[HazardConflict, ...]
    hazard_actions: tuple[ActionPolicy, ...] = ()
    bump_mm: tuple[float, float] | None = None
