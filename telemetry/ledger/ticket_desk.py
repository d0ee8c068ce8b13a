"""Enters weighbridge tickets one by one: checked first, entered once, whoever asks.

Pages, commands and programs use it alike; it knows of no web framework. A ticket passes the same
checks as a line of a scale program's CSV file.
"""

from dataclasses import dataclass
from typing import Final

from telemetry.ledger.chain import entry_of, same_bytes
from telemetry.ledger.entries import Entry
from telemetry.ledger.errors import EntryError
from telemetry.ledger.handling import Deed, Handling
from telemetry.ledger.rules import problems_of
from telemetry.ledger.store import Ledger
from telemetry.ledger.weighbridge import TicketForm, entry_from, with_openings
from telemetry.wall import WallClock

MOST_CHARACTERS: Final = 100
"""Of any field: what is printed on a ticket is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketCheck:
    """What a look at a ticket found.

    Attributes:
        entry: as it would be booked; None if it cannot be.
        problems: everything that is wrong, in words; empty if it may be entered.
        known: it stands in the ledger with the same content: entering it again does nothing.
    """

    entry: Entry | None
    problems: tuple[str, ...]
    known: bool = False


class TicketDesk:
    """Checks and enters tickets of one plant. Any thread; blocks on the database.

    Args:
        ledger: of the plant.
        now: the wall clock.
    """

    def __init__(self, ledger: Ledger, *, now: WallClock) -> None:
        self._ledger = ledger
        self._now = now

    def check(self, form: TicketForm, *, by: str) -> TicketCheck:
        """Say what is wrong with a ticket, without entering it.

        Args:
            form: the ticket.
            by: who enters it.

        Raises:
            DatabaseError: the ledger cannot be read.
        """
        accounts = self._ledger.accounts
        problems = [*_form_problems(form), *_name_problems(by)]
        try:
            entry = entry_from(form, accounts)
        except EntryError as error:
            return TicketCheck(entry=None, problems=(str(error), *problems))
        codes, calendar = accounts.codes, accounts.calendar
        problems += problems_of(entry, now=self._now(), codes=codes, calendar=calendar)
        history = [entry_of(row) for row in self._ledger.history(entry.uid)]
        known = bool(history) and same_bytes(history[0], entry)
        if history and not known:
            problems.append(
                f"ticket {form.ticket.strip()} is booked with other content; to correct it: "
                f"run_line.py ledger edit LINE.toml --uid {entry.uid} --mass-kg KG --reason WHY"
            )
        elif len(history) > 1:
            problems.append(f"ticket {form.ticket.strip()} was corrected or cancelled since")
        return TicketCheck(entry=entry, problems=tuple(problems), known=known)

    def enter(self, form: TicketForm, *, by: str) -> TicketCheck:
        """Enter a ticket with who did it; the same ticket again does nothing.

        Args:
            form: the ticket.
            by: who enters it; the first who did is kept.

        Returns:
            What the check found; the ticket is on disk if it has no problems.

        Raises:
            EntryError: another process booked the ticket otherwise in between.
            DatabaseError: the ledger cannot be written.
        """
        found = self.check(form, by=by)
        if found.problems or found.entry is None or found.known:
            return found
        entry = found.entry
        body = Handling(about=entry.uid, did=Deed.TICKET_ENTERED, by=by.strip())
        deed = Entry(uid=f"handling:{entry.uid}", at=self._now(), body=body)
        self._ledger.append([*with_openings([entry], self._ledger.accounts), deed])
        return found


def _form_problems(form: TicketForm) -> list[str]:
    fields = {name: getattr(form, name) for name in TicketForm.__dataclass_fields__}
    return [
        f"{name} has {len(text)} characters, {MOST_CHARACTERS} are the most"
        for name, text in fields.items()
        if len(text) > MOST_CHARACTERS
    ]


def _name_problems(by: str) -> list[str]:
    return [] if 0 < len(by.strip()) <= MOST_CHARACTERS else ["say who enters the ticket"]
