"""The line as its own process, as a plant runs it: started, watched and ended from outside."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

from calibration.clock import MonotonicClock
from telemetry.guard import REQUEST_HEADER
from telemetry.hmi.desk import FIRST_ADMIN
from telemetry.hmi.first_password import VARIABLE
from telemetry.hmi.gate import COOKIE, CSRF_HEADER
from telemetry.store import ItemStore
from telemetry.store_reader import SessionBalance
from telemetry.wall import UtcMapper
from tests.support.page_user import PASSWORD
from tests.support.telemetry_rig import is_alive

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0
_CLOCK = MonotonicClock()


def wait_for(condition: Callable[[], Any], what: Callable[[], str] | str) -> Any:
    """Poll until `condition` is true and return its value, or fail at the deadline."""
    end_ns = _CLOCK.now_ns() + int(DEADLINE_S * 1e9)
    pause = threading.Event()
    while not (value := condition()):
        if _CLOCK.now_ns() > end_ns:
            words = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {DEADLINE_S:.0f} s: {words}")
        pause.wait(0.05)
    return value


def run_line(*arguments: str | Path, timeout_s: float = 90.0) -> subprocess.CompletedProcess[str]:
    """Run a command of run_line.py to its end."""
    return subprocess.run(
        [sys.executable, "run_line.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def descendants(pid: int) -> set[int]:
    """Return the process ids of all children, their children and so on."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    layer = {pid}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer} - found
        found |= layer
    return found


def shared_memory() -> set[str]:
    """Return the names of the blocks of POSIX shared memory there are."""
    return {entry.name for entry in Path("/dev/shm").iterdir()}


def is_free(port: int) -> bool:
    """Return whether a server could listen on a TCP port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class LineProcess:
    """A running `run_line.py` with its page."""

    def __init__(self, *arguments: str | Path, page_port: int, folder: Path) -> None:
        self._page = f"http://127.0.0.1:{page_port}"
        self._folder = folder
        self._output = (folder / "stdout").open("w")
        self._log = (folder / "stderr").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "run_line.py", *map(str, arguments)],
            cwd=ROOT,
            stdout=self._output,
            stderr=self._log,
            start_new_session=True,
            env={**os.environ, VARIABLE: PASSWORD},
        )
        self._headers: dict[str, str] = {}
        self._family: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.family()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        # Its children end by themselves and tidy up; only what does not is killed.
        with contextlib.suppress(AssertionError):
            self.wait_childless()
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._output.close()
        self._log.close()

    @property
    def pid(self) -> int:
        """The line process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything on standard error so far."""
        return (self._folder / "stderr").read_text()

    def family(self) -> set[int]:
        """Return the processes below the line, those seen before included, that still live."""
        self._family |= descendants(self.pid)
        return {pid for pid in self._family if is_alive(pid)}

    def get(self, path: str) -> httpx.Response | None:
        """Fetch something from the page, None while nobody answers."""
        try:
            return httpx.get(self._page + path, timeout=10, trust_env=False)
        except httpx.TransportError:
            return None

    def line(self) -> Any:
        """Return the newest snapshot, None before the first."""
        assert self._process.poll() is None, self.log
        answer = self.get("/api/state")
        if answer is None or answer.status_code != httpx.codes.OK:
            return None
        state = answer.json()
        return state["line"] if state["answering"] else None

    def alarms(self) -> set[str]:
        """Return the kinds of the standing alarms."""
        line = self.line()
        return set() if line is None else {alarm["kind"] for alarm in line["alarms"]}

    def wait(self, condition: Callable[[Any], Any], what: str) -> Any:
        """Wait until a snapshot meets a condition; returns the snapshot."""
        return wait_for(
            lambda: (line := self.line()) and condition(line) and line,
            lambda: f"{what}; {self._summary()}\n{self.log[-3000:]}",
        )

    def wait_state(self, state: str) -> Any:
        """Wait until the line is in a state; returns the snapshot."""
        return self.wait(lambda line: line["state"] == state, f"state {state}")

    def command(self, command: str) -> None:
        """Press a button on the page."""
        if not self._headers:
            self._sign_in()
        answer = self._post("/api/command", {"command": command})
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text

    def _sign_in(self) -> None:
        answer = self._post("/api/sign-in", {"name": FIRST_ADMIN, "password": PASSWORD})
        assert answer.status_code == httpx.codes.OK, answer.text
        cookie = f"{COOKIE}={answer.cookies[COOKIE]}"
        self._headers = {CSRF_HEADER: answer.json()["csrf"], "cookie": cookie}

    def _post(self, path: str, body: dict[str, str]) -> httpx.Response:
        return httpx.post(
            self._page + path,
            json=body,
            headers={REQUEST_HEADER: "1", **self._headers},
            timeout=10,
            trust_env=False,
        )

    def start_sorting(self) -> None:
        """Reset and start, as an operator would, and wait until it runs."""
        self.wait(lambda line: line["link_ok"], "the PLC link")
        self.wait_state("stopped")
        self.command("reset")
        self.wait_state("idle")
        self.command("start")
        self.wait_state("execute")

    def signal(self, number: int) -> None:
        """Send the line process a signal."""
        os.kill(self.pid, number)

    def press_ctrl_c(self) -> None:
        """Do what a terminal does: SIGINT for every process of its foreground group."""
        os.killpg(self.pid, signal.SIGINT)

    def ended(self) -> int:
        """Wait for the line's end and return its exit code."""
        self.family()
        return self._process.wait(DEADLINE_S)

    def wait_childless(self) -> None:
        """Wait until every process below the line has ended too."""
        wait_for(lambda: not self.family(), lambda: f"end of the children {self.family()}")

    def _summary(self) -> str:
        line = self.line()
        return str(line and {name: line[name] for name in ("state", "state_reason", "alarms")})


def books(store_path: Path) -> tuple[SessionBalance, ...]:
    """Open a store that nobody writes any more, verify it and return its sessions' books."""
    with contextlib.closing(
        ItemStore(path=store_path, clock=_CLOCK, utc=UtcMapper(clock=_CLOCK))
    ) as store:
        assert store.verify() == ()
        balances = store.balances(limit=20)
    assert all(balance.account.closes for balance in balances)
    return balances
