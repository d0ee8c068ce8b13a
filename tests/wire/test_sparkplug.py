"""Sparkplug B against Mosquitto, read by the decoder of Eclipse Tahu (npm sparkplug-payload)."""

import base64
import json
import queue
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from calibration.clock import MonotonicClock
from telemetry.exchange.config import SparkplugConfig
from telemetry.exchange.kept_changes import Change, KeptChanges
from telemetry.exchange.sparkplug import REBIRTH, SparkplugNode
from telemetry.exchange.tags import TAGS, TagKind, TagValues
from tests.support.mqtt_broker import MOSQUITTO, Broker
from tests.support.telemetry_rig import wait_for

ROOT = Path(__file__).parents[2]
NODE_PACKAGES = ROOT / "var/node/node_modules"
pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(
        MOSQUITTO is None
        or shutil.which("node") is None
        or not (NODE_PACKAGES / "sparkplug-payload").exists(),
        reason="no mosquitto or npm sparkplug-payload; run deploy/install-test-packages.sh",
    ),
]
EMPTY = {TagKind.BOOLEAN: False, TagKind.INTEGER: 0, TagKind.REAL: 0.0, TagKind.TEXT: ""}
AT_REST: TagValues = {tag.name: EMPTY[tag.kind] for tag in TAGS}
SEEN = "Admin.ProdProcessedCount.AccCount"


def tahu(role: str, lines: list[str]) -> list[str]:
    done = subprocess.run(
        ["node", str(ROOT / "tests/support/sparkplug_decode.js"), role],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        env={"NODE_PACKAGES": str(NODE_PACKAGES), "PATH": "/usr/bin:/bin"},
        check=True,
    )
    return done.stdout.splitlines()


class Host:
    """A SCADA host: hears everything of the group, asks for a rebirth."""

    def __init__(self, port: int) -> None:
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.taken: list[tuple[str, bytes]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        ready: queue.Queue[str] = queue.Queue()
        self._client.on_connect = lambda client, *_: client.subscribe("spBv1.0/#", qos=1)
        self._client.on_subscribe = lambda *_: ready.put("subscribed")
        self._client.on_message = lambda _c, _u, m: self.heard.put((m.topic, m.payload))
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        ready.get(timeout=10)

    def wait(self, kind: str, *, holding: str = "") -> dict[str, Any]:
        """Return the next message of a kind, decoded; one that holds a metric if one is named."""
        while True:
            topic, payload = self.heard.get(timeout=15)
            self.taken.append((topic, payload))
            if f"/{kind}/" in topic:
                decoded = json.loads(tahu("decode", [base64.b64encode(payload).decode()])[0])
                if not holding or holding in str(decoded):
                    return decoded

    def ask_rebirth(self) -> None:
        metric = {"name": REBIRTH, "type": "Boolean", "value": True}
        (encoded,) = tahu("encode", [json.dumps({"timestamp": 1, "metrics": [metric]})])
        self._client.publish("spBv1.0/plant/NCMD/line-1", base64.b64decode(encoded))

    def command(self, payload: bytes) -> None:
        self._client.publish("spBv1.0/plant/NCMD/line-1", payload)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.kill()


def node_of(port: int, folder: Path) -> SparkplugNode:
    config = SparkplugConfig(
        host="127.0.0.1",
        port=port,
        group_id="plant",
        edge_node_id="line-1",
        every_s=0.1,
        keep_alive_s=5,
    )
    kept = KeptChanges(folder / "kept.sqlite", capacity=1000)
    return SparkplugNode(config, kept, clock=MonotonicClock())


def named(message: dict[str, Any]) -> dict[str, Any]:
    return {metric["name"]: metric for metric in message["metrics"] if metric.get("name")}


def test_birth_changes_rebirth_and_death_as_the_standard_has_them(
    broker: Broker, tmp_path: Path
) -> None:
    host = Host(broker.port)
    node = node_of(broker.port, tmp_path)
    node.offer(AT_REST)
    node.start()
    birth = host.wait("NBIRTH")
    metrics = named(birth)
    assert (birth["seq"], metrics["bdSeq"]["value"]) == (0, 0)
    assert metrics[REBIRTH]["value"] is False
    assert {tag.name for tag in TAGS} <= set(metrics)
    alias = metrics[SEEN]["alias"]

    node.offer({**AT_REST, SEEN: 42, "Admin.StopReason.Text": "тоқтады"})
    data = host.wait("NDATA", holding="тоқтады")
    values = {metric["alias"]: metric["value"] for metric in data["metrics"]}
    assert values[alias] == 42
    assert not any(metric.get("isHistorical") for metric in data["metrics"])

    host.command(b"\xff\xff no payload at all")
    host.ask_rebirth()
    again = host.wait("NBIRTH")
    assert again["seq"] == 0
    assert named(again)[SEEN]["value"] == 42
    assert named(again)["bdSeq"]["value"] == 0

    node.stop()
    death = host.wait("NDEATH")
    assert named(death)["bdSeq"]["value"] == 0
    assert "seq" not in death
    host.close()


def test_what_changes_while_the_broker_is_away_comes_later_as_history(
    broker: Broker, tmp_path: Path
) -> None:
    host = Host(broker.port)
    node = node_of(broker.port, tmp_path)
    node.offer(AT_REST)
    node.start()
    first = host.wait("NBIRTH")
    host.close()
    broker.kill()
    for seen in range(1, 11):
        node.offer({**AT_REST, SEEN: seen})
    broker.start()
    host = Host(broker.port)
    alias = named(first)[SEEN]["alias"]
    got: dict[int, bool] = {}

    def all_came() -> bool:
        for metric in host.wait("NDATA")["metrics"]:
            if metric["alias"] == alias:
                got[metric["value"]] = bool(metric.get("isHistorical"))
        return set(range(1, 11)) <= set(got)

    wait_for(all_came, "all changes")
    assert all(got[seen] for seen in range(1, 11))
    node.stop()
    assert named(host.wait("NDEATH"))["bdSeq"]["value"] >= 1
    host.close()


def test_a_killed_node_is_told_dead_by_the_broker(broker: Broker, tmp_path: Path) -> None:
    host = Host(broker.port)
    script = (
        "import sys, threading\nfrom pathlib import Path\n"
        "from tests.wire.test_sparkplug import AT_REST, node_of\n"
        "node = node_of(int(sys.argv[1]), Path(sys.argv[2]))\n"
        "node.offer(AT_REST)\nnode.start()\nthreading.Event().wait()\n"
    )
    child = subprocess.Popen(
        [str(ROOT / ".venv/bin/python"), "-c", script, str(broker.port), str(tmp_path)], cwd=ROOT
    )
    birth = host.wait("NBIRTH")
    child.kill()
    child.wait(10)
    death = host.wait("NDEATH")
    assert named(death)["bdSeq"]["value"] == named(birth)["bdSeq"]["value"]
    host.close()


def test_the_queue_is_bounded_and_outlives_a_restart(tmp_path: Path) -> None:
    kept = KeptChanges(tmp_path / "k.sqlite", capacity=3)
    assert [kept.next_birth() for _ in range(2)] == [0, 1]
    kept.keep(tuple(Change(at_ms=n, values={SEEN: n}) for n in range(5)))
    assert (kept.waiting, kept.dropped) == (3, 2)
    kept.close()
    again = KeptChanges(tmp_path / "k.sqlite", capacity=3)
    assert [change.values[SEEN] for change in again.oldest(10)] == [2, 3, 4]
    assert again.next_birth() == 2
    again.forget(again.oldest(2))
    assert again.waiting == 1
    again.close()
