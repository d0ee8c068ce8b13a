"""Runs work in forked processes and kills each at another database statement boundary."""

import itertools
import os
import signal
from collections.abc import Callable, Iterator

from sqlalchemy import event

from telemetry.database.engine import Database


class Boundaries:
    """Counts the moments after each statement and before each commit; kills its process at one."""

    def __init__(self, at: int) -> None:
        self._left = at

    def watch(self, database: Database) -> None:
        for name in ("begin", "after_cursor_execute", "commit"):
            event.listen(database.engine, name, self.tick)

    def tick(self, *_: object, **__: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at_every_boundary(
    prepare: Callable[[], None], work: Callable[[Boundaries], None]
) -> Iterator[int]:
    """Yield once for every boundary of `work`, after a process was killed there."""
    for number in itertools.count(1):
        prepare()
        child = os.fork()
        if child == 0:
            _leave(lambda: work(Boundaries(number)))  # noqa: B023 - called before the next turn
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, "the work itself failed"
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        yield number


def in_processes(*works: Callable[[], None]) -> None:
    """Run each work in a process of its own at the same time; all must end well."""
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            _leave(work)
        children.append(child)
    for child in children:
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0


def _leave(work: Callable[[], None]) -> None:
    """Do the work and end this forked process at once, without the parent's own endings."""
    code = 2
    try:
        work()
        code = 0
    finally:
        os._exit(code)
