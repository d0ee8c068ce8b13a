"""A serial counter at the other end of a pseudo terminal: it can be unplugged and plugged in."""

import fcntl
import os
import select
import struct
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calibration.clock import MonotonicClock


class CounterDevice:
    """What a counter's firmware sees of its serial port. The link `path` is the device's name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master: int | None = None
        self._slave: int | None = None

    def plug_in(self) -> None:
        """Let the port appear."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        """Let the port vanish, as when a USB plug is pulled."""
        for end in (self._master, self._slave):
            if end is not None:
                os.close(end)
        self._master = self._slave = None
        self.path.unlink(missing_ok=True)

    def send(self, sent: bytes) -> None:
        """Send bytes to the PC and wait until its driver has them: a pty hands them on later."""
        assert self._master is not None
        expected = self._arrived() + len(sent)
        os.write(self._master, sent)
        never, clock = threading.Event(), MonotonicClock()
        for _ in range(200):
            if self._arrived() >= expected:
                return
            clock.wait(never, 0.001)

    def _arrived(self) -> int:
        """Return how many bytes wait for the PC to read them."""
        assert self._slave is not None
        return struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, b"\0" * 4))[0]

    @contextmanager
    def counting(self, *, per_ms: int, period_ms: int = 5) -> Iterator[None]:
        """Send a line with the count every few ms, as free-running firmware does."""
        ended = threading.Event()

        def run() -> None:
            count = 0
            while not ended.wait(period_ms / 1e3):
                count += per_ms * period_ms
                assert self._master is not None
                os.write(self._master, b"%d\n" % count)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def heard(self) -> bytes:
        """Return what the PC has sent."""
        assert self._master is not None
        heard = b""
        while select.select([self._master], [], [], 0.05)[0]:
            heard += os.read(self._master, 4096)
        return heard
