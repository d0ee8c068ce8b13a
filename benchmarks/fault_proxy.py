"""A Modbus TCP proxy that spoils the link: delay, loss, duplicates, resets, half-open connections.

    python -m benchmarks.fault_proxy --to PORT [--seed N]

prints the port it listens on. One fault at a time, each announced by its count at the end.
"""

import argparse
import asyncio
import json
import random
import signal
import socket
import struct
import sys
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

_HEADER = struct.Struct(">HHHB")
_QUIET_S = (0.4, 1.2)
"""Between two faults: long enough to recover, short enough for dozens in a minute."""
_SLOW_FOR_S = 0.2
_DELAY_S = (0.005, 0.02)


class Fault(StrEnum):
    """What may happen to a link."""

    DELAY = "delay"
    """For 0.2 s every frame takes 5 to 20 ms longer."""
    LOSS = "loss"
    """One frame, in either direction, does not arrive."""
    DUPLICATE = "duplicate"
    """One request arrives twice."""
    RESET = "reset"
    """Both connections are reset."""
    HALF_OPEN = "half_open"
    """The connection stays up and carries nothing any more."""


class FaultProxy:
    """Relays frames between one master and one PLC, and spoils them."""

    def __init__(self, to_port: int, *, seed: int) -> None:
        """Prepare.

        Args:
            to_port: the PLC's port on this machine.
            seed: of when what happens.
        """
        self._to_port = to_port
        self._draw = random.Random(seed)  # noqa: S311 - reproducible disturbance
        self._pending: Fault | None = None
        self._slow_until = 0.0
        self._dead: set[int] = set()
        self._pairs: dict[int, tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._connections = 0
        self.counts: Counter[str] = Counter()

    async def serve(self) -> None:
        """Listen, print the port, and spoil until terminated."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        spoiler = asyncio.create_task(self._spoil())
        await ended.wait()
        spoiler.cancel()
        server.close()
        await self._hang_up()
        sys.stdout.write(json.dumps(self.counts) + "\n")

    async def _hang_up(self) -> None:
        """Break every connection off and let its relays end."""
        for pair in self._pairs.values():
            for writer in pair:
                writer.transport.abort()
        await asyncio.gather(*self._serving)

    async def _spoil(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._draw.uniform(*_QUIET_S))
            fault = self._draw.choice(list(Fault))
            self.counts[fault.value] += 1
            if fault is Fault.DELAY:
                self._slow_until = loop.time() + _SLOW_FOR_S
            elif fault is Fault.HALF_OPEN:
                self._dead.update(self._pairs)
            elif fault is Fault.RESET:
                for pair in self._pairs.values():
                    for writer in pair:
                        _reset(writer)
            else:
                self._pending = fault

    async def _connect(self, near: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        self._connections += 1
        number = self._connections
        try:
            far, requests = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            answers.close()
            return
        self._pairs[number] = (answers, requests)
        await asyncio.gather(
            self._relay(number, near, requests, asks=True),
            self._relay(number, far, answers, asks=False),
        )
        del self._pairs[number]
        for writer in (answers, requests):
            writer.close()

    async def _relay(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asks: bool
    ) -> None:
        try:
            while True:
                header = await reader.readexactly(_HEADER.size)
                frame = header + await reader.readexactly(_HEADER.unpack(header)[2] - 1)
                for _ in range(await self._copies(number, asks=asks)):
                    writer.write(frame)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async def _copies(self, number: int, *, asks: bool) -> int:
        """Return how often a frame is passed on, after what delay there is."""
        if asyncio.get_running_loop().time() < self._slow_until:
            await asyncio.sleep(self._draw.uniform(*_DELAY_S))
        if number in self._dead:
            return 0
        if self._pending is Fault.DUPLICATE and asks:
            self._pending = None
            return 2
        if self._pending is Fault.LOSS and asks == (self._draw.random() < 0.5):
            self._pending = None
            return 0
        return 1


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: what is under way is lost, as when a switch or a cable fails."""
    plug = writer.get_extra_info("socket")
    if plug is not None and plug.fileno() >= 0:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the proxy until terminated; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_proxy")
    parser.add_argument("--to", type=int, required=True, help="the PLC's port on this machine")
    parser.add_argument("--seed", type=int, default=1, help="of the faults (1)")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(FaultProxy(arguments.to, seed=arguments.seed).serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
