"""The telemetry section: nothing listens beyond this machine by accident."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from telemetry.config import TelemetryConfig


def section(**changes: Any) -> TelemetryConfig:
    values = {
        "host": "127.0.0.1",
        "port": 8080,
        "store_path": Path("line.sqlite"),
        "socket_path": Path("line.sock"),
    }
    return TelemetryConfig.model_validate({**values, **changes})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_needs_no_permission(host: str) -> None:
    assert host in section(host=host).host_names


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "line-pc"])
def test_binding_beyond_loopback_needs_the_flag(host: str) -> None:
    with pytest.raises(ValidationError, match="allow_remote"):
        section(host=host)
    remote = section(host=host, allow_remote=True, allowed_hosts=("line-pc.plant",))
    assert {host, "line-pc.plant", "localhost"} <= remote.host_names


def test_a_socket_path_too_long_for_the_kernel_is_refused() -> None:
    with pytest.raises(ValidationError, match="takes 107"):
        section(socket_path=Path("/" + "x" * 107))


@pytest.mark.parametrize("missing", ["host", "port", "store_path", "socket_path"])
def test_where_to_listen_and_write_has_no_silent_default(missing: str) -> None:
    values = section().model_dump()
    del values[missing]
    with pytest.raises(ValidationError, match="Field required"):
        TelemetryConfig.model_validate(values)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        section(colour="grey")


def test_a_plant_adds_downtime_reasons_and_a_wrong_one_is_named() -> None:
    words = {"kk": "a", "ru": "b", "en": "c"}
    given = {"host": "127.0.0.1", "port": 0, "store_path": "a", "socket_path": "b"}
    config = TelemetryConfig.model_validate(
        given | {"reasons": {"bunker_bridge": {"category": "starved", **words}}}
    )
    again = TelemetryConfig.model_validate_json(config.model_dump_json())
    assert again.reasons["bunker_bridge"].en == "c"
    for wrong in (
        {"Bad Code": {"category": "starved", **words}},
        {"x": {"category": "producing", **words}},
        {"x": {"category": "starved"}},
    ):
        with pytest.raises(ValidationError, match="reasons"):
            TelemetryConfig.model_validate(given | {"reasons": wrong})


@pytest.mark.parametrize(
    ("section", "changes", "words"),
    [
        ("sparkplug", {"group_id": "a/b"}, "group_id"),
        ("sparkplug", {"edge_node_id": "+"}, "edge_node_id"),
        ("sparkplug", {"certificate": "c.pem"}, "go together"),
        ("sparkplug", {"certificate": "c.pem", "key": "k.pem"}, "authority"),
        ("opcua", {"host": "0.0.0.0"}, "certificate and key"),
        ("opcua", {"port": 0}, "port"),
        ("opcua", {"write": True}, "write"),
    ],
)
def test_sections_for_other_systems_say_what_is_wrong(
    section: str, changes: dict[str, object], words: str
) -> None:
    right = {
        "sparkplug": {"host": "b", "port": 1883, "group_id": "g", "edge_node_id": "n"},
        "opcua": {"host": "127.0.0.1", "port": 4840},
    }[section]
    given = {"host": "127.0.0.1", "port": 0, "store_path": "a", "socket_path": "b"}
    assert TelemetryConfig.model_validate(given | {section: right})
    with pytest.raises(ValidationError, match=words):
        TelemetryConfig.model_validate(given | {section: right | changes})
