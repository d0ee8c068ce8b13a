"""Sends the page's state to every open browser as Server-Sent Events, encoded once for all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

TICK_S = 0.25
"""Four times a second: as often as the line publishes and below the page's 5 Hz."""


class StateBroadcast:
    """Latest encoded state and a bell that rings with each new one. Event loop only."""

    def __init__(self, *, encode: Callable[[], bytes]) -> None:
        self._encode = encode
        self._latest = b""
        self._version = 0
        self._ended = False
        self._bell = asyncio.Event()
        self._listeners = 0

    @property
    def listeners(self) -> int:
        """Open event streams."""
        return self._listeners

    async def run(self, stop: asyncio.Event) -> None:
        """Encode a new state four times a second while anyone listens, until `stop`."""
        while not stop.is_set():
            if self._listeners:
                self._ring()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TICK_S)
        self.end()

    def end(self) -> None:
        """End every event stream, so that the web server can close its connections."""
        self._ended = True
        self._bell.set()

    def _ring(self) -> None:
        self._latest = self._encode()
        self._version += 1
        self._bell.set()
        self._bell = asyncio.Event()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield each new state as one event; a slow listener skips states, never delays others."""
        self._listeners += 1
        seen = self._version
        try:
            yield b"retry: 1000\nevent: state\ndata: " + self._encode() + b"\n\n"
            while not self._ended:
                if seen == self._version:
                    await self._bell.wait()
                    continue
                seen = self._version
                yield b"event: state\ndata: " + self._latest + b"\n\n"
        finally:
            self._listeners -= 1
