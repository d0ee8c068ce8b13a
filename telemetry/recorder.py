"""Brings entries to the store in batches, off the event loop; keeps them when the disk is full."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from telemetry.balance import SessionAccount
from telemetry.errors import StoreUnavailableError
from telemetry.store import ItemStore
from telemetry.store_writer import StoreEntry, TotalsReported, WriteResult

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

FLUSH_S = 0.2
"""Five commits a second: what a power cut can take back is at most this old, and unacknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """How writing goes.

    Attributes:
        available: the last write succeeded.
        detail: why it did not, empty otherwise.
        waiting: entries not yet on disk.
        rows: records stored since this process started.
        duplicates: records ignored because they were stored before.
        refused: entries for sessions unknown or closed.
        gap_items: items booked as gaps.
        failures: writes that failed and were rolled back.
        account: books of the session last written to.
    """

    available: bool = True
    detail: str = ""
    waiting: int = 0
    rows: int = 0
    duplicates: int = 0
    refused: int = 0
    gap_items: int = 0
    failures: int = 0
    account: SessionAccount | None = None


class Recorder:
    """Queue in front of the store. All methods run in the event loop; disk work in one thread.

    Args:
        store: used by this recorder alone.
        on_written: called in the event loop with the result of each successful write.
    """

    def __init__(self, *, store: ItemStore, on_written: Callable[[WriteResult], None]) -> None:
        self._store = store
        self._on_written = on_written
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._entries: list[StoreEntry] = []
        self._reported: TotalsReported | None = None
        self._last_reported: TotalsReported | None = None
        self._status = StoreStatus()

    @property
    def status(self) -> StoreStatus:
        """How writing goes."""
        return replace(self._status, waiting=len(self._entries))

    @property
    def waiting(self) -> int:
        """Entries not yet on disk."""
        return len(self._entries)

    def queue(self, entry: StoreEntry) -> None:
        """Have an entry written with the next batch, after all queued before it."""
        self._entries.append(entry)

    def report_totals(self, reported: TotalsReported) -> None:
        """Have the newest totals written with the next batch if they changed."""
        self._reported = reported

    async def read(self, query: Callable[[ItemStore], Answer]) -> Answer:
        """Run a query on the store in its thread and return the answer."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, query, self._store)

    async def run(self, stop: asyncio.Event) -> None:
        """Write until `stop` is set, then write what is left and release the store.

        Raises:
            StoreError: the store is damaged; nothing more can be kept.
        """
        try:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), FLUSH_S)
                await self.flush()
        finally:
            self._executor.shutdown()
            self._store.close()
        if self._entries:
            _log.error("%d entries could not be written before the end", len(self._entries))

    async def flush(self) -> None:
        """Write everything queued in one transaction; on failure keep it for the next time.

        Raises:
            StoreError: the store is damaged.
        """
        batch = tuple(self._entries)
        reported = self._reported if self._reported != self._last_reported else None
        entries = batch if reported is None else (*batch, reported)
        if not entries:
            return
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._executor, self._store.write, entries)
        except StoreUnavailableError as error:
            self._failed(error)
            return
        del self._entries[: len(batch)]
        self._last_reported = reported or self._last_reported
        self._succeeded(result)

    def _failed(self, error: StoreUnavailableError) -> None:
        if self._status.available:
            _log.error("%s; keeping records and retrying", error)
        self._status = replace(
            self._status,
            available=False,
            detail=str(error),
            failures=self._status.failures + 1,
        )

    def _succeeded(self, result: WriteResult) -> None:
        before = self._status
        if not before.available:
            _log.info("store takes writes again after %d failures", before.failures)
        self._status = replace(
            before,
            available=True,
            detail="",
            rows=before.rows + result.rows,
            duplicates=before.duplicates + result.duplicates,
            refused=before.refused + result.refused,
            gap_items=before.gap_items + result.gap_items,
            account=result.account or before.account,
        )
        self._on_written(result)
