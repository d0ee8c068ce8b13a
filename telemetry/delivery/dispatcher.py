"""Takes parcels from the queue, sends them, and decides what follows from the answer."""

import logging
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from telemetry.delivery.ports import (
    DeliveryRefusedError,
    DeliveryRetryError,
    Parcel,
    Transport,
)
from telemetry.delivery.queue import LONGEST_WAIT, DeliveryQueue
from telemetry.wall import WallClock

_log = logging.getLogger(__name__)

FIRST_WAIT: Final = timedelta(seconds=5)
MOST_BACK_OFF: Final = timedelta(minutes=15)
"""A receiver that is back is noticed within this time."""
_LEAST_SHARE: Final = 0.5
"""Of the back-off, the rest is chance: many plants must not return at one instant."""
_DOUBLINGS: Final = 10


def back_off(attempts: int, chance: random.Random) -> timedelta:
    """Return how long to wait after so many failed tries."""
    doubled: timedelta = FIRST_WAIT * float(2 ** min(attempts, _DOUBLINGS))
    return min(MOST_BACK_OFF, doubled) * chance.uniform(_LEAST_SHARE, 1.0)


class Dispatcher:
    """Works on the queue, one parcel a step. Used by one thread.

    Args:
        queue: of the plant.
        transports: by name of the receiver.
        now: the wall clock.
        chance: for the back-off.
    """

    def __init__(
        self,
        queue: DeliveryQueue,
        transports: Mapping[str, Transport],
        *,
        now: WallClock,
        chance: random.Random,
    ) -> None:
        self._queue = queue
        self._transports = dict(transports)
        self._now = now
        self._chance = chance
        self._failing: set[str] = set()

    def step(self) -> bool:
        """Send the next parcel that is due; return whether there was one.

        Raises:
            DatabaseUnavailableError: the queue cannot be read or written; nothing is lost.
        """
        parcel = self._queue.take(tuple(self._transports), self._now())
        if parcel is None:
            return False
        try:
            receipt = self._transports[parcel.destination].send(parcel)
        except DeliveryRetryError as error:
            self._tell_edge(parcel, str(error))
            self._queue.retry(parcel, str(error), due_at=self._due_at(parcel, error.wait))
        except DeliveryRefusedError as error:
            _log.error("%s refused %s: %s", parcel.destination, parcel.key, error)
            self._queue.bury(parcel, str(error))
        else:
            if parcel.destination in self._failing:
                self._failing.remove(parcel.destination)
                _log.info("%s takes reports again", parcel.destination)
            self._queue.delivered(parcel, receipt, self._now())
        return True

    def drain(self) -> int:
        """Step until nothing is due; return how many parcels were handled."""
        count = 0
        while self.step():
            count += 1
        return count

    def _due_at(self, parcel: Parcel, wait: timedelta | None) -> datetime:
        own = back_off(parcel.attempts, self._chance)
        return self._now() + (own if wait is None else min(LONGEST_WAIT, max(own, wait)))

    def _tell_edge(self, parcel: Parcel, words: str) -> None:
        if parcel.destination not in self._failing:
            self._failing.add(parcel.destination)
            _log.warning("%s does not take %s: %s", parcel.destination, parcel.key, words)
