"""A telemetry process under its supervisor and the line's feed to it, for wire tests."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from calibration.clock import MonotonicClock
from telemetry.config import TelemetryConfig
from telemetry.feed import SocketFeed
from telemetry.guard import REQUEST_HEADER
from telemetry.plant.config import PlantConfig
from telemetry.store import ItemStore
from telemetry.store_reader import SessionBalance
from telemetry.supervise import TelemetrySupervisor
from telemetry.wall import UtcMapper
from tests.support.page_user import signed_in
from tests.support.telemetry_line import STATIONS, RecordSource

CLOCK = MonotonicClock()
DEADLINE_S = 30.0


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Poll until `condition` is true and return its value, or fail at the deadline."""
    end_s = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not (value := condition()):
        assert time.monotonic() < end_s, f"{what} did not happen within {DEADLINE_S} s"
        pause.wait(0.02)
    return value


def config_in(folder: Path, *, port: int = 0) -> TelemetryConfig:
    """Return a configuration with everything in one folder and any free port."""
    return TelemetryConfig(
        host="127.0.0.1",
        port=port,
        store_path=folder / "store.sqlite",
        socket_path=folder / "line.sock",
    )


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Rig:
    """Supervisor, feed and a source of records; `page` talks to the telemetry process."""

    def __init__(
        self,
        folder: Path,
        *,
        session_id: str = "s1",
        record_capacity: int = 20_000,
        first_retry_s: float = 0.05,
        max_restarts: int = 5,
        plant: PlantConfig | None = None,
    ) -> None:
        self.config = config_in(folder).model_copy(update={"database": plant})
        self.supervisor = TelemetrySupervisor(
            config=self.config,
            clock=CLOCK,
            first_retry_s=first_retry_s,
            max_restarts=max_restarts,
        )
        self.feed = SocketFeed(
            socket_path=self.config.socket_path, clock=CLOCK, record_capacity=record_capacity
        )
        self.headers = signed_in(self.config.users_path)
        self.session_id = session_id
        self.source = RecordSource(session_id)
        self.published = 0

    def start(self) -> None:
        """Start telemetry, then announce the session."""
        self.supervisor.start()
        self.open_session()

    def open_session(self) -> None:
        """Announce the session."""
        self.feed.open_session(session_id=self.session_id, line_id="line-1", station_names=STATIONS)

    def publish(self, count: int) -> int:
        """Publish records and one snapshot; return how many records were taken."""
        taken = 0
        for _ in range(count):
            taken += self.feed.publish_record(self.source.next(CLOCK.now_ns()))
        self.published += count
        self.feed.publish_snapshot(self.source.snapshot(CLOCK.now_ns()))
        return taken

    def stop(self) -> None:
        """End the session and telemetry in good order."""
        self.feed.close()
        self.supervisor.stop()

    @property
    def pid(self) -> int:
        """The telemetry process."""
        pid = self.supervisor.pid
        assert pid is not None
        return pid

    def signal(self, number: int) -> None:
        """Send the telemetry process a signal."""
        os.kill(self.pid, number)

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """Fetch something from the page."""
        return httpx.get(self._url(path), params=parameters, timeout=10, trust_env=False)

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Post as the page of a signed-in technician does."""
        headers = {REQUEST_HEADER: "1", **self.headers}
        return httpx.post(self._url(path), json=body, headers=headers, timeout=10, trust_env=False)

    def state(self) -> Any:
        """Return the page's state."""
        return self.get("/api/state").json()

    def wait_confirmed(self) -> None:
        """Wait until every published record is on disk."""
        wait_for(lambda: self.feed.records_waiting == 0, "confirmation of all records")

    def store(self) -> ItemStore:
        """Open the store; telemetry must have ended."""
        return ItemStore(path=self.config.store_path, clock=CLOCK, utc=UtcMapper(clock=CLOCK))

    def books(self, session_id: str = "s1") -> SessionBalance:
        """Verify the store and return a session's books; telemetry must have ended."""
        with closing(self.store()) as store:
            assert store.verify() == ()
            return store.balance(session_id)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.supervisor.port}{path}"
