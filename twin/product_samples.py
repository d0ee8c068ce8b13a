"""Somebody beside the twin's bins who takes samples of the held products, sorts and weighs them."""

from dataclasses import dataclass

import numpy as np

from calibration.clock import seconds_between
from calibration.units import MonotonicNs
from controller.config import RecipeConfig
from controller.snapshot import ProductSampled
from controller.stations import StationConfig
from twin.bins import Bins, Fate
from twin.config import ProductSamplesConfig
from vision.types import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class _InWork:
    """A sample that is being sorted."""

    fraction: Fraction
    pieces: tuple[Fate, ...]
    began_ns: MonotonicNs
    ended_ns: MonotonicNs


class ProductSampler:
    """Takes a part of what fell into each held product's bin since the last time. One thread."""

    def __init__(
        self,
        config: ProductSamplesConfig,
        recipe: RecipeConfig,
        stations: tuple[StationConfig, ...],
        bins: Bins,
        *,
        seed: int,
    ) -> None:
        """Stand beside the bins.

        Args:
            config: how often, how much, how slowly.
            recipe: names the held products and what belongs in them.
            stations: of the line, in order downstream.
            bins: tells this sampler of every item from now on.
            seed: of which pieces are taken.
        """
        names = [station.name for station in stations]
        self._config = config
        self._rng = np.random.default_rng([seed, 7])
        self._bin_of = {f: names.index(str(recipe.fractions[f].station)) for f in recipe.hold}
        self._belongs = {
            held: frozenset(
                f
                for f, rule in recipe.fractions.items()
                if rule.station == recipe.fractions[held].station
            )
            for held in self._bin_of
        }
        self._fallen: dict[int, list[Fate]] = {index: [] for index in self._bin_of.values()}
        self._since_ns: MonotonicNs | None = None
        self._in_work: list[_InWork] = []
        bins.tell(self._fell)

    def look(self, now_ns: MonotonicNs) -> tuple[ProductSampled, ...]:
        """Take samples when it is time to; returns those that were sorted by now."""
        if self._since_ns is None:
            self._since_ns = now_ns
        if seconds_between(self._since_ns, now_ns) >= 60.0 * self._config.every_min:
            self._take(self._since_ns, now_ns)
            self._since_ns = now_ns
        sorted_by_now = [
            work
            for work in self._in_work
            if seconds_between(work.ended_ns, now_ns) >= 60.0 * self._config.delay_min
        ]
        self._in_work = [work for work in self._in_work if work not in sorted_by_now]
        return tuple(self._found(work, now_ns) for work in sorted_by_now)

    def _fell(self, fate: Fate) -> None:
        fallen = self._fallen.get(fate.bin_index)
        if fallen is not None:
            fallen.append(fate)

    def _take(self, since_ns: MonotonicNs, now_ns: MonotonicNs) -> None:
        for fraction, index in self._bin_of.items():
            fallen = self._fallen[index]
            if fallen:
                count = min(self._config.pieces, len(fallen))
                chosen = self._rng.choice(len(fallen), size=count, replace=False)
                self._in_work.append(
                    _InWork(
                        fraction=fraction,
                        pieces=tuple(fallen[i] for i in sorted(chosen.tolist())),
                        began_ns=since_ns,
                        ended_ns=now_ns,
                    )
                )
            fallen.clear()

    def _found(self, work: _InWork, now_ns: MonotonicNs) -> ProductSampled:
        belongs = self._belongs[work.fraction]
        target_g = sum(p.mass_g for p in work.pieces if p.fraction in belongs)
        return ProductSampled(
            fraction=work.fraction,
            target_g=target_g,
            other_g=sum(p.mass_g for p in work.pieces) - target_g,
            pieces=len(work.pieces),
            began_s_ago=seconds_between(work.began_ns, now_ns),
            ended_s_ago=seconds_between(work.ended_ns, now_ns),
            operator="twin sampler",
        )
