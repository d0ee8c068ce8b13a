"""What the recipe wants done with each item, before anything is said about whether it can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.config import FractionRule, RecipeConfig
from controller.stations import StationConfig
from controller.types import ActionPolicy, DecisionReason, SortDecision
from vision.tracking.scene import BeltScene
from vision.types import FRACTIONS, Fraction, Track

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

NO_STATION: Final = -1
"""Station of items that stay on the belt, where stations are arrays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the recipe wants with each item of a scene, struct of arrays over n items.

    Attributes:
        fraction: (n,) index into FRACTIONS of the most probable fraction.
        confidence: (n,) its probability.
        station: (n,) index of the station that shall take the item, NO_STATION to leave it.
        hazard: (n,) probability that the item is hazardous.
        believed: (n,) bool, sure enough of the hazard to stop and alarm.
        suspect: (n,) bool, hazardous enough that no jet may come near.
    """

    fraction: IntArray
    confidence: Float64Array
    station: IntArray
    hazard: Float64Array
    believed: BoolArray
    suspect: BoolArray


class SortPolicy:
    """A recipe applied to probabilities. Stateless after construction."""

    def __init__(self, recipe: RecipeConfig, stations: Sequence[StationConfig]) -> None:
        """Resolve the recipe's station names.

        Raises:
            ValueError: a rule names a station that the line does not have.
        """
        self._recipe = recipe
        self._rules = tuple(recipe.fractions[fraction] for fraction in FRACTIONS)
        names = [station.name for station in stations]
        self._station = np.array([self._index_of(rule, names) for rule in self._rules])
        self._is_ejected = np.array([rule.action is ActionPolicy.EJECT for rule in self._rules])
        self._min_probability = np.array([rule.min_probability for rule in self._rules])
        stops = [rule.action is ActionPolicy.STOP_AND_ALARM for rule in self._rules]
        self._stops = np.array(stops)
        self._hazards = np.flatnonzero(
            [stop or f is Fraction.MERCURY_LAMP for stop, f in zip(stops, FRACTIONS, strict=True)]
        )

    @staticmethod
    def _index_of(rule: FractionRule, names: Sequence[str]) -> int:
        if rule.station is None:
            return NO_STATION
        if rule.station not in names:
            msg = f"recipe sends to station {rule.station!r}, the line has {', '.join(names)}"
            raise ValueError(msg)
        return names.index(rule.station)

    def wishes(self, scene: BeltScene) -> Wishes:
        """Apply the recipe to every item and candidate of the scene."""
        posterior = scene.posterior
        n = len(scene)
        fraction = posterior.argmax(axis=0) if n else np.empty(0, dtype=np.intp)
        confidence = posterior.max(axis=0, initial=0.0)
        sure = confidence >= self._min_probability[fraction]
        light = (scene.mass_g <= self._recipe.max_mass_g) | ~self._is_ejected[fraction]
        hazardous = posterior[self._hazards]
        hazard = hazardous.sum(axis=0)
        believed = np.any(
            (hazardous >= self._min_probability[self._hazards, None])
            & self._stops[self._hazards, None],
            axis=0,
        )
        suspect = believed | (hazard >= self._recipe.hazard_inhibit_probability)
        return Wishes(
            fraction=fraction,
            confidence=confidence,
            station=np.where(sure & light & ~believed, self._station[fraction], NO_STATION),
            hazard=hazard,
            believed=believed,
            suspect=suspect,
        )

    def probability_for_station(self, posterior: Float64Array, station: int) -> Float64Array:
        """Return (n,) probability that items are of a fraction that goes to `station`."""
        return np.asarray(posterior[self._station == station].sum(axis=0), dtype=np.float64)

    def decision(
        self, track: Track, *, action: ActionPolicy, station: int | None, reason: DecisionReason
    ) -> SortDecision:
        """Return the record of what was decided for an item, as its most probable fraction."""
        return SortDecision(
            track_id=track.track_id,
            fraction=track.fraction,
            confidence=track.confidence,
            action=action,
            station=station,
            reason=reason,
            decided_tick=track.tick,
        )

    def hazard_decision(self, track: Track) -> SortDecision:
        """Return the record of an item believed hazardous: no jet, stop and alarm."""
        fraction = max(self._hazards.tolist(), key=track.posterior.__getitem__)
        return SortDecision(
            track_id=track.track_id,
            fraction=FRACTIONS[fraction],
            confidence=track.posterior[fraction],
            action=ActionPolicy.STOP_AND_ALARM,
            station=None,
            reason=DecisionReason.HAZARD,
            decided_tick=track.tick,
        )

    def is_hazard(self, fraction: int) -> bool:
        """Return whether items of the fraction (index into FRACTIONS) are hazardous."""
        return fraction in self._hazards

    def diverts(self, fraction: int) -> bool:
        """Return whether items of the fraction (index into FRACTIONS) are diverted softly."""
        return self._rules[fraction].action is ActionPolicy.DIVERT

    def action(self, fraction: int) -> ActionPolicy:
        """Return what the recipe wants with a fraction (index into FRACTIONS)."""
        return self._rules[fraction].action

    def reason_to_stay(self, fraction: int, confidence: float, mass_g: float) -> DecisionReason:
        """Return why an item without a station stays on the belt.

        Args:
            fraction: index into FRACTIONS.
            confidence: its probability.
            mass_g: the item's estimated mass.
        """
        rule = self._rules[fraction]
        if rule.action is ActionPolicy.PASS:
            return DecisionReason.NOT_TARGET
        if confidence < rule.min_probability:
            return DecisionReason.LOW_CONFIDENCE
        if rule.action is ActionPolicy.EJECT and mass_g > self._recipe.max_mass_g:
            return DecisionReason.TOO_HEAVY
        return DecisionReason.NOT_TARGET
