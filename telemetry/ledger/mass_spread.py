"""How surely the masses of a session are known: by the law that weighed its items.

A model that the plant learned from weighed samples knows the spread of each class and how surely
its coefficients are known. The built-in law has those of the shipped item library.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from calibration.mass_model import MassModel, MassModelError, load, size_terms
from telemetry.ledger.line_items import LineItems, SizedItem
from vision.mass import relative_sd
from vision.types import FRACTIONS, Fraction

_TYPICAL: Final = 100.0
"""Side (mm) of an item where a session has none of a class; none of its mass is in a sum either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How surely masses of one fraction are known, over the mass itself.

    Attributes:
        item: of one item around its law.
        law: of the law, common to all items.
    """

    item: float
    law: float


Spreads = Mapping[Fraction, Spread]
BUILT_IN: Final[Spreads] = {
    fraction: Spread(item=relative_sd(fraction)[0], law=relative_sd(fraction)[1])
    for fraction in FRACTIONS
}


class MassSpreads:
    """Finds the spreads of sessions; each session's law is looked up once.

    Args:
        items: of the line.
        models: the line's model file, whose folder holds the earlier ones; None where the built-in
            law weighs.
    """

    def __init__(self, items: LineItems, models: Path | None) -> None:
        self._items = items
        self._folder = None if models is None else models.parent
        self._known: dict[str, Spreads] = {}

    def of(self, session_id: str) -> Spreads:
        """Return the spreads of a session's masses, the built-in ones where its model is gone.

        Raises:
            StoreError: the line's store cannot be read.
        """
        if session_id not in self._known:
            self._known[session_id] = self._found(session_id)
        return self._known[session_id]

    def _found(self, session_id: str) -> Spreads:
        if self._folder is None:
            return BUILT_IN
        version, sized = self._items.sizes(session_id)
        try:
            model = load(self._folder / f"{version}.json")
        except MassModelError:
            return BUILT_IN
        return learned_spreads(model, sized)


def learned_spreads(model: MassModel, sized: tuple[SizedItem, ...]) -> Spreads:
    """Return the spreads that a learned model has over items of these sizes.

    Args:
        model: its laws in the order of FRACTIONS.
        sized: items of the session; their sizes decide how far coefficients' errors reach.
    """
    found = {}
    for fraction, law in zip(FRACTIONS, model.laws, strict=True):
        own = [one for one in sized if one.fraction is fraction]
        terms = size_terms(
            [one.width_mm for one in own] or [_TYPICAL],
            [one.length_mm for one in own] or [_TYPICAL],
        ).sum(axis=0)
        mean_g = float(terms @ np.array(law.coefficients))
        variance_g2 = float(terms @ np.array(law.covariance) @ terms)
        if mean_g > 0:
            of_law = float(np.sqrt(max(variance_g2, 0.0))) / mean_g
        else:  # A law of height alone; the items' heights are not kept.
            of_law = BUILT_IN[fraction].law
        found[fraction] = Spread(item=law.relative_sd, law=of_law)
    return found
