"""The [telemetry.sparkplug] and [telemetry.opcua] sections: the line in other systems."""

import ipaddress
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from calibration.section import Section

_Name = Annotated[str, Field(pattern=r"^[^+#/\s\x00-\x1f]{1,60}$")]
_Every = Annotated[float, Field(ge=0.1, le=60)]


class SparkplugConfig(Section):
    """An MQTT broker that the line is an edge node of (Sparkplug B 3.0)."""

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    group_id: _Name
    """Of the plant."""
    edge_node_id: _Name
    """Of this line; no two of a group may have the same."""
    every_s: _Every = 1.0
    """How often changed tags are sent."""
    keep_alive_s: int = Field(default=15, ge=5, le=600)
    """A silent broker is noticed after one and a half of these."""
    kept_changes: int = Field(default=100_000, ge=1, le=10_000_000)
    """Changes kept on disk while the broker is away; beyond that the oldest go."""
    trust: Path | None = None
    """PEM certificates that may have signed the broker's; without it the link is not encrypted."""
    certificate: Path | None = None
    key: Path | None = None
    user: str = ""
    """Its password comes from the environment: SORTLINE_SPARKPLUG_PASSWORD."""

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            msg = "certificate and key go together"
            raise ValueError(msg)
        if self.certificate is not None and self.trust is None:
            msg = "a certificate without trust is never shown: name the broker's authority too"
            raise ValueError(msg)
        return self

    def beside(self, folder: Path) -> "SparkplugConfig":
        """Return the section with its paths taken from a folder."""
        return self.model_copy(update=_moved(self, folder))


class OpcUaConfig(Section):
    """An OPC UA server with the line's PackML tags, read-only."""

    host: str = Field(min_length=1)
    """Address it binds to; beyond loopback it needs a certificate."""
    port: int = Field(ge=1, le=65535)
    every_s: _Every = 1.0
    """How often tags are renewed."""
    certificate: Path | None = None
    """DER or PEM; with it only signed and encrypted sessions are taken (Basic256Sha256)."""
    key: Path | None = None

    @model_validator(mode="after")
    def _open_only_on_purpose(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            msg = "certificate and key go together"
            raise ValueError(msg)
        if self.certificate is None and not _is_loopback(self.host):
            msg = (
                f"host {self.host} can be reached from other machines and nothing is encrypted; "
                "bind 127.0.0.1 or name certificate and key"
            )
            raise ValueError(msg)
        return self

    def beside(self, folder: Path) -> "OpcUaConfig":
        """Return the section with its paths taken from a folder."""
        return self.model_copy(update=_moved(self, folder))


def _moved(section: Section, folder: Path) -> dict[str, Path]:
    return {name: folder / value for name, value in section if isinstance(value, Path)}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
