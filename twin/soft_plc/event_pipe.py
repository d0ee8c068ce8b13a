"""The soft PLC's outputs on their way to the twin's world: bounded, and never waited for."""

import select
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection

from twin.wiring import BeltCommand, ValveEdge

_MOST_PENDING = 8192
_EVENTS_PER_MESSAGE = 16
"""A pickled list of 16 events stays below 4096 bytes, the room that a writable pipe guarantees."""

PlantEvent = ValveEdge | BeltCommand


class EventPipe:
    """Writes lists of events to a connection as far as it takes them without blocking."""

    def __init__(self, connection: Connection) -> None:
        """Take over the writing end of a pipe."""
        self._connection = connection
        self._pending: deque[PlantEvent] = deque()
        self._broken = False
        self.dropped = 0

    def send(self, valves: Sequence[ValveEdge], belt: BeltCommand | None) -> None:
        """Queue events and write what fits. Valve edges beyond the bound are counted, not kept."""
        if belt is not None:
            self._pending.append(belt)
        room = _MOST_PENDING - len(self._pending)
        self._pending.extend(valves[: max(0, room)])
        self.dropped += max(0, len(valves) - max(0, room))
        if self._pending:
            self._write()

    def _write(self) -> None:
        while self._pending and not self._broken:
            if not select.select([], [self._connection], [], 0)[1]:
                return
            count = min(len(self._pending), _EVENTS_PER_MESSAGE)
            message = [self._pending[index] for index in range(count)]
            try:
                self._connection.send(message)
            except (BrokenPipeError, ConnectionResetError):
                # The world is gone; the PLC goes on as a PLC without a plant would.
                self._broken = True
                self._pending.clear()
                return
            for _ in message:
                self._pending.popleft()
