"""Draws the laws that the twin shows: docs/pictures/laws-*.png."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.laws import (
    COMPOSITIONS,
    DEAD_SHARE,
    FILM_WT,
    FLOWS_G_PER_S,
    OCCUPANCIES,
    film_equivalent_pct,
    published_rates,
)
from benchmarks.reference_sorter import Sorted

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
Results = dict[tuple[float, ...], Sorted]

_COLOURS = ("#1b6ca8", "#d1495b", "#2e933c")


def draw(results: dict[str, Results]) -> tuple[Path, ...]:
    """Draw every law and return the files."""
    mpl.use("Agg")
    pictures = {
        "laws-yield": (_yield, results["chips"]),
        "laws-purity": (_purity, results["chips"]),
        "laws-film": (_film, results["film"]),
        "laws-laboratory": (_laboratory, results["laboratory"]),
    }
    drawn: list[Path] = []
    for name, (plot, found) in pictures.items():
        figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
        plot(axes, found)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        path = PICTURES / f"{name}.png"
        figure.savefig(path, dpi=110)
        plt.close(figure)
        drawn.append(path)
    return tuple(drawn)


def _yield(axes: Axes, chips: Results) -> None:
    for share, colour in zip(COMPOSITIONS, _COLOURS, strict=True):
        points = [chips[(share, o)] for o in OCCUPANCIES]
        load = np.array([p.throughput_kg_per_s * 3.6 for p in points])
        found = [p.target_yield for p in points]
        axes.plot(load, found, "o", color=colour, label=f"{share:.0%} targets")
        slope, start = np.polyfit(load, np.log(found), 1)
        line = np.linspace(0.0, load.max(), 50)
        axes.plot(line, np.exp(start + slope * line), "-", color=colour)
    axes.set(
        xlabel="throughput, t/h",
        ylabel="yield of targets, mass",
        title="Yield against throughput, with exponentials",
    )


def _purity(axes: Axes, chips: Results) -> None:
    for share, colour in zip(COMPOSITIONS, _COLOURS, strict=True):
        purity = [chips[(share, o)].purity for o in OCCUPANCIES]
        axes.plot(OCCUPANCIES, purity, "o", color=colour, label=f"{share:.0%} targets")
        slope, start = np.polyfit(OCCUPANCIES, purity, 1)
        axes.plot(OCCUPANCIES, start + slope * np.array(OCCUPANCIES), "-", color=colour)
    axes.set(
        xlabel="share of the belt covered",
        ylabel="purity of the product, mass",
        title="Purity against occupancy",
    )


def _film(axes: Axes, found: Results) -> None:
    whole = found[(0.0, 0.0)].target_yield
    losses = [100 * (whole - found[(wt, 0.0)].target_yield) for wt in FILM_WT]
    dead = 100 * (whole - found[(0.0, DEAD_SHARE)].target_yield)
    axes.plot([100 * wt for wt in FILM_WT], losses, "o-", color=_COLOURS[0], label="light film")
    axes.axhline(dead, color=_COLOURS[1], label="20 % of the valves dead, no film")
    axes.axvline(film_equivalent_pct(found), color="k", linestyle=":", label="as much as")
    axes.axvline(5.0, color="grey", linestyle="--", label="as published, about")
    axes.set(
        xlabel="film in the feed, % by weight",
        ylabel="yield lost, percentage points",
        title="Film and dead valves at high load",
    )


def _laboratory(axes: Axes, found: Results) -> None:
    flows = np.linspace(10.0, 210.0, 60)
    published = np.array([published_rates(flow) for flow in flows])
    measured = [found[(flow,)] for flow in FLOWS_G_PER_S]
    for column, (name, values) in enumerate(
        (
            ("accepted that stay (TPR)", [m.kept_share for m in measured]),
            ("targets blown off (TNR)", [m.target_yield for m in measured]),
        )
    ):
        axes.plot(
            flows, published[:, column], "-", color=_COLOURS[column], label=f"{name}, published"
        )
        axes.plot(FLOWS_G_PER_S, values, "o", color=_COLOURS[column], label=f"{name}, twin")
    axes.set(
        xlabel="mass flow, g/s",
        ylabel="share, mass",
        title="Laboratory sorter, 30 % targets",
        ylim=(0.85, 1.005),
    )
