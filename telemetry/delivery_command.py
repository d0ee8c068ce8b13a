"""The `delivery` command: reports on their way to their receivers, and those that were refused.

Exit codes: 0 done, or nothing is dead; 1 `show` found dead parcels; 2 the arguments, the line file
or the database cannot be used.
"""

import argparse
import getpass
import json
from pathlib import Path

from rich.console import Console

from telemetry.delivery.decisions import DeliveryDesk
from telemetry.delivery.queue import DeliveryQueue, ParcelStanding, ParcelState
from telemetry.ledger.opening import read_accounts
from telemetry.ledger.plant_database import plant_database
from telemetry.ledger.store import Ledger
from telemetry.terminal import tell
from telemetry.wall import utc_now

EXIT_OK, EXIT_DEAD = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="list parcels: dead and waiting ones first")
    show.add_argument("--dead", action="store_true", help="only those that were refused")
    show.add_argument("--json", action="store_true", help="print for a machine")
    revive = actions.add_parser("revive", help="try a dead parcel again")
    which = revive.add_mutually_exclusive_group(required=True)
    which.add_argument("--parcel", type=int, metavar="NUMBER", help="as `show` prints it")
    which.add_argument("--all", action="store_true", help="every dead one")
    drop = actions.add_parser("drop", help="give a dead parcel up; later revisions are sent")
    drop.add_argument("--parcel", type=int, required=True, metavar="NUMBER")
    drop.add_argument("--reason", required=True, help="kept in the ledger")
    for deciding in (revive, drop):
        deciding.add_argument(
            "--by",
            default=getpass.getuser(),
            help="who decides; kept in the ledger (default: %(default)s)",
        )
    for action in actions.choices.values():
        action.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command; return its exit code.

    Raises:
        DeliveryError: the parcel is not dead.
    """
    accounts = read_accounts(arguments.line)
    with plant_database(accounts) as database:
        queue = DeliveryQueue(database)
        if arguments.action == "show":
            return _show(queue, console, only_dead=arguments.dead, as_json=arguments.json)
        desk = DeliveryDesk(database, Ledger(database, accounts, now=utc_now), now=utc_now)
        if arguments.action == "drop":
            desk.drop(arguments.parcel, by=arguments.by, reason=arguments.reason)
            console.print(f"parcel {arguments.parcel} given up; the ledger keeps who and why")
            return EXIT_OK
        chosen = _dead(queue) if arguments.all else [arguments.parcel]
        for number in chosen:
            desk.retry(number, by=arguments.by)
        told = "; the running telemetry tries them again at once" if chosen else ""
        console.print(f"{len(chosen)} revived{told}")
    return EXIT_OK


def _show(queue: DeliveryQueue, console: Console, *, only_dead: bool, as_json: bool) -> int:
    dead = queue.dead()
    for parcel in queue.standing():
        if only_dead and parcel.state is not ParcelState.DEAD:
            continue
        tell(json.dumps(_values(parcel)) if as_json else _words(parcel))
    if not as_json:
        console.print(f"{dead} dead" if dead else "no parcel is dead")
    return EXIT_DEAD if dead else EXIT_OK


def _values(parcel: ParcelStanding) -> dict[str, str | int | bool]:
    return {
        "parcel_id": parcel.parcel_id,
        "destination": parcel.destination,
        "facility": parcel.facility,
        "key": parcel.key,
        "state": parcel.state.value,
        "attempts": parcel.attempts,
        "queued_at": parcel.queued_at.isoformat(),
        "due_at": parcel.due_at.isoformat(),
        "last_error": parcel.last_error,
        "held": parcel.held,
        "receipt": parcel.receipt,
    }


def _words(parcel: ParcelStanding) -> str:
    state = "held" if parcel.held else parcel.state.value
    said = parcel.last_error or parcel.receipt
    where = f"{parcel.parcel_id:>6}  {state:<9} {parcel.destination}  {parcel.key}"
    return f"{where}  {parcel.attempts} tries  {said}".rstrip()


def _dead(queue: DeliveryQueue) -> list[int]:
    found = queue.standing(limit=queue.dead(), only=ParcelState.DEAD)
    return sorted(parcel.parcel_id for parcel in found)
