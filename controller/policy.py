"""What the recipe wants done with each item, before anything is said about whether it can be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.config import FractionRule, RecipeConfig
from controller.stations import StationConfig
from controller.types import ALARMING, ActionPolicy, DecisionReason, SortDecision
from vision.mass import heavy_probability
from vision.tracking.scene import BeltScene
from vision.types import FRACTIONS, Fraction, Track

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

SMALLEST_RATIO: Final = 1e-3
"""By-catch ratio that a recipe's zero means: expectations are never exactly zero."""
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
        believed: (n,) bool, sure enough of the hazard to raise the recipe's alarm.
        suspect: (n,) bool, hazardous enough that no jet may come near.
    """

    fraction: IntArray
    confidence: Float64Array
    station: IntArray
    hazard: Float64Array
    believed: BoolArray
    suspect: BoolArray


Prices = Sequence[tuple[int, float]]
"""(station, g): the price of impurity there is e^g times the recipe's."""


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
        self._costs = _costs(recipe, self._station, len(names))
        self._is_ejected = np.array([rule.action is ActionPolicy.EJECT for rule in self._rules])
        self._min_probability = np.array([rule.min_probability for rule in self._rules])
        alarms = [rule.action in ALARMING for rule in self._rules]
        self._alarms = np.array(alarms)
        self._hazards = np.flatnonzero(
            [told or f is Fraction.MERCURY_LAMP for told, f in zip(alarms, FRACTIONS, strict=True)]
        )

    @staticmethod
    def _index_of(rule: FractionRule, names: Sequence[str]) -> int:
        if rule.station is None:
            return NO_STATION
        if rule.station not in names:
            msg = f"recipe sends to station {rule.station!r}, the line has {', '.join(names)}"
            raise ValueError(msg)
        return names.index(rule.station)

    def wishes(self, scene: BeltScene, prices: Prices = ()) -> Wishes:
        """Apply the recipe, at prices of impurity, to every item and candidate of the scene."""
        posterior = scene.posterior
        n = len(scene)
        fraction = posterior.argmax(axis=0) if n else np.empty(0, dtype=np.intp)
        confidence = posterior.max(axis=0, initial=0.0)
        sure = confidence >= self._thresholds(prices)[fraction]
        heavy = heavy_probability(scene.mass_g, scene.mass_sd_g, self._recipe.max_mass_g)
        light = (heavy <= self._recipe.max_heavy_probability) | ~self._is_ejected[fraction]
        hazardous = posterior[self._hazards]
        hazard = hazardous.sum(axis=0)
        believed = np.any(
            (hazardous >= self._min_probability[self._hazards, None])
            & self._alarms[self._hazards, None],
            axis=0,
        )
        suspect = believed | (hazard >= self._recipe.hazard_inhibit_probability)
        return Wishes(
            fraction=fraction,
            confidence=confidence,
            station=np.where(
                sure & light & ~believed & self._worth(posterior, fraction, prices),
                self._station[fraction],
                NO_STATION,
            ),
            hazard=hazard,
            believed=believed,
            suspect=suspect,
        )

    def cost_at_station(
        self, posterior: Float64Array, station: int, prices: Prices = ()
    ) -> Float64Array:
        """Return (n,) what a gram of each item costs in a station's product, in grams of that.

        The sum over what the item may be of its probability times the recipe's cost, times the
        price of impurity there; fractions that belong there cost nothing.
        """
        factor = math.exp(dict(prices).get(station, 0.0))
        return np.asarray(self._costs[station] @ posterior * factor, dtype=np.float64)

    def _thresholds(self, prices: Prices) -> Float64Array:
        """Return (6,) probabilities from which an item counts as its fraction.

        An item is worth its place while p > price·(1 - p), so the odds of the threshold go with
        the price. Only products that air ejects have one: alarms never move.
        """
        if not prices:
            return self._min_probability
        g_of = dict(prices)
        g = np.array([g_of.get(int(station), 0.0) for station in self._station])
        odds = np.exp(np.where(self._is_ejected, g, 0.0))
        p = self._min_probability
        return np.asarray(p * odds / (p * odds + 1.0 - p), dtype=np.float64)

    def _worth(self, posterior: Float64Array, fraction: IntArray, prices: Prices) -> BoolArray:
        """Return (n,) whether each item is worth more than it may cost where its fraction goes.

        Leaving it on the belt is worth nothing and costs nothing: to abstain is a choice like any
        other. Without a cost matrix the thresholds alone decide.
        """
        if not self._recipe.costs:
            return np.ones(len(fraction), dtype=np.bool_)
        station = self._station[fraction]
        factors = np.exp([dict(prices).get(s, 0.0) for s in range(len(self._costs))])
        costs = factors[:, None] * (self._costs @ posterior)
        belongs = np.stack([self._station == s for s in range(len(self._costs))]) @ posterior
        rows = np.arange(len(fraction))
        at = np.maximum(station, 0)
        return np.asarray(belongs[at, rows] > costs[at, rows], dtype=np.bool_)

    def station_of(self, fraction: int) -> int:
        """Return where a fraction (index into FRACTIONS) goes, NO_STATION for nowhere."""
        return int(self._station[fraction])

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
        """Return the record of an item believed hazardous: no jet, and the recipe's alarm."""
        fraction = self._hazard_of(track)
        return SortDecision(
            track_id=track.track_id,
            fraction=FRACTIONS[fraction],
            confidence=track.posterior[fraction],
            action=self.hazard_action(track),
            station=None,
            reason=DecisionReason.HAZARD,
            decided_tick=track.tick,
        )

    def is_hazard(self, fraction: int) -> bool:
        """Return whether items of the fraction (index into FRACTIONS) are hazardous."""
        return fraction in self._hazards

    def hazard_action(self, track: Track) -> ActionPolicy:
        """Return the recipe's answer to a hazard; a lamp that a flap cannot take is stopped for."""
        action = self._rules[self._hazard_of(track)].action
        return action if action in ALARMING else ActionPolicy.STOP_AND_ALARM

    def _hazard_of(self, track: Track) -> int:
        return max(self._hazards.tolist(), key=track.posterior.__getitem__)

    def diverts(self, fraction: int) -> bool:
        """Return whether items of the fraction (index into FRACTIONS) are diverted softly."""
        return self._rules[fraction].action is ActionPolicy.DIVERT

    def action(self, fraction: int) -> ActionPolicy:
        """Return what the recipe wants with a fraction (index into FRACTIONS)."""
        return self._rules[fraction].action

    def reason_to_stay(self, track: Track, prices: Prices = ()) -> DecisionReason:
        """Return why an item without a station stays on the belt."""
        fraction = FRACTIONS.index(track.fraction)
        rule, recipe = self._rules[fraction], self._recipe
        if rule.action is ActionPolicy.PASS:
            return DecisionReason.NOT_TARGET
        if track.confidence < self._thresholds(prices)[fraction]:
            return DecisionReason.LOW_CONFIDENCE
        mass_g, sd_g = np.array([track.mass_g]), np.array([track.mass_sd_g])
        heavy = float(heavy_probability(mass_g, sd_g, recipe.max_mass_g)[0])
        if rule.action is ActionPolicy.EJECT and heavy > recipe.max_heavy_probability:
            return DecisionReason.TOO_HEAVY
        if not self._worth(np.array(track.posterior)[:, None], np.array([fraction]), prices)[0]:
            return DecisionReason.TOO_COSTLY
        return DecisionReason.NOT_TARGET


def _costs(recipe: RecipeConfig, station: IntArray, station_count: int) -> Float64Array:
    """Return (stations, 6) what a gram of each fraction costs in each station's product.

    Where a station takes several fractions, what harms one of them most counts.
    """
    costs = np.ones((max(station_count, 1), len(FRACTIONS)))
    for index in range(station_count):
        products = [FRACTIONS[i] for i in np.flatnonzero(station == index)]
        for column, fraction in enumerate(FRACTIONS):
            said = [recipe.costs.get(product, {}).get(fraction, 1.0) for product in products]
            costs[index, column] = max(said, default=1.0)
        costs[index, station == index] = 0.0
    return costs
