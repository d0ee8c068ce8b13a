"""All products whose purity a line holds, by station."""

from collections.abc import Iterable, Sequence

from calibration.units import NS_PER_S, MonotonicNs
from controller.config import RecipeConfig
from controller.packml import CommandReply
from controller.purity.estimate import SampleFound
from controller.purity.hold import HoldStanding, PurityHold
from controller.snapshot import ProductSampled, SetPurity
from controller.stations import StationConfig
from controller.types import ItemOutcome, ItemRecord
from vision.types import Fraction


class PurityKeeper:
    """The holds of one line. One thread; pure but for their memory."""

    def __init__(self, recipe: RecipeConfig, stations: Sequence[StationConfig]) -> None:
        """Begin at the recipe's own prices.

        Args:
            recipe: what is wanted of which product.
            stations: of the line, in order downstream.

        Raises:
            ValueError: a held product's station is none of the line's.
        """
        names = [station.name for station in stations]
        self._holds = {fraction: PurityHold(config) for fraction, config in recipe.hold.items()}
        self._stations = {
            fraction: names.index(str(recipe.fractions[fraction].station))
            for fraction in self._holds
        }

    @property
    def prices(self) -> tuple[tuple[int, float], ...]:
        """(station, log of the price of impurity over the recipe's), where they differ."""
        return tuple(
            (self._stations[fraction], hold.g) for fraction, hold in self._holds.items() if hold.g
        )

    @property
    def standings(self) -> tuple[HoldStanding, ...]:
        """How it stands with every held product."""
        return tuple(hold.standing(fraction.value) for fraction, hold in self._holds.items())

    @property
    def trouble(self) -> str | None:
        """Which wanted purity cannot be held, and what to do; None if all are."""
        words = [
            f"{fraction.value}: {hold.trouble}"
            for fraction, hold in self._holds.items()
            if hold.trouble
        ]
        return "; ".join(words) or None

    def closed(self, records: Iterable[ItemRecord]) -> None:
        """Note how items ended."""
        for record in records:
            hold = self._holds.get(record.decision.fraction)
            if hold is not None:
                ejected = record.outcome is ItemOutcome.EJECTED
                hold.closed(record.track.mass_g, ejected=ejected)

    def answer(self, request: ProductSampled | SetPurity, now_ns: MonotonicNs) -> CommandReply:
        """Act on what a person tells or wants of a product, or refuse it with the reason."""
        if isinstance(request, SetPurity):
            refusal = self.want(request.fraction, request.purity, now_ns)
            words = f"{request.fraction.value}: a purity of {request.purity:.1%} is wanted"
            return CommandReply(accepted=refusal is None, reason=refusal or words)
        try:
            sample = SampleFound(
                target_g=request.target_g, other_g=request.other_g, pieces=request.pieces
            )
        except ValueError as error:
            return CommandReply(accepted=False, reason=str(error))
        refusal = self.sampled(
            request.fraction,
            sample,
            began_s_ago=request.began_s_ago,
            ended_s_ago=request.ended_s_ago,
            now_ns=now_ns,
        )
        words = f"{request.fraction.value}: a sample of {request.pieces} pieces taken in"
        return CommandReply(accepted=refusal is None, reason=refusal or words)

    def sampled(
        self,
        fraction: Fraction,
        sample: SampleFound,
        *,
        began_s_ago: float,
        ended_s_ago: float,
        now_ns: MonotonicNs,
    ) -> str | None:
        """Take a sample of a product; returns why not, None if it was taken.

        Args:
            fraction: the product's.
            sample: sorted and weighed.
            began_s_ago: when the first of it was ejected, seconds before now.
            ended_s_ago: when the last of it was.
            now_ns: the present.
        """
        hold = self._holds.get(fraction)
        if hold is None:
            return self._not_held(fraction)
        if not 0.0 <= ended_s_ago <= began_s_ago:
            return (
                f"a sample made from {began_s_ago:g} s to {ended_s_ago:g} s ago: give when its "
                "product began to be made, then when it was complete"
            )
        hold.sampled(
            sample,
            from_ns=MonotonicNs(now_ns - int(began_s_ago * NS_PER_S)),
            until_ns=MonotonicNs(now_ns - int(ended_s_ago * NS_PER_S)),
            now_ns=now_ns,
        )
        return None

    def want(self, fraction: Fraction, purity: float, now_ns: MonotonicNs) -> str | None:
        """Want another purity of a product; returns why not, None if it is taken."""
        hold = self._holds.get(fraction)
        if hold is None:
            return self._not_held(fraction)
        if not 0.5 <= purity <= 0.995:
            return f"a purity of {purity:g}: give a share from 0.5 to 0.995"
        hold.want(purity, now_ns)
        return None

    def _not_held(self, fraction: Fraction) -> str:
        held = ", ".join(f.value for f in self._holds) or "none"
        return (
            f"the purity of {fraction.value} is not held (held: {held}); "
            f"add [recipe.hold.{fraction.value}] to the recipe"
        )
