"""The line's outbox to the plant: what the line's store has and the plant's database has not.

The store is the outbox and the plant remembers how far each session has arrived, in the same
transaction as the items. So there is nothing to keep in between: after a crash, a power cut or a
week without network the sender asks where it stands and goes on from there, in order.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.errors import DatabaseUnavailableError, StoreError
from telemetry.plant.arrival import PlantDatabase, Standing
from telemetry.plant.batch import ITEM_TYPE, ItemBatch
from telemetry.plant.line_store import LineSession, LineStoreReader

_log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 1.0
LAST_RETRY_S: Final = 60.0
"""Back-off doubles from one to the other: a plant's server restarts in minutes, not in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one round came to.

    Attributes:
        items: that the plant had not had before.
        known: that it had.
        sessions: that were told of.
    """

    items: int = 0
    known: int = 0
    sessions: int = 0


class PlantSender:
    """Sends one line's items to the plant. Blocks on disk and network; one thread uses it.

    Args:
        source: the line's store.
        open_plant: connects to the plant's database; raises DatabaseUnavailableError while it
            cannot be reached. Called again after every failure.
        batch_items: sent in one transaction at most.
    """

    def __init__(
        self,
        *,
        source: LineStoreReader,
        open_plant: Callable[[], PlantDatabase],
        batch_items: int,
    ) -> None:
        self._source = source
        self._open_plant = open_plant
        self._batch_items = batch_items
        self._plant: PlantDatabase | None = None
        self._standings: dict[tuple[str, str], Standing] = {}

    def send(self) -> Sent:
        """Send everything that is there now.

        Raises:
            DatabaseUnavailableError: the plant cannot be reached; what had arrived stays, the rest
                is sent the next time.
            DatabaseError: the plant's database refuses this program.
            StoreError: the line's store cannot be read.
        """
        try:
            return self._send()
        except DatabaseUnavailableError:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect. Idempotent."""
        if self._plant is not None:
            self._plant.database.close()
            self._plant = None

    def run(self, wait: Callable[[float], bool], *, every_s: float) -> None:
        """Send until told to stop; go on after every outage.

        Args:
            wait: waits for so many seconds, returns True to stop.
            every_s: pause between looks.

        Raises:
            DatabaseError: the plant's database refuses this program; waiting does not help.
        """
        pause_s, failures = 0.0, 0
        while not wait(pause_s):
            try:
                sent = self.send()
            except (DatabaseUnavailableError, StoreError) as error:
                if not failures:
                    _log.warning("nothing reaches the plant, retrying: %s", error)
                pause_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures, 10))
                failures += 1
                continue
            if failures:
                _log.info("the plant is back after %d tries, %d items sent", failures, sent.items)
            pause_s, failures = every_s, 0
        self.close()

    def _send(self) -> Sent:
        plant = self._connected()
        sent = Sent()
        for session in self._source.sessions():
            key = (session.facts.line_id, session.facts.session_id)
            standing = self._standings.get(key)
            if standing is not None and _is_told(session, standing):
                continue
            before = (standing or Standing()).arrived_seq
            for batch in self._parts(session, before):
                arrival = plant.deliver(batch)
                before = arrival.arrived_seq
                sent = Sent(
                    items=sent.items + arrival.taken,
                    known=sent.known + arrival.known,
                    sessions=sent.sessions,
                )
            self._standings[key] = Standing(arrived_seq=before, ending=session.facts.ending)
            sent = Sent(items=sent.items, known=sent.known, sessions=sent.sessions + 1)
        return sent

    def _parts(self, session: LineSession, after_seq: int) -> Iterator[ItemBatch]:
        """Yield what has not arrived, then an empty batch that tells of the session itself."""
        yield from self._source.batches(session, after_seq=after_seq, limit=self._batch_items)
        yield ItemBatch(session=session.facts, bundle_id="", rows=np.zeros(0, ITEM_TYPE))

    def _connected(self) -> PlantDatabase:
        if self._plant is None:
            self._plant = self._open_plant()
            self._standings = self._plant.standings()
        return self._plant


def _is_told(session: LineSession, standing: Standing) -> bool:
    return standing.ending == session.facts.ending and standing.arrived_seq >= session.last_seq
