"""Keeps a plant's accounts beside its line: books, reads instruments, delivers reports.

Runs in a thread of the telemetry process. Nothing it does can hold up records or the page; what
fails is told once and tried again.
"""

import logging
import random
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

from calibration.clock import Clock
from telemetry.clerk_status import ClerkStatus
from telemetry.delivery.decisions import DeliveryDesk
from telemetry.delivery.dispatcher import Dispatcher
from telemetry.delivery.queue import DeliveryQueue, ParcelStanding
from telemetry.delivery.transports.making import make_transports
from telemetry.errors import TelemetryError
from telemetry.ledger.instrument_watch import InstrumentWatch
from telemetry.ledger.line_items import LineItems
from telemetry.ledger.line_posting import LinePosting
from telemetry.ledger.plant_database import plant_database
from telemetry.ledger.plant_line import PlantLine
from telemetry.ledger.rules import EARLIEST
from telemetry.ledger.stock import STOCK_KINDS
from telemetry.ledger.storage import storage_alarm
from telemetry.ledger.store import Ledger
from telemetry.ledger.ticket_desk import TicketCheck, TicketDesk
from telemetry.ledger.weighbridge import TicketForm
from telemetry.wall import WallClock, utc_now

_log = logging.getLogger(__name__)

STEP_S: Final = 5.0
POST_EVERY: Final = timedelta(minutes=1)
STORAGE_EVERY: Final = timedelta(hours=1)
"""Time of storage counts in days; a dispatch that was entered ends its alarm within the hour."""
_PARCELS_A_STEP: Final = 20


class Clerk:
    """Does the accounts of one plant, step by step. Used by one thread.

    Args:
        line: the plant's section, and where its line keeps items.
        clock: monotonic, for the wires.
        now: the wall clock.

    Raises:
        TelemetryError: the plant's database cannot be used, or is another plant's.
    """

    def __init__(self, line: PlantLine, clock: Clock, *, now: WallClock = utc_now) -> None:
        self._now = now
        with ExitStack() as stack:
            accounts = line.accounts
            self._database = stack.enter_context(plant_database(accounts))
            self._ledger = ledger = Ledger(self._database, accounts, now=now)
            items = LineItems(line.store_path, line.line_id, accounts.calendar)
            weighs = accounts.weighbridge or accounts.belt_scale is not None
            self._posting = LinePosting(
                ledger,
                items,
                line_id=line.line_id,
                weighs_input=weighs,
                mass_model=line.mass_model,
            )
            self._watch = InstrumentWatch(ledger, clock)
            stack.callback(self._watch.close)
            self._queue = DeliveryQueue(self._database)
            self._tickets = TicketDesk(ledger, now=now)
            self._decisions = DeliveryDesk(self._database, ledger, now=now)
            self._dispatcher = Dispatcher(
                self._queue,
                make_transports(accounts.deliveries),
                now=now,
                chance=random.Random(),  # noqa: S311 - spreads retries, keeps no secret
            )
            self._resources = stack.pop_all()
        self._has_instruments = accounts.belt_scale is not None or accounts.air is not None
        self._posted_at: datetime | None = None
        self._judged_at: datetime | None = None
        self._storage = ""
        self.status = ClerkStatus()

    def step(self) -> None:
        """Do what is due; trouble goes into the status."""
        trouble = ""
        for work in (self._instruments, self._post, self._judge_storage, self._deliver):
            try:
                work()
            except TelemetryError as error:
                trouble = str(error)
        if trouble and trouble != self.status.trouble:
            _log.warning("accounts: %s", trouble)
        self.status = ClerkStatus(
            trouble=trouble,
            dead=self._dead(),
            instruments=self._watch.alarms,
            storage=self._storage,
        )

    def parcels(self) -> tuple[ParcelStanding, ...]:
        """Return the delivery queue for the page. Any thread may call it.

        Raises:
            DatabaseError: it cannot be read just now.
        """
        return self._queue.standing()

    def check_ticket(self, form: TicketForm, by: str) -> TicketCheck:
        """Say what is wrong with a weighbridge ticket. Any thread may call it.

        Raises:
            DatabaseError: the ledger cannot be read just now.
        """
        return self._tickets.check(form, by=by)

    def enter_ticket(self, form: TicketForm, by: str) -> TicketCheck:
        """Enter a weighbridge ticket; the same again does nothing. Any thread may call it.

        Raises:
            TelemetryError: it cannot be written just now.
        """
        return self._tickets.enter(form, by=by)

    def retry(self, parcel_id: int, by: str) -> None:
        """Try a dead parcel again and book who wanted it. Any thread may call it.

        Raises:
            DeliveryError: it is not dead, or nobody is named.
        """
        self._decisions.retry(parcel_id, by=by)

    def drop(self, parcel_id: int, by: str, reason: str) -> None:
        """Give a dead parcel up and book who did and why. Any thread may call it.

        Raises:
            DeliveryError: it is not dead, or nobody or no reason is named.
        """
        self._decisions.drop(parcel_id, by=by, reason=reason)

    def close(self) -> None:
        """Book what was read last and release everything. Idempotent."""
        try:
            self._watch.book(self._now())
            self._posting.post(self._now())
        except TelemetryError as error:
            _log.warning("accounts: %s", error)
        self._resources.close()

    def _instruments(self) -> None:
        if self._has_instruments:
            self._watch.poll(self._now())

    def _post(self) -> None:
        now = self._now()
        if _due(self._posted_at, now, POST_EVERY):
            self._posting.post(now)
            self._posted_at = now

    def _judge_storage(self) -> None:
        now = self._now()
        if _due(self._judged_at, now, STORAGE_EVERY):
            accounts = self._ledger.accounts
            today = accounts.calendar.local(now).date()
            history = self._ledger.standing(EARLIEST, today, kinds=STOCK_KINDS)
            self._storage = storage_alarm(history, accounts, today)
            self._judged_at = now

    def _deliver(self) -> None:
        for _ in range(_PARCELS_A_STEP):
            if not self._dispatcher.step():
                return

    def _dead(self) -> int:
        try:
            return self._queue.dead()
        except TelemetryError:
            return self.status.dead


def _due(last: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether it is time again; a clock that was set back makes it so."""
    return last is None or not timedelta(0) <= now - last < every


def keep_accounts(
    line: PlantLine, clock: Clock, stop: threading.Event, ready: Callable[[Clerk], None]
) -> None:
    """Run a clerk until told to stop; one that cannot begin says why and is tried again."""
    told = ""
    while not stop.is_set():
        try:
            clerk = Clerk(line, clock)
        except TelemetryError as error:
            if str(error) != told:
                told = str(error)
                _log.error("accounts cannot be kept: %s", error)
            clock.wait(stop, STEP_S)
            continue
        ready(clerk)
        while not clock.wait(stop, STEP_S):
            clerk.step()
        clerk.close()
