"""Writes to a store from forked processes and kills each at a random moment; checks after each.

Run as `python -m tests.support.store_killer FOLDER ROUNDS SEED`; prints what it found, exit code 1
if an acknowledged record was lost or the books do not close.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from calibration.clock import MonotonicClock
from telemetry.messages import SessionAnnounced, SessionClosing
from telemetry.store import ItemStore
from telemetry.wall import UtcMapper
from tests.support.telemetry_line import STATIONS, RecordSource

CLOCK = MonotonicClock()
NUMBER_BYTES = 8


def open_store(path: Path) -> ItemStore:
    return ItemStore(path=path, clock=CLOCK, utc=UtcMapper(clock=CLOCK))


def write_for_ever(path: Path, round_number: int, acknowledgements: int) -> None:
    """Write sessions of a few hundred records, every tenth record lost, telling what is stored."""
    store = open_store(path)
    session = 0
    while True:
        session += 1
        session_id = f"{round_number}-{session}"
        source = RecordSource(session_id, seed=round_number * 1000 + session)
        store.write([_announced(session_id)])
        for _ in range(20):
            batch = [record for record in source.many(15) if record.record_seq % 10]
            result = store.write(batch)
            assert result.account is not None
            count = session * 1000 + result.account.last_seq
            os.write(acknowledgements, count.to_bytes(NUMBER_BYTES, "big"))
        store.write([SessionClosing(session_id=session_id, totals=source.totals)])


def _announced(session_id: str) -> SessionAnnounced:
    return SessionAnnounced(
        session_id=session_id, line_id="line", station_names=STATIONS, opened_ns=CLOCK.now_ns()
    )


def kill_once(path: Path, round_number: int, wait_s: float) -> tuple[int, int]:
    """Let a process write for a while, kill it; return session and record last acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        write_for_ever(path, round_number, writer)
        os._exit(1)
    os.close(writer)
    time.sleep(wait_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    last = int.from_bytes(told[-NUMBER_BYTES:], "big") if told else 0
    return divmod(last, 1000)


def main() -> int:
    folder, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    path = folder / "killed.sqlite"
    records = 0
    for round_number in range(1, rounds + 1):
        session, last_seq = kill_once(path, round_number, chance.uniform(0.0, 0.15))
        store = open_store(path)
        faults = store.verify()
        stored = store.last_seq(f"{round_number}-{session}") if session else 0
        # The last record of every tenth is missing, and a gap takes its number only later.
        if faults or stored < last_seq:
            sys.stdout.write(f"round {round_number}: {faults}, {stored} of {last_seq} stored\n")
            return 1
        records += max(0, session - 1) * 300 + stored
        store.close()
    sys.stdout.write(f"{rounds} kills, about {records} records, nothing lost\n")
    return 0 if records else 1


if __name__ == "__main__":
    sys.exit(main())
