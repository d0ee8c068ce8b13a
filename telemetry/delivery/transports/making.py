"""Makes transports from the configuration."""

import os
from collections.abc import Sequence
from typing import assert_never

from telemetry.delivery.config import (
    DeliveryConfig,
    FolderTarget,
    HttpsTarget,
    MqttTarget,
    SftpTarget,
)
from telemetry.delivery.ports import Transport
from telemetry.delivery.transports.folder import FolderTransport
from telemetry.delivery.transports.https import HttpsTransport
from telemetry.delivery.transports.mqtt import MqttTransport
from telemetry.delivery.transports.sftp import SftpTransport, sftp_command

MQTT_PASSWORD = "SORTLINE_MQTT_PASSWORD"  # noqa: S105 - a variable's name


def make_transports(deliveries: Sequence[DeliveryConfig]) -> dict[str, Transport]:
    """Return a transport for every receiver, by name; nothing is connected yet."""
    return {delivery.name: _make(delivery) for delivery in deliveries}


def _make(delivery: DeliveryConfig) -> Transport:
    match delivery.to:
        case FolderTarget(path=path):
            return FolderTransport(path)
        case SftpTarget() as target:
            command = sftp_command(target.destination, target.port)
            return SftpTransport(command, target.path, target.timeout_s)
        case HttpsTarget() as target:
            return HttpsTransport(
                url=target.url,
                trust=target.trust,
                certificate=target.certificate,
                key=target.key,
                timeout_s=target.timeout_s,
            )
        case MqttTarget() as target:
            return MqttTransport(target, os.environ.get(MQTT_PASSWORD, ""))
        case _:
            assert_never(delivery.to)
