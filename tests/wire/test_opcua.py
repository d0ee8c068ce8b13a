"""The OPC UA server, browsed and read by a client not made here (npm node-opcua-client)."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncua import Client

from telemetry.errors import TelemetryStartError
from telemetry.exchange.config import OpcUaConfig
from telemetry.exchange.opcua_server import OpcUaServer
from telemetry.exchange.tags import TAGS, TagKind
from tests.support.telemetry_rig import wait_for

ROOT = Path(__file__).parents[2]
NODE_PACKAGES = ROOT / "var/node/node_modules"
EMPTY = {TagKind.BOOLEAN: False, TagKind.INTEGER: 0, TagKind.REAL: 0.0, TagKind.TEXT: ""}
VALUES = {tag.name: EMPTY[tag.kind] for tag in TAGS} | {
    "Status.StateCurrent": 6,
    "Status.CurMachSpeed": 1.5,
    "Admin.ProdProcessedCount.AccCount": 5_000_000_000,
    "Admin.StopReason.Text": "тоқтады",
}
pytestmark = pytest.mark.wire


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[OpcUaServer, str]]:
    """One server for all: building the standard's address space takes seconds."""
    port = free_port()
    made = OpcUaServer(OpcUaConfig(host="127.0.0.1", port=port, every_s=0.1))
    made.start()
    assert made.wait_ready(60)
    yield made, f"opc.tcp://127.0.0.1:{port}/sortline/"
    made.stop()


@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_PACKAGES / "node-opcua-client").exists(),
    reason="no npm node-opcua-client; run deploy/install-test-packages.sh",
)
def test_an_independent_client_reads_every_tag_and_may_write_none(
    server: tuple[OpcUaServer, str], tmp_path: Path
) -> None:
    made, url = server
    made.offer(VALUES)
    done = subprocess.run(
        ["node", str(ROOT / "tests/support/opcua_client.js"), url],
        capture_output=True,
        text=True,
        env={"NODE_PACKAGES": str(NODE_PACKAGES), "PATH": os.defpath, "HOME": str(tmp_path)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert set(seen["tags"]) == {tag.name for tag in TAGS}
    for name, value in VALUES.items():
        assert seen["tags"][name]["value"] == value, name
    assert seen["tags"]["Status.CurMachSpeed"]["type"] == "Double"
    assert seen["write"] in ("BadUserAccessDenied", "BadNotWritable")


def test_tags_follow_the_line(server: tuple[OpcUaServer, str]) -> None:
    made, url = server

    async def read() -> int:
        async with Client(url) as client:
            index = await client.get_namespace_index("urn:sortline:packml")
            node = client.get_node(f"ns={index};s=Status.StateCurrent")
            return int(await node.read_value())

    for state in (6, 11):
        made.offer({**VALUES, "Status.StateCurrent": state})
        wait_for(lambda wanted=state: asyncio.run(read()) == wanted, f"state {state}")


def test_a_port_in_use_is_told_with_its_key() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = OpcUaConfig(host="127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(TelemetryStartError, match=r"telemetry\.opcua: 127\.0\.0\.1"):
            OpcUaServer(config).start()


def test_an_open_server_beyond_loopback_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="certificate and key"):
        OpcUaConfig(host="0.0.0.0", port=4840)


def test_a_certificate_that_cannot_be_read_is_told_with_its_key(tmp_path: Path) -> None:
    config = OpcUaConfig(
        host="127.0.0.1", port=free_port(), certificate=tmp_path / "no.der", key=tmp_path / "no.key"
    )
    with pytest.raises(TelemetryStartError, match=r"telemetry\.opcua\.certificate"):
        OpcUaServer(config).start()
