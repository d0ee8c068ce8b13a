"""Worksheets: the figures a responsible person enters into the inventory and the statistics forms.

The forms' own rows and columns were not available. Inventory rows follow what the Ecological Code
says an inventory holds, by waste code; statistics rows follow the categories of published tables.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

from telemetry.ledger.entries import Operation
from telemetry.ledger.stock import StockFlow
from telemetry.reports.document import Worksheet, WorksheetRow
from telemetry.reports.parts import tonnes

_CATEGORY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "street_cleaning": ("200303",),
        "paper_cardboard": ("191201", "200101", "150101"),
        "market_waste": ("200302",),
        "plastics": ("191204", "200139", "150102"),
        "food": ("200108",),
        "cullet": ("191205", "200102", "150107"),
        "metals": ("191202", "191203", "200140", "150104"),
        "textile": ("191208", "200110", "200111", "150109"),
        "equipment": ("200123", "200135", "200136", "160211", "160213", "160214"),
        "other_mixed": (),
    }
)
"""Row names of published national tables (2023), by the codes that go there; the rest is other."""
STATISTICS_CATEGORIES: Final = tuple(_CATEGORY)
_BY_CODE: Final = {code: name for name, codes in _CATEGORY.items() for code in codes}
_RECYCLED: Final = (Operation.RECYCLING,)
_UTILISED: Final = (Operation.UTILISATION, Operation.ENERGY_RECOVERY)
_LANDFILLED: Final = (Operation.LANDFILL,)


def category_of(code: str) -> str:
    """Return the statistics category of a waste code."""
    return _BY_CODE.get(code, "other_mixed")


def worksheet(
    form: Literal["inventory", "statistics"], year: int, flows: Sequence[StockFlow]
) -> Worksheet:
    """Return the worksheet over one year.

    Args:
        form: inventory as of 1 January, due 1 March (Ecological Code, article 384); statistics,
            due 1 February.
        year: the year reported on.
        flows: of every code over the year.
    """
    by_key: dict[str, list[StockFlow]] = {}
    for flow in flows:
        key = flow.code if form == "inventory" else category_of(flow.code)
        by_key.setdefault(key, []).append(flow)
    keys = sorted(by_key) if form == "inventory" else STATISTICS_CATEGORIES
    due = date(year + 1, 3, 1) if form == "inventory" else date(year + 1, 2, 1)
    return Worksheet(
        form=form,
        as_of=date(year + 1, 1, 1).isoformat(),
        due=due.isoformat(),
        rows=tuple(_row(key, by_key.get(key, [])) for key in keys),
    )


def _row(key: str, flows: Sequence[StockFlow]) -> WorksheetRow:
    def gone(operations: tuple[Operation, ...]) -> float:
        return tonnes(sum(flow.handed_over_g.get(name, 0) for flow in flows for name in operations))

    named = (*_RECYCLED, *_UTILISED, *_LANDFILLED)
    return WorksheetRow(
        key=key,
        opening_t=tonnes(sum(flow.opening_g for flow in flows)),
        received_t=tonnes(sum(flow.received_g for flow in flows)),
        arisen_t=tonnes(sum(flow.arisen_g for flow in flows)),
        recycled_t=gone(_RECYCLED),
        utilised_t=gone(_UTILISED),
        landfilled_t=gone(_LANDFILLED),
        otherwise_t=gone(tuple(name for name in Operation if name not in named)),
        counted_t=tonnes(sum(flow.counted_g for flow in flows)),
        closing_t=tonnes(sum(flow.closing_g for flow in flows)),
    )
