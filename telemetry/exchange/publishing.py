"""Starts what a line's file asks for of Sparkplug and OPC UA, and keeps it told."""

import asyncio
import contextlib
import importlib
import os
from types import ModuleType
from typing import Protocol

from calibration.clock import Clock
from telemetry.config import TelemetryConfig
from telemetry.errors import TelemetryStartError
from telemetry.exchange.kept_changes import KeptChanges
from telemetry.exchange.tags import LineView, TagValues, read_tags

PASSWORD_VARIABLE = "SORTLINE_SPARKPLUG_PASSWORD"  # noqa: S105 - its name, not a password


class Publisher(Protocol):
    """Tells another system how the tags are."""

    def start(self) -> None:
        """Begin. Raises TelemetryStartError where that cannot be."""
        ...

    def offer(self, values: TagValues) -> None:
        """Say how the tags are now. Any thread, never blocks."""
        ...

    def stop(self) -> None:
        """End in good order, within five seconds. Idempotent."""
        ...


class Publishing:
    """The publishers of one line. Runs in the event loop.

    Args:
        config: whose `sparkplug` and `opcua` sections say what is wanted.
        clock: for pauses.

    Raises:
        TelemetryStartError: a library is not installed, or a port is in use.
        StoreError: the queue on disk cannot be used.
    """

    def __init__(self, config: TelemetryConfig, clock: Clock) -> None:
        self._every_s: list[float] = []
        self._publishers: list[Publisher] = []
        if config.sparkplug is not None:
            module = _load("sparkplug", extra="sparkplug")
            kept = KeptChanges(
                config.store_path.with_name(f"{config.store_path.stem}.sparkplug.sqlite"),
                capacity=config.sparkplug.kept_changes,
            )
            password = os.environ.get(PASSWORD_VARIABLE, "")
            self._add(
                module.SparkplugNode(config.sparkplug, kept, password=password, clock=clock),
                config.sparkplug.every_s,
            )
        if config.opcua is not None:
            module = _load("opcua_server", extra="opcua")
            self._add(module.OpcUaServer(config.opcua), config.opcua.every_s)

    def _add(self, publisher: Publisher, every_s: float) -> None:
        try:
            publisher.start()
        except TelemetryStartError:
            self.stop()
            raise
        self._publishers.append(publisher)
        self._every_s.append(every_s)

    async def run(self, view: LineView, stop: asyncio.Event) -> None:
        """Tell the publishers how the tags are until `stop` is set, then end them."""
        while self._publishers and not stop.is_set():
            values = read_tags(view)
            for publisher in self._publishers:
                publisher.offer(values)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(self._every_s))
        await asyncio.to_thread(self.stop)

    def stop(self) -> None:
        """End every publisher."""
        for publisher in self._publishers:
            publisher.stop()


def _load(name: str, *, extra: str) -> ModuleType:
    """Load a publisher; its library is installed only where one is wanted."""
    try:
        return importlib.import_module(f"telemetry.exchange.{name}")
    except ImportError as error:
        msg = f"telemetry.{extra}: {error}; install it: pip install 'sortline[{extra}]'"
        raise TelemetryStartError(msg) from error
