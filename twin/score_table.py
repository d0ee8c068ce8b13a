"""Purity, recovery and by-catch as a table for people."""

from collections.abc import Iterable

from rich.table import Table

from twin.bins import FractionScore
from vision.types import Fraction


def score_table(scores: Iterable[tuple[Fraction, FractionScore]], *, title: str) -> Table:
    """Return one row per fraction; a dash where there was nothing to measure.

    Args:
        scores: in the order to be shown.
        title: above the table; says what the basis was.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("fraction")
    for heading in (
        "purity\nby mass",
        "recovery\nby mass",
        "by-catch\nby mass",
        "purity\nby count",
        "recovery\nby count",
    ):
        table.add_column(heading, justify="right")
    for fraction, score in scores:
        table.add_row(
            fraction.value,
            _percent(score.purity_mass),
            _percent(score.recovery_mass),
            _percent(score.by_catch_mass),
            _percent(score.purity_count),
            _percent(score.recovery_count),
        )
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
