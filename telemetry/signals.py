"""The line's signals in the telemetry process: alarms, states, effectiveness, kept on disk.

What a page calls, all in the event loop:

- `signals.desk`: the alarm list and its requests (`telemetry.alarms.desk`);
- `signals.book.running`: what the line does now and since when;
- `await signals.stretches(start, end)`, `signals.oee(start, end)`, `signals.pareto(start, end)`;
- `signals.reasons`: the one-tap downtime reasons, `reasons[code].kk`;
- `await signals.enter_reason(stretch_id, reason=code, operator=name)`: one tap;
- `await signals.alarm_events(start, end, limit)`: the journal.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from calibration.clock import Clock
from controller.snapshot import AlarmKind
from telemetry.alarms.desk import AlarmDesk
from telemetry.alarms.rises import KEPT
from telemetry.alarms.types import AlarmEvent, DeskChange
from telemetry.effectiveness.figures import effectiveness, pareto
from telemetry.effectiveness.reasons import Reasons, shipped_reasons
from telemetry.effectiveness.state_book import StateBook
from telemetry.effectiveness.types import (
    DowntimeRefusedError,
    Effectiveness,
    ParetoRow,
    Stretch,
)
from telemetry.errors import StoreUnavailableError
from telemetry.hub import LineHub
from telemetry.production_reader import SessionProduction
from telemetry.recorder import Recorder
from telemetry.signal_store import SignalStore
from telemetry.wall import UtcMapper, utc_now

_log = logging.getLogger(__name__)

WATCH_S: Final = 0.25
COUNT_EVERY_S: Final = 5.0
"""How far the figures of production may lag behind."""
NOTE_CHARACTERS: Final = 200

_Answer = TypeVar("_Answer")


class Signals:
    """Alarms, states and effectiveness of one line. Runs in the event loop; disk in one thread.

    Args:
        hub: the line as telemetry sees it; its alarm desk is taken over.
        recorder: whose store items are counted from.
        store: used by this object alone from now on.
        clock: for durations.
        utc: for wall times.
        rated_t_per_h: throughput that performance is measured by, None if the plant named none.
        reasons: the plant's downtime reasons.
    """

    def __init__(
        self,
        *,
        hub: LineHub,
        recorder: Recorder,
        store: SignalStore,
        clock: Clock,
        utc: UtcMapper,
        rated_t_per_h: float | None = None,
        reasons: Reasons | None = None,
    ) -> None:
        self._hub, self._recorder, self._store = hub, recorder, store
        self._clock = clock
        self._rated_t_per_h = rated_t_per_h
        self.reasons = shipped_reasons() if reasons is None else reasons
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signals")
        store.close_open_stretches()
        self.desk = AlarmDesk(
            utc=utc, entries=store.alarm_entries(), rises=store.rises_since(utc_now() - KEPT)
        )
        hub.take_desk(self.desk)
        self.book = StateBook(clock=clock, utc=utc)
        self._unwritten: list[DeskChange] = []
        self.last_day: Effectiveness | None = None
        """OEE of the last 24 hours, as of a few seconds ago; None at first."""
        self.trouble = ""
        """Why signals cannot be written just now, empty if they can."""

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the line until `stop` is set, then write what is left and release the store."""
        counted_s = 0.0
        try:
            while not stop.is_set():
                self.observe()
                await self.flush()
                counted_s += WATCH_S
                if counted_s >= COUNT_EVERY_S:
                    counted_s = 0.0
                    await self.count()
                    self.last_day = await self.today()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), WATCH_S)
            self.book.close()
            await self.flush()
        finally:
            self._executor.shutdown()
            self._store.close()

    def observe(self) -> None:
        """Take in how the line stands now."""
        hub = self._hub
        self.desk.observe(hub.alarms)
        self.book.observe(hub.snapshot if hub.answering else None, first_out=self._first_out)

    async def flush(self) -> None:
        """Write what has happened; keep it for the next time where that fails."""
        change = self.desk.take_change()
        if change is not None:
            self._unwritten.append(change)
        stretches = self.book.take_changes()
        if not self._unwritten and not stretches:
            return
        merged = _merged(self._unwritten)
        try:
            await self._do(lambda store: store.write(merged, stretches))
        except StoreUnavailableError as error:
            self.book.put_back(stretches)
            self._say(str(error))
            return
        self._unwritten.clear()
        self._say("")

    async def count(self) -> None:
        """Count the items that were stored since the last time."""
        marks = await self._do(lambda store: store.production_marks())
        try:
            counted = await self._recorder.read(lambda store: store.production_after(marks))
            for part in counted:
                await self._do(partial(_add_production, part))
        except StoreUnavailableError as error:
            self._say(str(error))

    async def stretches(self, start: datetime, end: datetime) -> tuple[Stretch, ...]:
        """Return what the line did in a period, oldest first, the running stretch included."""
        await self.flush()
        kept = await self._do(lambda store: store.stretches(start=start, end=end))
        running = self.book.running
        return tuple(_at_present(stretch, running) for stretch in kept)

    async def oee(self, start: datetime, end: datetime) -> Effectiveness:
        """Return OEE and its parts for a period; one that is not over ends at the present."""
        end = max(start, min(end, utc_now()))
        stretches = await self.stretches(start, end)
        production = await self._do(lambda store: store.production(start=start, end=end))
        return effectiveness(
            stretches,
            production,
            start=start,
            end=end,
            rated_t_per_h=self._rated_t_per_h,
            reasons=self.reasons,
        )

    async def pareto(self, start: datetime, end: datetime) -> tuple[ParetoRow, ...]:
        """Return lost time by cause, largest first."""
        stretches = await self.stretches(start, end)
        return pareto(stretches, start=start, end=end, reasons=self.reasons)

    async def enter_reason(
        self, stretch_id: int, *, reason: str, operator: str, note: str = ""
    ) -> Stretch:
        """Give a stop or a starved stretch its reason; a later entry replaces an earlier one.

        Raises:
            DowntimeRefusedError: no such reason, no such stretch, or one that produced.
            StoreUnavailableError: it cannot be written just now.
        """
        if reason not in self.reasons:
            known = ", ".join(self.reasons)
            raise DowntimeRefusedError(f"no downtime reason {reason!r}; there are: {known}")
        await self.flush()
        note = note.strip()[:NOTE_CHARACTERS]
        found = await self._do(
            lambda store: store.enter_reason(
                stretch_id, reason=reason, operator=operator, at=utc_now(), note=note
            )
        )
        if found is None:
            raise DowntimeRefusedError(f"no stop or starved stretch {stretch_id}")
        return found

    async def alarm_events(
        self, start: datetime, end: datetime, limit: int = 1000
    ) -> tuple[AlarmEvent, ...]:
        """Return the alarm journal of a period, newest first."""
        await self.flush()
        return await self._do(lambda store: store.alarm_events(start=start, end=end, limit=limit))

    async def today(self) -> Effectiveness:
        """Return OEE of the last 24 hours."""
        now = utc_now()
        return await self.oee(now - timedelta(hours=24), now)

    def _first_out(self) -> AlarmKind | None:
        return next((e.kind for e in self.desk.entries() if e.first_out and e.active), None)

    async def _do(self, work: Callable[[SignalStore], _Answer]) -> _Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, work, self._store)

    def _say(self, trouble: str) -> None:
        if trouble and not self.trouble:
            _log.error("%s; keeping signals and retrying", trouble)
        elif self.trouble and not trouble:
            _log.info("signals are written again")
        self.trouble = trouble


def _at_present(stretch: Stretch, running: Stretch | None) -> Stretch:
    """Bring the running stretch, which is written down now and then, up to the present."""
    if running is None or running.stretch_id != stretch.stretch_id:
        return stretch
    return replace(stretch, duration_s=running.duration_s)


def _add_production(part: SessionProduction, store: SignalStore) -> None:
    store.add_production(part)


def _merged(changes: list[DeskChange]) -> DeskChange | None:
    """Put changes that wait into one; of each alarm the newest standing counts."""
    if not changes:
        return None
    entries = {}
    for change in changes:
        entries.update(dict.fromkeys(change.normal))
        entries.update({entry.kind: entry for entry in change.entries})
    return DeskChange(
        events=tuple(event for change in changes for event in change.events),
        entries=tuple(entry for entry in entries.values() if entry is not None),
        normal=tuple(kind for kind, entry in entries.items() if entry is None),
    )
