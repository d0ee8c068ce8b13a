"""The advise command: what recovery a purity costs at a load, and how much feed a purity bears.

The line's own pipeline runs in virtual time over a few settings of the one knob that trades purity
for recovery, `max_by_catch_ratio`, and over a few loads; the same items everywhere.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from controller.config_report import UsageError
from telemetry.terminal import console_on
from twin.simulate_command import request_from
from twin.simulation import DetectorChoice, SimulationRequest, simulate_twin
from twin.whole_line import LINES, add_line_argument, load_line
from vision.types import Fraction

RATIOS = (0.1, 0.3, 0.6, 1.0, 2.5)
LOAD_SHARES = (0.25, 0.5, 0.75, 1.0)
"""Loads that are tried, as shares of today's."""
ITEMS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one setting comes to.

    Attributes:
        occupancy: share of the belt covered.
        max_by_catch_ratio: of the recipe.
        purity: of the fraction's product, by mass; None where nothing was ejected.
        recovery: of the fraction, by mass.
        items_per_h: fed, stops included.
    """

    occupancy: float
    max_by_catch_ratio: float
    purity: float | None
    recovery: float | None
    items_per_h: float


def best_at(points: Sequence[Point], purity: float) -> Point | None:
    """Return the point of the greatest recovery that reaches a purity, None if none does."""
    enough = [p for p in points if p.purity is not None and p.purity >= purity]
    return max(enough, key=lambda p: p.recovery or 0.0, default=None)


def most_feed(points: Sequence[Point], purity: float, recovery: float) -> Point | None:
    """Return the point of the greatest load at which both are reached, None if none does."""
    enough = [
        p
        for p in points
        if p.purity is not None
        and p.purity >= purity
        and p.recovery is not None
        and p.recovery >= recovery
    ]
    return max(enough, key=lambda p: (p.occupancy, p.recovery or 0.0), default=None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_line_argument(parser, LINES / "standard.toml")
    parser.add_argument("--fraction", required=True, choices=[f.value for f in Fraction])
    parser.add_argument(
        "--purity", type=float, required=True, metavar="SHARE", help="wanted, by mass, e.g. 0.95"
    )
    parser.add_argument(
        "--recovery", type=float, default=0.85, metavar="SHARE", help="least that is worth it"
    )
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="another recipe")
    parser.add_argument("--occupancy", type=float, metavar="SHARE", help="today's load, e.g. 0.15")
    parser.add_argument("--items", type=int, default=ITEMS, metavar="N", help="items a point")
    parser.add_argument("--seed", type=int, metavar="S", help="another seed: other items")
    parser.add_argument(
        "--detector",
        choices=[choice.value for choice in DetectorChoice],
        default=DetectorChoice.PERFECT.value,
        help="perfect (the default): the truth; shipped: the line's bundle on rendered frames",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the points and print curve and advice.

    Returns:
        0.

    Raises:
        ConfigError, UsageError: the line file or an argument is at fault.
        LockstepError: a run failed.
    """
    _check(arguments)
    whole = load_line(arguments.line, arguments.recipe)
    fraction = Fraction(arguments.fraction)
    if whole.line.recipe.fractions[fraction].station is None:
        msg = (
            f"--fraction {fraction.value}: the recipe takes it to no station; its purity is not set"
        )
        raise UsageError(msg)
    simulated = {**vars(arguments), "items": [str(arguments.items)], "belt_speed": None}
    today = request_from(argparse.Namespace(**simulated), whole.line, whole.twin, None)
    load = today.twin.feed.occupancy
    curve, rest = [], []
    with console.status("simulating") as status:
        for ratio in RATIOS:
            status.update(f"by-catch ratio {ratio:g} at {load:.0%} occupancy")
            curve.append(_point(today, fraction, ratio, load))
        for share in LOAD_SHARES[:-1]:
            for ratio in RATIOS[::2]:
                status.update(f"by-catch ratio {ratio:g} at {share * load:.0%} occupancy")
                rest.append(_point(today, fraction, ratio, share * load))
    held = best_at(curve, arguments.purity)
    feed = most_feed([*curve, *rest], arguments.purity, arguments.recovery)
    if arguments.json:
        document = {
            "curve": [asdict(point) for point in curve],
            "held": None if held is None else asdict(held),
            "feed": None if feed is None else asdict(feed),
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        _show(arguments, curve, held, feed, console_on(sys.stdout))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for name in ("purity", "recovery"):
        value = getattr(arguments, name)
        if not 0.0 < value <= 1.0:
            msg = f"--{name} {value:g}: give a share above 0 and at most 1, for instance 0.95"
            raise UsageError(msg)
    if arguments.items < 1:
        msg = f"--items {arguments.items}: give a positive number"
        raise UsageError(msg)


def _point(today: SimulationRequest, fraction: Fraction, ratio: float, occupancy: float) -> Point:
    recipe = today.line.recipe.model_copy(update={"max_by_catch_ratio": ratio})
    result = simulate_twin(
        SimulationRequest(
            line=today.line.model_copy(update={"recipe": recipe}),
            twin=today.twin.with_changes(occupancy=occupancy),
            items=today.items,
            photographs=None,
            detector=today.detector,
            observer=None,
        ),
        lambda _: None,
    )
    score = dict(result.fractions or ())[fraction]
    return Point(
        occupancy=occupancy,
        max_by_catch_ratio=ratio,
        purity=score.purity_mass,
        recovery=score.recovery_mass,
        items_per_h=result.items / result.belt_s * 3600.0,
    )


def _show(
    arguments: argparse.Namespace,
    curve: Sequence[Point],
    held: Point | None,
    feed: Point | None,
    console: Console,
) -> None:
    table = Table(
        title=f"{arguments.fraction} at {curve[0].occupancy:.1%} occupancy", title_justify="left"
    )
    for heading in ("max_by_catch_ratio", "purity", "recovery"):
        table.add_column(heading, justify="right")
    for point in curve:
        table.add_row(
            f"{point.max_by_catch_ratio:g}", _percent(point.purity), _percent(point.recovery)
        )
    console.print(table)
    wanted = f"purity {arguments.purity:.1%}"
    if held is None:
        console.print(f"{wanted}: not reached at this load by any of these settings")
    else:
        console.print(
            f"{wanted}: max_by_catch_ratio = {held.max_by_catch_ratio:g}, at a recovery of "
            f"{_percent(held.recovery)}"
        )
    if feed is None:
        console.print(f"feed: no load tried gives it with a recovery of {arguments.recovery:.1%}")
    else:
        console.print(
            f"feed: up to {feed.occupancy:.1%} occupancy, {feed.items_per_h:,.0f} items an hour, "
            f"with max_by_catch_ratio = {feed.max_by_catch_ratio:g} and a recovery of "
            f"{_percent(feed.recovery)}"
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
