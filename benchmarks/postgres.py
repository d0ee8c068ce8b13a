"""Debian's PostgreSQL started for one run, in a folder of its own, for tests and benchmarks."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

BINARIES = Path("/usr/lib/postgresql/15/bin")
_OWNER = "postgres"
_numbers = itertools.count(1)


def why_no_postgresql() -> str:
    """Return what is missing, empty if PostgreSQL can be started here."""
    if not (BINARIES / "initdb").exists():
        return f"no PostgreSQL 15 in {BINARIES}; run deploy/install-test-packages.sh as root"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(_OWNER)
        except KeyError:
            return f"root cannot run PostgreSQL and there is no user {_OWNER}"
    return ""


class PostgresServer:
    """A server on a Unix socket in a folder of its own; never on a TCP port."""

    def __init__(self, *, durable: bool = False, settings: tuple[str, ...] = ()) -> None:
        """Make a cluster; `durable` keeps fsync on, as a plant does.

        Raises:
            RuntimeError: initdb refused.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="sortline-postgresql-"))
        self._as_owner = _OWNER if os.geteuid() == 0 else None
        if self._as_owner:
            shutil.chown(self.folder, _OWNER, _OWNER)
        self._run("initdb", "--auth=trust", f"--username={_OWNER}", "--encoding=UTF8", "--no-sync")
        chosen = ["listen_addresses=''", f"unix_socket_directories='{self.folder}'", *settings]
        if not durable:
            chosen += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        self._options = " ".join(f"-c {setting}" for setting in chosen)

    def start(self) -> None:
        """Start and wait until it takes connections."""
        log = self.folder / "log"
        self._run("pg_ctl", "--wait", f"--log={log}", f"--options={self._options}", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is what a power cut leaves."""
        self._run("pg_ctl", "--wait", f"--mode={mode}", "stop")

    def remove(self) -> None:
        """Delete the cluster's files."""
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres") -> URL:
        """Return the address of one of its databases."""
        return URL.create(
            "postgresql+psycopg",
            username=_OWNER,
            database=database,
            query={"host": str(self.folder)},
        )

    def new_database(self) -> URL:
        """Make an empty database and return its address."""
        name = f"test_{next(_numbers)}"
        self._administer(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop_database(self, url: URL) -> None:
        """Drop a database, whoever is connected to it."""
        self._administer(f"DROP DATABASE {url.database} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - programs of Debian's PostgreSQL
            [str(BINARIES / program), f"--pgdata={self.folder / 'data'}", *arguments],
            user=self._as_owner,
            group=self._as_owner,
            extra_groups=[] if self._as_owner else None,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}")


@contextmanager
def running_server(
    *, durable: bool = False, settings: tuple[str, ...] = ()
) -> Iterator[PostgresServer]:
    """Start a server of one's own; stopped and removed at the end."""
    server = PostgresServer(durable=durable, settings=settings)
    try:
        server.start()
        yield server
        server.stop()
    finally:
        server.remove()
