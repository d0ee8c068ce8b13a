"""The books of a period: what its standing ledger entries add up to. Pure; whole grams."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telemetry.ledger.entries import (
    AirSummary,
    Dispatch,
    Entry,
    Mass,
    MassMethod,
    Operation,
    Processed,
    Product,
    Received,
    Removal,
    Residue,
    ShiftClosed,
)
from telemetry.measures.capacity import Equipment
from vision.types import Fraction

G_PER_T = 1_000_000.0
KG_PER_T = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A sum of masses.

    Attributes:
        mass_g: the sum.
        estimated_g: part of it that no scale stands behind.
        low_g: lower end. The ends of estimates are added up, which is right for errors that go
            together (one model, one belt) and wider than needed for errors that do not. None if an
            estimate has no interval.
        high_g: upper end.
        methods: how its parts were found.
        entries: number of entries.
        invalid_g: part of it that the overlap index marks invalid.
    """

    mass_g: int = 0
    estimated_g: int = 0
    low_g: int | None = 0
    high_g: int | None = 0
    methods: frozenset[MassMethod] = frozenset()
    entries: int = 0
    invalid_g: int = 0

    @property
    def is_estimate(self) -> bool:
        """Whether any part of it is an estimate."""
        return self.estimated_g > 0 or any(not method.weighed for method in self.methods)

    def plus(self, mass: Mass) -> "Amount":
        """Return the sum with one more mass."""
        low_g, high_g = _ends(mass)
        return Amount(
            mass_g=self.mass_g + mass.mass_g,
            estimated_g=self.estimated_g + (mass.mass_g if mass.is_estimate else 0),
            low_g=_plus(self.low_g, low_g),
            high_g=_plus(self.high_g, high_g),
            methods=self.methods | {mass.method},
            entries=self.entries + 1,
            invalid_g=self.invalid_g + mass.invalid_g,
        )

    def plus_amount(self, other: "Amount") -> "Amount":
        """Return the sum with another sum; ends are added up."""
        return Amount(
            mass_g=self.mass_g + other.mass_g,
            estimated_g=self.estimated_g + other.estimated_g,
            low_g=_plus(self.low_g, other.low_g),
            high_g=_plus(self.high_g, other.high_g),
            methods=self.methods | other.methods,
            entries=self.entries + other.entries,
            invalid_g=self.invalid_g + other.invalid_g,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedLine:
    """What came in under one code."""

    code: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductLine:
    """One fraction in one bin."""

    fraction: Fraction
    bin: str
    code: str
    amount: Amount
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidueLine:
    """What stayed on the belt under one code."""

    code: str
    amount: Amount
    pending_review: bool
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalLine:
    """Items of one kind taken off by hand.

    Attributes:
        unweighed: items without a mass, which the amount leaves out.
    """

    what: str
    code: str
    hazardous: bool
    count: int
    amount: Amount
    unweighed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchLine:
    """What left the plant under one code for one kind of operation."""

    code: str
    operation: Operation
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A period's sums."""

    received: tuple[ReceivedLine, ...]
    products: tuple[ProductLine, ...]
    residue: tuple[ResidueLine, ...]
    removals: tuple[RemovalLine, ...]
    dispatched: tuple[DispatchLine, ...]
    air: tuple[AirSummary, ...]
    hours_planned: float
    hours_run: float
    rated_t_per_h: float
    processed: Amount
    shifts_closed: int

    @property
    def received_g(self) -> int:
        """All that came in."""
        return sum(line.amount.mass_g for line in self.received)

    @property
    def products_g(self) -> int:
        """All that was sorted out."""
        return sum(line.amount.mass_g for line in self.products)

    @property
    def residue_g(self) -> int:
        """All that stayed on the belt."""
        return sum(line.amount.mass_g for line in self.residue)

    @property
    def removals_g(self) -> int:
        """All that was taken off by hand and weighed."""
        return sum(line.amount.mass_g for line in self.removals)

    @property
    def out_g(self) -> int:
        """All that left the belt."""
        return self.products_g + self.residue_g + self.removals_g

    @property
    def invalid_g(self) -> int:
        """What left the belt where the overlap index marks the estimate invalid."""
        amounts = [x.amount for x in self.products] + [x.amount for x in self.residue]
        return sum(amount.invalid_g for amount in amounts)

    @property
    def landfilled_g(self) -> int:
        """All that was sent to landfill."""
        lines = self.dispatched
        return sum(x.amount.mass_g for x in lines if x.operation is Operation.LANDFILL)

    @property
    def equipment(self) -> Equipment:
        """The raw quantities behind the load figures."""
        return Equipment(
            rated_t_per_h=self.rated_t_per_h,
            hours_planned=self.hours_planned,
            hours_run=self.hours_run,
            received_t=self.received_g / G_PER_T,
            processed_t=self.processed.mass_g / G_PER_T,
        )


def books_of(entries: Iterable[Entry]) -> Books:
    """Add up entries that stand: newest revisions, nothing cancelled."""
    sums = _Sums()
    for entry in entries:
        sums.add(entry)
    return sums.books()


def _ends(mass: Mass) -> tuple[int | None, int | None]:
    if mass.low_g is not None and mass.high_g is not None:
        return mass.low_g, mass.high_g
    return (None, None) if mass.is_estimate else (mass.mass_g, mass.mass_g)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class _Sums:
    def __init__(self) -> None:
        self._received: dict[str, Amount] = {}
        self._products: dict[tuple[Fraction, str, str], tuple[Amount, int]] = {}
        self._residue: dict[tuple[str, bool], tuple[Amount, int]] = {}
        self._removals: dict[tuple[str, str, bool], list[Removal]] = {}
        self._dispatched: dict[tuple[str, Operation], Amount] = {}
        self._air: list[AirSummary] = []
        self._closed: list[ShiftClosed] = []
        self._processed = Amount()

    def add(self, entry: Entry) -> None:
        match entry.body:
            case Received(code=code, mass=mass):
                self._received[code] = self._received.get(code, Amount()).plus(mass)
            case Dispatch() as body:
                to = (body.code, body.operation)
                self._dispatched[to] = self._dispatched.get(to, Amount()).plus(body.mass)
            case AirSummary() as body:
                self._air.append(body)
            case ShiftClosed() as body:
                self._closed.append(body)
            case _:
                self._add_from_belt(entry)

    def _add_from_belt(self, entry: Entry) -> None:
        match entry.body:
            case Processed(mass=mass):
                self._processed = self._processed.plus(mass)
            case Product() as body:
                place = (body.fraction, body.bin, body.code)
                amount, items = self._products.get(place, (Amount(), 0))
                self._products[place] = (amount.plus(body.mass), items + (body.items or 0))
            case Residue() as body:
                key = (body.code, body.pending_review)
                amount, items = self._residue.get(key, (Amount(), 0))
                self._residue[key] = (amount.plus(body.mass), items + (body.items or 0))
            case Removal() as body:
                kind = (body.what, body.code, body.hazardous)
                self._removals.setdefault(kind, []).append(body)
            case _:
                pass

    def books(self) -> Books:
        planned = sum(shift.hours_planned for shift in self._closed)
        rated = sum(shift.rated_kg_per_h * shift.hours_planned for shift in self._closed)
        processed = self._processed
        if not processed.entries:
            for shift in self._closed:
                processed = processed.plus(shift.processed)
        return Books(
            received=tuple(
                ReceivedLine(code=code, amount=self._received[code])
                for code in sorted(self._received)
            ),
            products=tuple(
                ProductLine(fraction=place[0], bin=place[1], code=place[2], amount=a, items=n)
                for place, (a, n) in sorted(self._products.items())
            ),
            residue=tuple(
                ResidueLine(code=key[0], pending_review=key[1], amount=a, items=n)
                for key, (a, n) in sorted(self._residue.items())
            ),
            removals=tuple(_removal_line(self._removals[key]) for key in sorted(self._removals)),
            dispatched=tuple(
                DispatchLine(code=code, operation=operation, amount=amount)
                for (code, operation), amount in sorted(self._dispatched.items())
            ),
            air=tuple(self._air),
            hours_planned=planned,
            hours_run=sum(shift.hours_run for shift in self._closed),
            rated_t_per_h=rated / planned / KG_PER_T if planned else 0.0,
            processed=processed,
            shifts_closed=len(self._closed),
        )


def _removal_line(removals: Sequence[Removal]) -> RemovalLine:
    amount = Amount()
    for removal in removals:
        if removal.mass is not None:
            amount = amount.plus(removal.mass)
    first = removals[0]
    return RemovalLine(
        what=first.what,
        code=first.code,
        hazardous=first.hazardous,
        count=len(removals),
        amount=amount,
        unweighed=sum(removal.mass is None for removal in removals),
    )
