"""The `estimates` command: how much to audit, and a mass model learned from weighed samples.

Exit codes: 0 done; 2 the arguments or the samples cannot be used.
"""

import argparse
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from calibration.mass_model import MassModelError, save
from telemetry.estimates.audit_plan import items_without_error, plan_audit
from telemetry.estimates.errors import EstimateError
from telemetry.estimates.mass_learning import COLUMNS, fit_mass_model, read_weighings
from telemetry.estimates.types import LEVEL, Basis

EXIT_OK = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    planning = _action(actions, "plan", "tell how many items to look at by hand", _plan)
    for name, default, words in (
        ("--expected", 0.9, "share that is expected, 0.5 is the worst case (default: %(default)s)"),
        ("--half-width", 0.02, "wanted half of the interval (default: %(default)s)"),
        ("--design-effect", 2.0, "inflation by clumping (default: %(default)s)"),
        ("--mean-item-g", 40.0, "mean mass of an item (default: %(default)s)"),
        ("--level", LEVEL, "of the interval (default: %(default)s)"),
    ):
        planning.add_argument(name, type=float, default=default, help=words)
    planning.add_argument(
        "--items-per-portion", type=int, default=100, help="as taken (default: %(default)s)"
    )
    fitting = _action(actions, "fit-mass", "learn a mass model from weighed samples", _fit)
    fitting.add_argument("samples", type=Path, help=f"CSV with columns {', '.join(COLUMNS)}")
    fitting.add_argument(
        "--into", type=Path, required=True, metavar="DIR", help="folder of mass models"
    )
    fitting.add_argument("--date", type=_day, metavar="DAY", help="of the model, default today")


def _action(actions: Any, name: str, words: str, action: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=words, description=words)
    parser.add_argument("--json", action="store_true", help="print for a machine")
    parser.set_defaults(action=action)
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is no day; write it as 2026-11-25"
        raise argparse.ArgumentTypeError(msg) from error


def run(arguments: argparse.Namespace, _console: Console) -> int:
    """Run the action that was named; return its exit code.

    Raises:
        EstimateError: the figures or the samples cannot be used.
    """
    code: int = arguments.action(arguments)
    return code


def _plan(arguments: argparse.Namespace) -> int:
    plan = plan_audit(
        expected_share=arguments.expected,
        half_width=arguments.half_width,
        design_effect=arguments.design_effect,
        items_per_portion=arguments.items_per_portion,
        mean_item_g=arguments.mean_item_g,
        level=arguments.level,
    )
    faultless = items_without_error(share=1.0 - arguments.half_width, level=arguments.level)
    told = {
        "items": plan.items,
        "portions": plan.portions,
        "kg": round(plan.kg, 3),
        "half_width": round(plan.half_width, 6),
        "items_without_error": faultless,
        "level": arguments.level,
        "basis": Basis.COUNT.value,
    }
    words = (
        f"{plan.items} items in {plan.portions} portions, about {plan.kg:.1f} kg, "
        f"tell a share of {arguments.expected:g} to within {plan.half_width:.4f}, "
        f"level {arguments.level:g}, by count of items\n"
        f"{faultless} independent items without any error show a share above "
        f"{1.0 - arguments.half_width:g} (one-sided)"
    )
    sys.stdout.write((json.dumps(told) if arguments.json else words) + "\n")
    return EXIT_OK


def _fit(arguments: argparse.Namespace) -> int:
    day = arguments.date or datetime.now(UTC).date()
    model = fit_mass_model(
        read_weighings(arguments.samples), fitted_on=day, source=arguments.samples.name
    )
    try:
        path = save(model, arguments.into)
    except MassModelError as error:
        raise EstimateError(str(error)) from error
    if arguments.json:
        told = {"path": str(path), "version": model.version, "with_height": model.with_height}
        sys.stdout.write(json.dumps(told) + "\n")
        return EXIT_OK
    for law in model.laws:
        sys.stdout.write(
            f"{law.name}: {law.items} items in {law.weighings} weighings, "
            f"items spread {100 * law.relative_sd:.0f} % around their law\n"
        )
    sys.stdout.write(f"{path}\n")
    return EXIT_OK
