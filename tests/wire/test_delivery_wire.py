"""Delivery over real wires: HTTPS with certificates and a receiver that misbehaves, sftp, MQTT."""

import json
import random
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from telemetry.database.address import sqlite_url
from telemetry.database.migration import open_database
from telemetry.delivery.config import DeliveryConfig, MqttTarget
from telemetry.delivery.dispatcher import Dispatcher
from telemetry.delivery.ports import DeliveryRefusedError, DeliveryRetryError, Parcel
from telemetry.delivery.queue import DeliveryQueue
from telemetry.delivery.receiver import Inbox
from telemetry.delivery.transports.https import HttpsTransport
from telemetry.delivery.transports.making import make_transports
from telemetry.delivery.transports.mqtt import MqttTransport
from telemetry.delivery.transports.sftp import SftpTransport
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind
from telemetry.reports.desk import ReportDesk
from telemetry.reports.period import parse_period
from telemetry.reports.seal import content_hash
from tests.support.plant import WallClock, accounts
from tests.support.plant_month import END, FIRST, fortnight
from tests.support.receivers import MisbehavingReceiver, certificates, running_receiver

pytestmark = pytest.mark.wire

SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")
CONTENT_VALUES = {"report": "қалдық", "padding": "x" * 40_000}


def parcel(number=1, key=None):
    values = CONTENT_VALUES | {"number": number}
    values["sha256"] = content_hash(values)
    return Parcel(
        parcel_id=number,
        destination="office",
        facility="000140000012/site-1",
        key=key or f"uid-{number}:1",
        content=json.dumps(values).encode(),
        sha256=values["sha256"],
        attempts=0,
    )


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("papers"))


def https(papers, port, timeout_s=5.0, who="client"):
    return HttpsTransport(
        url=f"https://localhost:{port}/reports",
        trust=papers / "ca.pem",
        certificate=papers / f"{who}.pem",
        key=papers / f"{who}.key",
        timeout_s=timeout_s,
    )


def test_the_reference_receiver_takes_each_report_once_and_gives_the_same_receipt(papers, tmp_path):
    with running_receiver(papers, tmp_path / "inbox.sqlite") as port:
        transport = https(papers, port)
        first = transport.send(parcel())
        assert json.loads(first)["sha256"] == parcel().sha256
        assert transport.send(parcel()) == first
        transport.send(parcel(2))
        with pytest.raises(DeliveryRefusedError, match="409"):
            transport.send(parcel(3, key="uid-1:1"))
    assert Inbox(tmp_path / "inbox.sqlite").keys() == ("uid-1:1", "uid-2:1")


def test_a_client_without_a_certificate_of_the_plant_s_authority_is_not_heard(papers, tmp_path):
    with (
        running_receiver(papers, tmp_path / "inbox.sqlite") as port,
        pytest.raises(DeliveryRetryError),
    ):
        https(papers, port, who="stranger").send(parcel())
    assert Inbox(tmp_path / "inbox.sqlite").keys() == ()


def test_a_server_with_a_certificate_of_another_authority_gets_nothing(papers, tmp_path):
    with MisbehavingReceiver(papers, tmp_path / "inbox.sqlite", ["good"], who="stranger") as bad:
        with pytest.raises(DeliveryRetryError, match="CERTIFICATE_VERIFY_FAILED"):
            https(papers, bad.port).send(parcel())
        assert bad.inbox.keys() == ()


@pytest.mark.parametrize(
    "behaviours",
    [
        ["accept_and_say_nothing", "good"],
        ["answer_twice", "good"],
        ["500", "good"],
        ["drop_half_the_body", "good"],
        ["half_an_answer", "good"],
        ["receipt_for_another", "good"],
        ["429", "503", "accept_and_say_nothing", "500", "half_an_answer", "good"],
        ["close_at_once", "good"],
    ],
    ids="-".join,
)
def test_a_receiver_that_misbehaves_has_each_report_exactly_once_and_in_order(
    papers, tmp_path, behaviours
):
    clock = WallClock(END)
    database = open_database(sqlite_url(tmp_path / "plant.sqlite"))
    plant = accounts(deliveries=[{"name": "office", "to": {"kind": "folder", "path": "x"}}])
    Ledger(database, plant, now=clock).append(fortnight(days=2))
    desk = ReportDesk(database, plant, now=clock)
    uids = []
    for day in range(2):
        period = parse_period((FIRST + timedelta(days=day)).isoformat(), plant.calendar)
        uids.append(desk.make(ReportKind.SUMMARY, period, edit=None, draft=False)[0].report_uid)
    queue = DeliveryQueue(database)
    with MisbehavingReceiver(papers, tmp_path / "inbox.sqlite", behaviours) as receiver:
        transports = {"office": https(papers, receiver.port, timeout_s=1.0)}
        dispatcher = Dispatcher(queue, transports, now=clock, chance=random.Random(3))
        for _ in range(len(behaviours) + 2):
            dispatcher.drain()
            clock.step(minutes=70)
        assert receiver.inbox.keys() == tuple(f"{uid}:1" for uid in uids)
    parcels = sorted(queue.standing(), key=lambda one: one.parcel_id)
    assert [one.state.value for one in parcels] == ["delivered", "delivered"]
    receipts = [json.loads(one.receipt)["key"] for one in parcels]
    assert receipts == [f"{uid}:1" for uid in uids]
    database.close()


def test_a_receiver_asking_for_patience_is_given_it(papers, tmp_path):
    receiver = MisbehavingReceiver(papers, tmp_path / "inbox.sqlite", ["429"])
    with receiver, pytest.raises(DeliveryRetryError) as told:
        https(papers, receiver.port).send(parcel())
    assert told.value.wait == timedelta(seconds=1200)


def test_nobody_listening_is_worth_another_try(papers):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryRetryError, match="refused"):
            https(papers, unused.getsockname()[1]).send(parcel())


def test_missing_certificates_can_be_put_right_meanwhile(papers):
    with pytest.raises(DeliveryRetryError, match=r"nobody\.pem"):
        https(papers, 1, who="nobody").send(parcel())


@pytest.mark.skipif(
    not SFTP_SERVER.exists(),
    reason="no openssh-sftp-server; run deploy/install-test-packages.sh as root",
)
def test_sftp_puts_a_file_whole_and_the_same_again_changes_nothing(tmp_path):
    command = ("sftp", "-q", "-b", "-", "-D", str(SFTP_SERVER))
    drop = tmp_path / "drop"
    drop.mkdir()
    transport = SftpTransport(command, str(drop), 20.0)
    for _ in range(2):
        receipt = json.loads(transport.send(parcel()))
        assert receipt["file"] == "000140000012-site-1-uid-1-r1.json"
    (file,) = drop.iterdir()
    assert file.read_bytes() == parcel().content
    with pytest.raises(DeliveryRetryError, match="No such file"):
        SftpTransport(command, str(tmp_path / "nowhere"), 20.0).send(parcel())
    with pytest.raises(DeliveryRetryError, match="sftp"):
        SftpTransport(("sftp-is-not-here",), "x", 1.0).send(parcel())


MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


@contextmanager
def broker(folder, papers):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        f"set_tcp_nodelay true\ncafile {papers}/ca.pem\ncertfile {papers}/server.pem\n"
        f"keyfile {papers}/server.key\nrequire_certificate true\nuser root\n"
    )
    process = subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            threading.Event().wait(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def target(papers, port, **changes):
    values = {
        "kind": "mqtt",
        "host": "localhost",
        "port": port,
        "topic": "waste/reports",
        "trust": papers / "ca.pem",
        "certificate": papers / "client.pem",
        "key": papers / "client.key",
        "timeout_s": 5,
    }
    return MqttTarget.model_validate(values | changes)


@pytest.mark.skipif(
    MOSQUITTO is None, reason="no mosquitto; run deploy/install-test-packages.sh as root"
)
def test_mqtt_hands_a_report_to_the_broker_with_its_key(tmp_path, papers):
    heard, got = [], threading.Event()
    subscribed = threading.Event()
    with broker(tmp_path, papers) as port:
        listener = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        listener.tls_set(
            str(papers / "ca.pem"), str(papers / "client.pem"), str(papers / "client.key")
        )
        listener.on_connect = lambda client, *_: client.subscribe("waste/reports/#", qos=1)
        listener.on_subscribe = lambda *_: subscribed.set()

        def take(_client, _data, message):
            heard.append(message)
            got.set()

        listener.on_message = take
        listener.connect("localhost", port)
        listener.loop_start()
        assert subscribed.wait(10)
        receipt = json.loads(MqttTransport(target(papers, port), "").send(parcel()))
        assert got.wait(10)
        listener.disconnect()
        listener.loop_stop()
    assert receipt["sha256"] == parcel().sha256
    (message,) = heard
    assert message.topic == "waste/reports/000140000012/site-1"
    assert message.payload == parcel().content
    assert ("idempotency-key", "uid-1:1") in message.properties.UserProperty


def test_a_broker_that_is_not_there_is_worth_another_try(papers):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(DeliveryRetryError):
            MqttTransport(target(papers, port), "").send(parcel())


def test_every_kind_of_target_makes_its_transport(papers, tmp_path):
    targets = [
        {"kind": "folder", "path": str(tmp_path)},
        {"kind": "sftp", "destination": "me@host", "path": "drop"},
        {
            "kind": "https",
            "url": "https://localhost/r",
            "trust": "a",
            "certificate": "b",
            "key": "c",
        },
        {"kind": "mqtt", "host": "h", "port": 1883, "topic": "t"},
    ]
    deliveries = [
        DeliveryConfig.model_validate({"name": one["kind"], "to": one}).beside(tmp_path)
        for one in targets
    ]
    assert set(make_transports(deliveries)) == {"folder", "sftp", "https", "mqtt"}
    assert deliveries[2].to.key == tmp_path / "c"
