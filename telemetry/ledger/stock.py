"""Stock of sorted and removed material by code: its changes, a period's opening and closing."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from telemetry.ledger.entries import (
    Dispatch,
    Entry,
    Mass,
    Operation,
    Product,
    Received,
    Removal,
    Residue,
    StockCount,
)

STOCK_KINDS: Final = ("product", "residue", "removal", "dispatch", "stock_count")
"""Kinds of entries that change stock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockChange:
    """One change of a code's stock.

    Attributes:
        entry: that it stands in.
        code: whose stock.
        mass_g: positive into stock, negative out of it; the whole stock where counted.
        counted: whether a person counted it.
    """

    entry: Entry
    code: str
    mass_g: int
    counted: bool = False


def stock_changes(entries: Iterable[Entry]) -> tuple[StockChange, ...]:
    """Return what changed the stock of sorted and removed material, in order of time.

    Unsorted stock is not among them: what goes onto the belt has no entry of its own.
    """
    found = []
    for entry in entries:
        match entry.body:
            case (Product() | Residue()) as body:
                found.append(StockChange(entry=entry, code=body.code, mass_g=body.mass.mass_g))
            case Removal(mass=Mass() as mass, code=code):
                found.append(StockChange(entry=entry, code=code, mass_g=mass.mass_g))
            case Dispatch() as body:
                found.append(StockChange(entry=entry, code=body.code, mass_g=-body.mass.mass_g))
            case StockCount() as body:
                found.append(
                    StockChange(entry=entry, code=body.code, mass_g=body.mass.mass_g, counted=True)
                )
            case _:
                pass
    return tuple(sorted(found, key=lambda change: change.entry.at))


@dataclass(slots=True, kw_only=True)
class StockFlow:
    """One code through a period, whole grams.

    Attributes:
        code: six digits.
        opening_g: in stock when it began.
        received_g: came in from outside.
        arisen_g: came off the line or was taken off it.
        handed_over_g: left, by operation.
        counted_g: what counts by hand have added or taken away.
        closing_g: in stock when it ended.
    """

    code: str
    opening_g: int = 0
    received_g: int = 0
    arisen_g: int = 0
    handed_over_g: dict[Operation, int] = field(default_factory=dict)
    counted_g: int = 0
    closing_g: int = 0

    @property
    def closes(self) -> bool:
        """Whether opening and flows give the closing stock; received waste has no stock here."""
        gone = sum(self.handed_over_g.values())
        return self.opening_g + self.arisen_g + self.counted_g - gone == self.closing_g


def stock_flows(entries: Iterable[Entry], days: dict[str, date], first: date) -> list[StockFlow]:
    """Return every code's flow over a period, sorted by code.

    Args:
        entries: all that stand from the ledger's beginning to the period's end.
        days: local day that each uid counts for.
        first: the period's first day.
    """
    kept = tuple(entries)
    flows: dict[str, StockFlow] = {}
    for change in stock_changes(kept):
        flow = flows.setdefault(change.code, StockFlow(code=change.code))
        delta_g = change.mass_g - flow.closing_g if change.counted else change.mass_g
        flow.closing_g += delta_g
        if days[change.entry.uid] < first:
            flow.opening_g = flow.closing_g
        elif change.counted:
            flow.counted_g += delta_g
        elif isinstance(change.entry.body, Dispatch):
            operation = change.entry.body.operation
            flow.handed_over_g[operation] = flow.handed_over_g.get(operation, 0) - delta_g
        else:
            flow.arisen_g += delta_g
    for entry in kept:
        if isinstance(entry.body, Received) and days[entry.uid] >= first:
            flow = flows.setdefault(entry.body.code, StockFlow(code=entry.body.code))
            flow.received_g += entry.body.mass.mass_g
    return [flows[code] for code in sorted(flows)]
