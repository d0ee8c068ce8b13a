"""Where every item truly went, and what that means for purity, recovery and by-catch."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from controller.config import FractionRule
from controller.types import ActionPolicy
from twin.items import HazardKind
from vision.types import FRACTIONS, Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """Where one item ended.

    Attributes:
        item_id: of the feed.
        fraction: what it truly was.
        mass_g: what it truly weighed.
        bin_index: station index, or `Bins.residue`, or `Bins.removed`.
        jetted: an air jet touched it on its way.
        hazard: what kind of hazard it was, None for other items.
    """

    item_id: int
    fraction: Fraction
    mass_g: float
    bin_index: int
    jetted: bool
    hazard: HazardKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FractionScore:
    """How well one fraction was sorted; None where there was nothing to measure.

    The fraction's destination is where the recipe wants it: the bin of a station, the residue at
    the belt's end (pass), or the operator's hand (stop and alarm).

    Attributes:
        purity_mass: of the mass in the destination, the share that belongs there, TP / (TP + FP).
        recovery_mass: of the fraction's mass, the share in its destination, TP / (TP + FN).
        by_catch_mass: of the mass that came past the destination and does not belong there, the
            share that ended in it, FP / (FP + TN).
        purity_count: purity by number of items.
        recovery_count: recovery by number of items.
    """

    purity_mass: float | None
    recovery_mass: float | None
    by_catch_mass: float | None
    purity_count: float | None
    recovery_count: float | None


class Bins:
    """Counts and masses by bin and true fraction."""

    def __init__(self, station_count: int) -> None:
        """Start empty.

        Args:
            station_count: number of jet bars; their bins have indices 0 to station_count - 1.
        """
        self.residue = station_count
        self.removed = station_count + 1
        self._count = np.zeros((station_count + 2, len(FRACTIONS)), dtype=np.int64)
        self._mass_g = np.zeros((station_count + 2, len(FRACTIONS)))
        self._mass2_g2 = np.zeros_like(self._mass_g)
        self._lamps_jetted = 0
        self._hazards: Counter[tuple[HazardKind, int, bool]] = Counter()
        self._listeners: list[Callable[[Fate], None]] = []

    def tell(self, listener: Callable[[Fate], None]) -> None:
        """Tell a listener from now on of every item that ends."""
        self._listeners.append(listener)

    def add(self, fate: Fate) -> None:
        """Note where an item ended."""
        column = FRACTIONS.index(fate.fraction)
        self._count[fate.bin_index, column] += 1
        self._mass_g[fate.bin_index, column] += fate.mass_g
        self._mass2_g2[fate.bin_index, column] += fate.mass_g**2
        if fate.hazard is not None:
            self._hazards[(fate.hazard, fate.bin_index, fate.jetted)] += 1
        self._lamps_jetted += fate.jetted and fate.fraction is Fraction.MERCURY_LAMP
        for listener in self._listeners:
            listener(fate)

    @property
    def items(self) -> int:
        """Number of items that ended anywhere."""
        return int(self._count.sum())

    @property
    def lamps(self) -> int:
        """Number of lamps that ended anywhere."""
        return int(self._count[:, FRACTIONS.index(Fraction.MERCURY_LAMP)].sum())

    @property
    def lamps_jetted(self) -> int:
        """Lamps that an air jet touched: each is taken for broken. Must stay zero."""
        return self._lamps_jetted

    def hazards(self, kind: HazardKind) -> int:
        """Return the number of hazards of a kind that ended anywhere."""
        return sum(n for (found, _, _), n in self._hazards.items() if found is kind)

    def hazards_jetted(self, kind: HazardKind) -> int:
        """Return how many of them a jet touched."""
        return sum(n for (found, _, jet), n in self._hazards.items() if found is kind and jet)

    def count(self, bin_index: int, fraction: Fraction) -> int:
        """Return the number of items of a fraction in a bin."""
        return int(self._count[bin_index, FRACTIONS.index(fraction)])

    def mass_g(self, bin_index: int, fraction: Fraction) -> float:
        """Return the mass of a fraction in a bin."""
        return float(self._mass_g[bin_index, FRACTIONS.index(fraction)])

    def mass2_g2(self, bin_index: int, fraction: Fraction) -> float:
        """Return the sum of the squared masses of a fraction's items in a bin.

        With it a share of mass has an interval: it rests on (sum of masses)² / (sum of squares)
        equal items (Kish, Survey Sampling, 1965, section 11.7).
        """
        return float(self._mass2_g2[bin_index, FRACTIONS.index(fraction)])

    def scores(
        self, rules: Mapping[Fraction, FractionRule], station_names: tuple[str, ...]
    ) -> dict[Fraction, FractionScore]:
        """Score every fraction against what the recipe wanted.

        Args:
            rules: the recipe's rule for each fraction.
            station_names: in the order of the bins.
        """
        wanted = {f: self._destination(rules[f], station_names) for f in FRACTIONS}
        return {f: self._score(f, wanted) for f in FRACTIONS}

    def _destination(self, rule: FractionRule, station_names: tuple[str, ...]) -> int:
        if rule.station is not None:
            return station_names.index(rule.station)
        by_hand = rule.action in (ActionPolicy.STOP_AND_ALARM, ActionPolicy.SLOW_AND_ALARM)
        return self.removed if by_hand else self.residue

    def _score(self, fraction: Fraction, wanted: Mapping[Fraction, int]) -> FractionScore:
        bin_index, column = wanted[fraction], FRACTIONS.index(fraction)
        belongs = np.array([wanted[f] == bin_index for f in FRACTIONS])
        # Air-jet bins stand in series: what an earlier one took never came past this one.
        came_past = self._mass_g[bin_index if bin_index < self.residue else 0 :]
        mass, count = self._mass_g, self._count
        return FractionScore(
            purity_mass=_ratio(mass[bin_index, belongs].sum(), mass[bin_index].sum()),
            recovery_mass=_ratio(mass[bin_index, column], mass[:, column].sum()),
            by_catch_mass=_ratio(mass[bin_index, ~belongs].sum(), came_past[:, ~belongs].sum()),
            purity_count=_ratio(count[bin_index, belongs].sum(), count[bin_index].sum()),
            recovery_count=_ratio(count[bin_index, column], count[:, column].sum()),
        )


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None
