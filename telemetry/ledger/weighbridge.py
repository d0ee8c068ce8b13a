"""Weighbridge tickets as ledger entries: from a form's fields, or from a scale program's CSV file.

CSV: a heading line, then one ticket a line; comma or semicolon between, decimal point or comma.
Columns: ticket, weighed_at, gross_kg, tare_kg, and where they are known net_kg, code, supplier,
vehicle, batch, direction (in, out), operation, destination.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from telemetry.codes.table import CodeError, parse_code
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.csv_rows import csv_rows
from telemetry.ledger.entries import Dispatch, Entry, Mass, MassMethod, Operation, Received
from telemetry.ledger.errors import EntryError
from telemetry.ledger.store import opening

_NEEDED: Final = ("ticket", "weighed_at", "gross_kg", "tare_kg")
_KNOWN: Final = (
    *_NEEDED,
    *("net_kg", "code", "supplier", "vehicle", "batch", "direction", "operation", "destination"),
)
_G_PER_KG: Final = 1000
_NET_TOLERANCE_G: Final = 1000
"""A scale program rounds net, gross and tare apart: they may disagree by one kilogram."""
_NUMBER: Final = re.compile(r"^-?\d+(?:[.,]\d+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketForm:
    """One ticket as a person or a scale program gives it, everything as text.

    Attributes:
        ticket: number on the ticket; with it the ticket is entered once.
        weighed_at: local time of the plant, or with an offset.
        gross_kg: lorry with load.
        tare_kg: lorry alone.
        net_kg: as printed, compared; empty if not printed.
        code: waste code, empty for the plant's usual one.
        supplier: who brought it.
        vehicle: registration number.
        batch: lot, empty for the ticket's number.
        direction: in or out.
        operation: for what leaves: recycling, landfill, ...
        destination: for what leaves: to whom.
    """

    ticket: str
    weighed_at: str
    gross_kg: str
    tare_kg: str
    net_kg: str = ""
    code: str = ""
    supplier: str = ""
    vehicle: str = ""
    batch: str = ""
    direction: str = "in"
    operation: str = ""
    destination: str = ""


def entry_from(form: TicketForm, accounts: AccountsConfig) -> Entry:
    """Return the ledger entry of a ticket.

    Raises:
        EntryError: with everything that is wrong with the ticket.
    """
    problems: list[str] = []
    at = local_time(form.weighed_at, accounts, problems)
    net_g = _net_g(form, problems)
    code = _code(form, accounts, problems)
    operation = _operation(form, problems)
    if not form.ticket.strip():
        problems.append("the ticket has no number")
    if problems or at is None:
        raise EntryError(f"ticket {form.ticket!r}: {'; '.join(problems)}")
    mass = Mass(mass_g=net_g, method=MassMethod.WEIGHBRIDGE, source=f"ticket {form.ticket}")
    body: Received | Dispatch
    if operation is None:
        body = Received(code=code, mass=mass, supplier=form.supplier, vehicle=form.vehicle)
    else:
        body = Dispatch(
            code=code,
            mass=mass,
            operation=operation,
            destination=form.destination,
            ticket=form.ticket,
        )
    return Entry(
        uid=f"weighbridge:{form.ticket.strip()}",
        at=at,
        shift=accounts.calendar.at(at).shift_id,
        batch=form.batch or form.ticket.strip(),
        body=body,
    )


def with_openings(entries: Sequence[Entry], accounts: AccountsConfig) -> tuple[Entry, ...]:
    """Return the entries, each shift's opening before them; repeating an opening does nothing."""
    shifts = {entry.shift: accounts.calendar.find(entry.shift) for entry in entries if entry.shift}
    begun = sorted(shifts.values(), key=lambda shift: shift.start)
    return (*(opening(shift) for shift in begun), *entries)


def read_tickets(path: Path, accounts: AccountsConfig) -> tuple[Entry, ...]:
    """Return the entries of a CSV file.

    Raises:
        EntryError: with every problem, by line number; then no ticket of the file may be entered.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    for number, row in csv_rows(path, needed=_NEEDED, known=_KNOWN):
        try:
            entries.append(entry_from(_form(row), accounts))
        except EntryError as error:
            problems.append(f"line {number}: {error}")
    numbers = [entry.uid for entry in entries]
    twice = sorted({uid for uid in numbers if numbers.count(uid) > 1})
    problems += [f"{uid} stands twice" for uid in twice]
    if problems:
        raise EntryError(f"{path}: " + "\n".join(problems))
    return tuple(entries)


def _form(row: Mapping[str, str]) -> TicketForm:
    return TicketForm(**(dict(row) | {"direction": row.get("direction") or "in"}))


def local_time(text: str, accounts: AccountsConfig, problems: list[str]) -> datetime | None:
    """Return a written time with the plant's offset; what is wrong is added to the problems."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        problems.append(f"time {text!r} is not like 2026-10-05 14:30 or 2026-10-05T14:30:00+05:00")
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=accounts.calendar.zone)
    return accounts.calendar.local(at)


def grams(name: str, text: str, problems: list[str]) -> int:
    """Return written kilograms as grams; what is wrong is added to the problems."""
    if not _NUMBER.match(text.replace(" ", "").replace("\u00a0", "")):
        problems.append(f"{name} {text!r} is not a number of kilograms")
        return 0
    return round(float(text.replace(" ", "").replace("\u00a0", "").replace(",", ".")) * _G_PER_KG)


def _net_g(form: TicketForm, problems: list[str]) -> int:
    before = len(problems)
    gross_g = grams("gross_kg", form.gross_kg, problems)
    tare_g = grams("tare_kg", form.tare_kg, problems)
    net_g = gross_g - tare_g
    if len(problems) == before and (tare_g < 0 or net_g <= 0):
        problems.append(f"gross {form.gross_kg} kg and tare {form.tare_kg} kg leave no load")
    if form.net_kg and abs(grams("net_kg", form.net_kg, problems) - net_g) > _NET_TOLERANCE_G:
        problems.append(f"net {form.net_kg} kg is not gross less tare, {net_g / _G_PER_KG:g} kg")
    return net_g


def _code(form: TicketForm, accounts: AccountsConfig, problems: list[str]) -> str:
    if not form.code and form.direction == "out":
        problems.append("what leaves needs its waste code")
        return ""
    try:
        return parse_code(form.code or accounts.codes.received)
    except CodeError as error:
        problems.append(str(error))
        return ""


def _operation(form: TicketForm, problems: list[str]) -> Operation | None:
    if form.direction == "in":
        return None
    if form.direction != "out":
        problems.append(f"direction {form.direction!r} is neither in nor out")
        return None
    try:
        return Operation(form.operation)
    except ValueError:
        known = ", ".join(operation.value for operation in Operation)
        problems.append(f"operation {form.operation!r} is none of {known}")
        return None
