"""Delivery to a topic of an MQTT 5 broker, QoS 1."""

import json
import ssl
import threading
from typing import Final

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from telemetry.delivery.config import MqttTarget
from telemetry.delivery.ports import DeliveryRefusedError, DeliveryRetryError, Parcel

_QOS: Final = 1


class MqttTransport:
    """Implements `Transport` with one connection per parcel.

    The broker's acknowledgement says that the broker has it, not that a subscriber does. The
    idempotency key travels as a user property; subscribers drop what they have.

    Args:
        target: broker and topic.
        password: of its user, empty without one.
    """

    def __init__(self, target: MqttTarget, password: str) -> None:
        self._target = target
        self._password = password

    def send(self, parcel: Parcel) -> str:
        """Publish and wait for the acknowledgement. See `Transport`."""
        target = self._target
        topic = f"{target.topic}/{parcel.facility}"
        client, ready, refusal = self._client()
        try:
            client.connect(target.host, target.port)
            client.loop_start()
            if not ready.wait(target.timeout_s):
                msg = f"{target.host}:{target.port} did not accept the connection"
                raise DeliveryRetryError(msg)
            if refusal:
                raise DeliveryRetryError(f"the broker refused the connection: {refusal[0]}")
            self._publish(client, topic, parcel)
        except (OSError, ValueError, RuntimeError) as error:
            raise DeliveryRetryError(f"{target.host}:{target.port}: {error}") from error
        finally:
            client.disconnect()
            client.loop_stop()
        return json.dumps({"topic": topic, "qos": _QOS, "sha256": parcel.sha256})

    def _client(self) -> tuple[Client, threading.Event, list[str]]:
        target, ready, refusal = self._target, threading.Event(), list[str]()
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if target.user:
            client.username_pw_set(target.user, self._password)
        if target.trust is not None:
            client.tls_set(
                ca_certs=str(target.trust),
                certfile=str(target.certificate) if target.certificate else None,
                keyfile=str(target.key) if target.key else None,
                cert_reqs=ssl.CERT_REQUIRED,
            )

        def connected(_c: Client, _u: object, _f: object, code: ReasonCode, _p: object) -> None:
            if code.is_failure:
                refusal.append(str(code))
            ready.set()

        client.on_connect = connected
        return client, ready, refusal

    def _publish(self, client: Client, topic: str, parcel: Parcel) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = "application/json"
        properties.UserProperty = [("idempotency-key", parcel.key), ("sha256", parcel.sha256)]
        outcome: list[ReasonCode] = []

        def published(_c: Client, _u: object, _m: int, code: ReasonCode, _p: object) -> None:
            outcome.append(code)

        client.on_publish = published
        told: MQTTMessageInfo = client.publish(
            topic, parcel.content, qos=_QOS, properties=properties
        )
        told.wait_for_publish(self._target.timeout_s)
        if not told.is_published():
            msg = "the broker did not acknowledge in time"
            raise DeliveryRetryError(msg)
        if outcome and outcome[0].is_failure:
            raise DeliveryRefusedError(f"the broker refused the message: {outcome[0]}")
