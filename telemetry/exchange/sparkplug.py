"""The line as a Sparkplug B edge node: birth, death, changes, store and forward, rebirth.

One thread talks to the broker. While there is none, changes wait on disk and are sent as historical
once it is back. What was sent into a link that turned out dead is sent again, as historical too:
QoS 0, which Sparkplug asks for, would lose it. A receiver may see a value twice, with one time.
"""

import contextlib
import logging
import queue
import ssl
import threading
from collections import deque
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from calibration.clock import Clock
from calibration.units import NS_PER_S
from telemetry.errors import StoreUnavailableError
from telemetry.exchange.config import SparkplugConfig
from telemetry.exchange.kept_changes import Change, KeptChanges
from telemetry.exchange.sparkplug_payload import (
    DataType,
    Metric,
    SparkplugError,
    commands,
    encode,
)
from telemetry.exchange.tags import TAGS, TagKind, TagValues
from telemetry.wall import WallClock, utc_now

_log = logging.getLogger(__name__)

NAMESPACE: Final = "spBv1.0"
REBIRTH: Final = "Node Control/Rebirth"
RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)
CONNECT_S: Final = 5.0
FORWARD_AT_ONCE: Final = 200
"""Kept changes sent in one turn, so that live ones are never held up for long."""
_TYPES: Final = {
    TagKind.BOOLEAN: DataType.BOOLEAN,
    TagKind.INTEGER: DataType.INT64,
    TagKind.REAL: DataType.DOUBLE,
    TagKind.TEXT: DataType.STRING,
}
_ALIASES: Final = {tag.name: number for number, tag in enumerate(TAGS, start=1)}
_KINDS: Final = {tag.name: _TYPES[tag.kind] for tag in TAGS}


class SparkplugNode:
    """One edge node. `offer` from any thread; the node's own thread does the rest.

    Args:
        config: which broker, which names.
        kept: queue on disk; used by this node alone from now on.
        password: of the broker's user, empty without one.
        clock: for pauses.
        now: wall time of what is sent.
    """

    def __init__(
        self,
        config: SparkplugConfig,
        kept: KeptChanges,
        *,
        password: str = "",
        clock: Clock,
        now: WallClock = utc_now,
    ) -> None:
        self._config, self._kept, self._password = config, kept, password
        self._clock, self._now = clock, now
        self._offers: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._values: TagValues = {}
        self._sent: deque[tuple[int, Change]] = deque()
        self._stopping, self._lost = threading.Event(), threading.Event()
        self._reborn = threading.Event()
        self._seq = 0
        self._birth = 0
        self._thread = threading.Thread(target=self._run, name="sparkplug", daemon=True)

    def start(self) -> None:
        """Start the thread. Call once."""
        self._thread.start()

    def offer(self, values: TagValues) -> None:
        """Say how the tags are now; what changed is sent or kept. Any thread, never blocks."""
        self._offers.put(Change(at_ms=self._now_ms(), values=values))

    def stop(self) -> None:
        """Send the death certificate and end; waits five seconds at most. Idempotent."""
        self._stopping.set()
        self._lost.set()
        self._offers.put(None)
        if self._thread.is_alive():
            self._thread.join(CONNECT_S)
        self._kept.close()

    def _run(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            client = self._connect()
            if client is None:
                self._keep_for(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
                continue
            tries = 0
            _log.info("sparkplug: connected to %s:%d", self._config.host, self._config.port)
            self._serve(client)
            self._leave(client)

    def _connect(self) -> Client | None:
        """Connect with a fresh death certificate as the will; None where that fails."""
        self._birth = self._kept.next_birth()
        client = self._made_client()
        answered, refusals = threading.Event(), list[str]()
        self._lost.clear()

        def connected(_c: Client, _u: Any, _f: Any, code: ReasonCode, _p: Any) -> None:
            if code.is_failure:
                refusals.append(str(code))
            answered.set()

        client.on_connect = connected
        client.on_disconnect = lambda *_: self._lost.set()
        client.on_message = lambda _c, _u, message: self._commanded(message)
        try:
            client.connect(self._config.host, self._config.port, self._config.keep_alive_s)
        except (OSError, ValueError) as error:
            _log.debug("sparkplug: %s", error)
            return None
        client.loop_start()
        if not self._clock.wait(answered, CONNECT_S) or refusals:
            _log.warning("sparkplug: broker refused: %s", refusals or "no answer")
            client.loop_stop()
            return None
        return client

    def _made_client(self) -> Client:
        config = self._config
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        client.connect_timeout = CONNECT_S
        if config.user:
            client.username_pw_set(config.user, self._password)
        if config.trust is not None:
            client.tls_set(
                ca_certs=str(config.trust),
                certfile=str(config.certificate) if config.certificate else None,
                keyfile=str(config.key) if config.key else None,
                cert_reqs=ssl.CERT_REQUIRED,
            )
        client.will_set(self._topic("NDEATH"), self._death(), qos=1, retain=False)
        return client

    def _serve(self, client: Client) -> None:
        """Be born, then send what changes until the link is lost or the node is to stop."""
        client.subscribe(self._topic("NCMD"), qos=1)
        # What changed before the birth is history by the time it is told.
        while not self._offers.empty():
            change = self._take(0.0)
            if change is not None:
                self._put_by((change,))
        self._send_birth(client)
        while not self._lost.is_set() and not self._stopping.is_set():
            if self._reborn.is_set():
                self._reborn.clear()
                self._send_birth(client)
            self._forward(client)
            change = self._take(self._config.every_s)
            if change is not None and not self._send(client, (change,)):
                self._put_by((change,))

    def _leave(self, client: Client) -> None:
        if self._stopping.is_set() and client.is_connected():
            told = client.publish(self._topic("NDEATH"), self._death(), qos=1)
            with contextlib.suppress(RuntimeError, ValueError):
                # The link broke this very moment: the broker publishes the will instead.
                told.wait_for_publish(1.0)
            client.disconnect()
        else:
            _log.warning("sparkplug: the broker is gone, keeping changes")
            self._put_by(tuple(change for _, change in self._sent))
        self._sent.clear()
        client.loop_stop()

    def _keep_for(self, seconds: float) -> None:
        """Wait for the next try, keeping what changes meanwhile."""
        end_ns = self._clock.now_ns() + int(seconds * NS_PER_S)
        while not self._stopping.is_set() and self._clock.now_ns() < end_ns:
            change = self._take(max(0.01, (end_ns - self._clock.now_ns()) / NS_PER_S))
            if change is not None:
                self._put_by((change,))

    def _take(self, timeout_s: float) -> Change | None:
        """Return what changed with the next offer, None if nothing did or none came."""
        try:
            offered = self._offers.get(timeout=max(timeout_s, 0.001))
        except queue.Empty:
            return None
        if offered is None:
            return None
        changed = {n: v for n, v in offered.values.items() if self._values.get(n) != v}
        self._values = offered.values
        return Change(at_ms=offered.at_ms, values=changed) if changed else None

    def _forward(self, client: Client) -> None:
        """Send some of what waits on disk, oldest first; drop it when it has been handed over."""
        try:
            waiting = self._kept.oldest(FORWARD_AT_ONCE)
            if waiting and self._send(client, waiting, historical=True):
                self._kept.forget(waiting)
        except StoreUnavailableError as error:
            _log.error("sparkplug: %s", error)

    def _send_birth(self, client: Client) -> None:
        """Publish every tag with its name, alias and value; sequence numbers begin at 0."""
        at_ms = self._now_ms()
        metrics = [
            Metric(name="bdSeq", at_ms=at_ms, datatype=DataType.INT64, value=self._birth),
            Metric(name=REBIRTH, at_ms=at_ms, datatype=DataType.BOOLEAN, value=False),
        ]
        metrics += [
            Metric(
                name=tag.name,
                alias=_ALIASES[tag.name],
                at_ms=at_ms,
                datatype=_KINDS[tag.name],
                value=self._values.get(tag.name),
            )
            for tag in TAGS
        ]
        self._seq = 0
        client.publish(self._topic("NBIRTH"), encode(metrics, at_ms=at_ms, seq=0), qos=0)

    def _send(
        self, client: Client, changes: tuple[Change, ...], *, historical: bool = False
    ) -> bool:
        """Publish changes as one message; False if the link would not take it."""
        metrics = [
            Metric(
                name="",
                alias=_ALIASES[name],
                at_ms=change.at_ms,
                datatype=_KINDS[name],
                value=value,
                historical=historical,
            )
            for change in changes
            for name, value in change.values.items()
            if name in _ALIASES
        ]
        if not metrics:
            return True
        following = (self._seq + 1) % 256
        payload = encode(metrics, at_ms=self._now_ms(), seq=following)
        told = client.publish(self._topic("NDATA"), payload, qos=0)
        if self._lost.is_set() or told.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._seq = following
        self._remember(changes)
        return True

    def _remember(self, changes: tuple[Change, ...]) -> None:
        """Keep what a dead link may have swallowed: paho finds out within 1.5 keep-alives."""
        now_ns = self._clock.now_ns()
        self._sent.extend((now_ns, change) for change in changes)
        oldest_ns = now_ns - int(2 * self._config.keep_alive_s * NS_PER_S)
        while self._sent and self._sent[0][0] < oldest_ns:
            self._sent.popleft()

    def _put_by(self, changes: tuple[Change, ...]) -> None:
        try:
            self._kept.keep(changes)
        except StoreUnavailableError as error:
            _log.error("sparkplug: changes are lost: %s", error)

    def _commanded(self, message: MQTTMessage) -> None:
        try:
            asked = commands(bytes(message.payload))
        except SparkplugError as error:
            _log.warning("sparkplug: command ignored: %s", error)
            return
        if asked.get(REBIRTH):
            self._reborn.set()
            self._offers.put(None)

    def _death(self) -> bytes:
        at_ms = self._now_ms()
        birth = Metric(name="bdSeq", at_ms=at_ms, datatype=DataType.INT64, value=self._birth)
        return encode((birth,), at_ms=at_ms, seq=None)

    def _topic(self, kind: str) -> str:
        return f"{NAMESPACE}/{self._config.group_id}/{kind}/{self._config.edge_node_id}"

    def _now_ms(self) -> int:
        return int(self._now().timestamp() * 1000)
