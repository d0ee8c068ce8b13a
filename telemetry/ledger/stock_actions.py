"""What a person enters about stock: something left the plant, or was counted; a mass corrected."""

import argparse
import dataclasses
from typing import Final

from telemetry.ledger.chain import entry_of
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.entries import (
    Action,
    Body,
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
    StockCount,
)
from telemetry.ledger.errors import EntryError
from telemetry.ledger.store import Ledger
from telemetry.ledger.weighbridge import local_time
from vision.types import FRACTIONS, Fraction

BY_HAND: Final = (MassMethod.WEIGHBRIDGE, MassMethod.PLATFORM_SCALE, MassMethod.DECLARED)
"""How a person may have found a mass; what is declared is an estimate."""
_WEIGHED = Received | Processed | Product | Residue | Removal | Dispatch | StockCount


def add_stock_arguments(dispatch: argparse.ArgumentParser, count: argparse.ArgumentParser) -> None:
    """Declare what `ledger dispatch` and `ledger count` need to know."""
    for parser in (dispatch, count):
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--product", choices=[one.value for one in FRACTIONS], help="a fraction")
        what.add_argument("--code", help="six digits of the List of Waste")
        parser.add_argument("--mass-kg", type=float, required=True)
        parser.add_argument("--at", metavar="TIME", help="local time, default now")
        add_method(parser, required=True)
    dispatch.add_argument(
        "--operation", required=True, choices=[one.value for one in Operation], help="what for"
    )
    dispatch.add_argument("--destination", required=True, help="who takes it")
    dispatch.add_argument("--ticket", default="", help="number of the ticket or waybill")
    count.add_argument("--by", required=True, help="who counted")


def add_method(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Declare how the mass was found; there is no default that could claim a scale."""
    parser.add_argument(
        "--method",
        choices=[method.value for method in BY_HAND],
        required=required,
        help="how the mass was found"
        if required
        else "how the new mass was found (default: as before)",
    )


def stock_entry(arguments: argparse.Namespace, accounts: AccountsConfig, now: str) -> Entry:
    """Return the entry of a dispatch or a count.

    Args:
        arguments: as declared by `add_stock_arguments`, and the action.
        accounts: of the plant.
        now: the present instant, ISO 8601, used where none was given.

    Raises:
        EntryError: the time cannot be read.
    """
    problems: list[str] = []
    at = local_time(arguments.at or now, accounts, problems)
    if at is None:
        raise EntryError("; ".join(problems))
    shift = accounts.calendar.at(at)
    codes = accounts.codes
    code = (
        codes.product(Fraction(arguments.product), shift.day).code
        if arguments.product
        else arguments.code.replace(" ", "").rstrip("*")
    )
    mass = _mass(arguments.mass_kg, MassMethod(arguments.method), "entered by hand")
    body: Body
    if arguments.action == "dispatch":
        body = Dispatch(
            code=code,
            mass=mass,
            operation=Operation(arguments.operation),
            destination=arguments.destination,
            ticket=arguments.ticket,
        )
        name = arguments.ticket.strip() or f"{code}:{at.isoformat()}"
    else:
        body = StockCount(code=code, mass=mass, by=arguments.by)
        name = f"{code}:{at.isoformat()}"
    return Entry(uid=f"{arguments.action}:{name}", at=at, shift=shift.shift_id, body=body)


def correction(ledger: Ledger, arguments: argparse.Namespace) -> Entry:
    """Return the revision that `ledger edit` or `ledger cancel` asks for.

    Raises:
        EntryError: no such entry, or it has no mass to correct.
    """
    history = ledger.history(arguments.uid)
    if not history:
        msg = f"no entry {arguments.uid!r}; `run_line.py ledger show LINE.toml` lists uids"
        raise EntryError(msg)
    last = entry_of(history[-1])
    next_one = dataclasses.replace(
        last, revision=last.revision + 1, reason=arguments.reason, action=Action.CANCEL
    )
    if arguments.action == "cancel":
        return next_one
    body = last.body
    if not isinstance(body, _WEIGHED):
        msg = f"{arguments.uid} is a {body.kind}, whose mass cannot be edited: cancel and re-enter"
        raise EntryError(msg)
    method = arguments.method or (body.mass.method if body.mass else None)
    if method is None:
        msg = f"{arguments.uid} was not weighed before: say with --method how its mass was found"
        raise EntryError(msg)
    source = body.mass.source if body.mass and not arguments.method else "entered by hand"
    mass = _mass(arguments.mass_kg, MassMethod(method), source)
    return dataclasses.replace(
        next_one, action=Action.EDIT, body=dataclasses.replace(body, mass=mass)
    )


def _mass(mass_kg: float, method: MassMethod, source: str) -> Mass:
    try:
        mass_g = round(mass_kg * 1000)
    except (ValueError, OverflowError) as error:
        msg = f"--mass-kg {mass_kg} is no mass"
        raise EntryError(msg) from error
    return Mass(mass_g=mass_g, method=method, source=source)
