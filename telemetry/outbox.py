"""Records on their way to telemetry: bounded, in order, kept until acknowledged."""

import threading
from collections import deque

from controller.types import ItemRecord, Totals


class RecordOutbox:
    """Queue of records that telemetry has not yet confirmed to be on disk.

    Any thread may call any method; none blocks. Full means that the newest record is dropped and
    counted: its outcome stays in the running totals of the next one.

    Args:
        capacity: records kept, sent ones included.
        window: records that may be sent without acknowledgement, which bounds what the telemetry
            process must hold when its disk is full.
    """

    def __init__(self, *, capacity: int, window: int) -> None:
        self._capacity = capacity
        self._window = window
        self._lock = threading.Lock()
        self._sent: deque[ItemRecord] = deque()
        self._unsent: deque[ItemRecord] = deque()
        self._dropped = 0
        self._last_totals: Totals | None = None

    @property
    def dropped(self) -> int:
        """Records refused because the queue was full."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """Records not yet acknowledged."""
        with self._lock:
            return len(self._sent) + len(self._unsent)

    @property
    def last_totals(self) -> Totals | None:
        """Running totals of the newest record offered, dropped ones included."""
        return self._last_totals

    def offer(self, record: ItemRecord) -> bool:
        """Queue a record. Returns False if it was dropped."""
        with self._lock:
            self._last_totals = record.totals
            if len(self._sent) + len(self._unsent) >= self._capacity:
                self._dropped += 1
                return False
            self._unsent.append(record)
            return True

    def take(self, limit: int) -> tuple[ItemRecord, ...]:
        """Return up to `limit` records to send now and mark them sent."""
        with self._lock:
            count = min(limit, len(self._unsent), self._window - len(self._sent))
            batch = tuple(self._unsent.popleft() for _ in range(count))
            self._sent.extend(batch)
            return batch

    def acknowledge(self, record_seq: int) -> None:
        """Forget records up to and including `record_seq`; they are on disk."""
        with self._lock:
            for queue in (self._sent, self._unsent):
                while queue and queue[0].record_seq <= record_seq:
                    queue.popleft()

    def rewind(self) -> None:
        """After a lost connection: what was sent and not acknowledged is to be sent again."""
        with self._lock:
            self._unsent.extendleft(reversed(self._sent))
            self._sent.clear()
