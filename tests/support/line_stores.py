"""A line's own store with made-up records in it, as the telemetry process writes it."""

from pathlib import Path

from calibration.clock import MonotonicClock
from controller.types import ItemRecord
from telemetry.messages import SessionAnnounced, SessionClosing
from telemetry.store import ItemStore
from telemetry.wall import UtcMapper
from tests.support.telemetry_line import RecordSource


class FilledStore:
    """A store that more and more records come into."""

    def __init__(self, path: Path, *, line_id: str = "line-1") -> None:
        self.path = path
        clock = MonotonicClock()
        self.store = ItemStore(path=path, clock=clock, utc=UtcMapper(clock=clock))
        self._line_id = line_id
        self._now_ns = clock.now_ns()
        self.sources: dict[str, RecordSource] = {}

    def open_session(self, session_id: str) -> None:
        self.sources[session_id] = RecordSource(session_id, seed=len(self.sources))
        self.store.write(
            [
                SessionAnnounced(
                    session_id=session_id,
                    line_id=self._line_id,
                    station_names=("plastic", "paper"),
                    opened_ns=self._now_ns,
                )
            ]
        )

    def add(self, session_id: str, count: int) -> list[ItemRecord]:
        records = list(self.sources[session_id].many(count))
        self.store.write(records)
        return records

    def close_session(self, session_id: str) -> None:
        totals = self.sources[session_id].totals
        self.store.write([SessionClosing(session_id=session_id, totals=totals)])
