"""An OPC UA server with the line's PackML tags. Read-only: every write is refused by the server.

It runs in a thread with an event loop of its own, so that a slow client never delays a page.
"""

import asyncio
import logging
import os
import socket
import threading
from typing import Any, Final

from asyncua import Server, ua

from telemetry.errors import TelemetryStartError
from telemetry.exchange.config import OpcUaConfig
from telemetry.exchange.tags import TAGS, TagKind, TagValues

_log = logging.getLogger(__name__)

NAMESPACE: Final = "urn:sortline:packml"
ROOT: Final = "SortingLine"
STOP_S: Final = 5.0
_VARIANTS: Final = {
    TagKind.BOOLEAN: (ua.VariantType.Boolean, False),
    TagKind.INTEGER: (ua.VariantType.Int64, 0),
    TagKind.REAL: (ua.VariantType.Double, 0.0),
    TagKind.TEXT: (ua.VariantType.String, ""),
}


class OpcUaServer:
    """One server. `offer` from any thread; the server's own thread does the rest.

    Args:
        config: where it listens.
    """

    def __init__(self, config: OpcUaConfig) -> None:
        self._config = config
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready, self._failure = threading.Event(), list[BaseException]()
        self._stop: asyncio.Event | None = None
        self._nodes: dict[str, Any] = {}
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._run, name="opcua", daemon=True)

    def start(self) -> None:
        """Begin to serve; the address space is built meanwhile, which takes some seconds.

        Raises:
            TelemetryStartError: the port is in use or a certificate cannot be read.
        """
        where = f"telemetry.opcua: {self._config.host}:{self._config.port}"
        _refuse_unreadable(self._config)
        _refuse_taken(self._config, where)
        self._thread.start()

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until clients can connect; False if they cannot by then."""
        return self._ready.wait(timeout_s) and not self._failure

    def offer(self, values: TagValues) -> None:
        """Say how the tags are now. Any thread, never blocks."""
        if self._nodes and self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._write_soon, dict(values))

    def stop(self) -> None:
        """End the server; waits five seconds at most. Idempotent."""
        loop = self._loop
        if self._stop is not None and loop is not None and loop.is_running():
            loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, ValueError, ua.UaError) as error:
            self._failure.append(error)
            _log.error("opcua: not served: %s", error)
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._made_server()
        async with server:
            self._server = server
            self._ready.set()
            await self._stop.wait()
            self._nodes = {}

    async def _made_server(self) -> Server:
        config, server = self._config, Server()
        await server.init()
        server.set_endpoint(f"opc.tcp://{config.host}:{config.port}/sortline/")
        server.set_server_name("Sorting line")
        if config.certificate is not None and config.key is not None:
            await server.load_certificate(str(config.certificate))
            await server.load_private_key(str(config.key))
            server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        else:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await server.register_namespace(NAMESPACE)
        root = await server.nodes.objects.add_object(ua.NodeId(ROOT, index), ROOT)
        folders: dict[str, Any] = {}
        for tag in TAGS:
            place, above = "", root
            *parts, leaf = tag.name.split(".")
            for part in parts:
                place = f"{place}.{part}" if place else part
                if place not in folders:
                    folders[place] = await above.add_object(ua.NodeId(place, index), part)
                above = folders[place]
            variant, first = _VARIANTS[tag.kind]
            node = await above.add_variable(ua.NodeId(tag.name, index), leaf, first, variant)
            about = f"{tag.about} [{tag.unit}]" if tag.unit else tag.about
            await node.write_attribute(
                ua.AttributeIds.Description, ua.DataValue(ua.LocalizedText(about, "en"))
            )
            self._nodes[tag.name] = node
        return server

    def _write_soon(self, values: dict[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._write(values))
        task.add_done_callback(_tell)

    async def _write(self, values: dict[str, Any]) -> None:
        server = self._server
        if server is None:
            return
        for tag in TAGS:
            node = self._nodes.get(tag.name)
            if node is not None and tag.name in values:
                variant, _ = _VARIANTS[tag.kind]
                value = ua.DataValue(ua.Variant(values[tag.name], variant))
                await server.write_attribute_value(node.nodeid, value)


def _refuse_unreadable(config: OpcUaConfig) -> None:
    for key, path in (("certificate", config.certificate), ("key", config.key)):
        if path is not None and not os.access(path, os.R_OK):
            msg = f"telemetry.opcua.{key}: {path} cannot be read"
            raise TelemetryStartError(msg)


def _refuse_taken(config: OpcUaConfig, where: str) -> None:
    """Fail at once on a port in use: building the address space takes seconds."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            msg = f"{where} cannot be served: {error.strerror}; choose another port"
            raise TelemetryStartError(msg) from error


def _tell(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("opcua: tags could not be renewed: %s", task.exception())
