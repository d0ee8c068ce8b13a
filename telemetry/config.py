"""The telemetry section of line.toml: where the page listens and where records are kept."""

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from calibration.section import Section
from telemetry.effectiveness.reasons import DowntimeReason, ReasonCode
from telemetry.exchange.config import OpcUaConfig, SparkplugConfig
from telemetry.ledger.plant_line import PlantLine
from telemetry.plant.config import PlantConfig

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

UNIX_PATH_MAX_BYTES = 107
"""Room in sockaddr_un.sun_path on Linux, less its terminating zero (man 7 unix)."""


def is_loopback(host: str) -> bool:
    """Return whether `host` can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class TelemetryConfig(Section):
    """Where the telemetry process listens and writes. Nothing here moves metal."""

    host: str = Field(min_length=1)
    """Address the page binds to, 127.0.0.1 unless the plant decides otherwise."""
    port: int = Field(ge=0, le=65535)
    """TCP port of the page; 0 takes any free one."""
    store_path: Path
    """SQLite file of items and sessions; made when absent."""
    socket_path: Path
    """Unix socket on which the line hands its records over."""
    pictures: bool = True
    """Whether the live picture is shown."""
    allow_remote: bool = False
    """Needed to bind beyond loopback without TLS: passwords then cross the network in clear."""
    tls_certificate: Path | None = None
    """PEM file of the page's certificate and those that vouch for it; the page is https then."""
    tls_key: Path | None = None
    """PEM file of its private key."""
    kiosk: bool | None = None
    """Whether whoever reaches the page may look without signing in; acting needs it always. By
    default only where the page is bound to loopback."""
    session_h: float = Field(default=12.0, gt=0, le=24 * 7)
    """Hours until a user must sign in again: a shift."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names or addresses by which browsers reach the page; others are refused."""
    database: PlantConfig | None = None
    """The plant's database that items are sent on to; without it they stay in the line's store."""
    sparkplug: SparkplugConfig | None = None
    """An MQTT broker that the line is a Sparkplug B edge node of (docs/integration.md)."""
    opcua: OpcUaConfig | None = None
    """An OPC UA server with the line's PackML tags."""
    reasons: dict[ReasonCode, DowntimeReason] = Field(default_factory=dict)
    """The plant's own downtime reasons, by code; one of a shipped code replaces that one."""

    plant: PlantLine | None = None
    """Whose accounts this process keeps; filled in from [accounts], never written by hand."""

    @field_validator("socket_path")
    @classmethod
    def _fits_a_socket_address(cls, path: Path) -> Path:
        size = len(str(path).encode())
        if size > UNIX_PATH_MAX_BYTES:
            msg = f"socket path has {size} bytes, a Unix socket takes {UNIX_PATH_MAX_BYTES}"
            raise ValueError(msg)
        return path

    @model_validator(mode="after")
    def _remote_only_on_purpose(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            msg = "tls_certificate and tls_key go together: name both or neither"
            raise ValueError(msg)
        if not (self.allow_remote or self.tls or is_loopback(self.host)):
            msg = (
                f"host {self.host} can be reached from other machines and passwords would cross "
                "the network in clear; bind 127.0.0.1, name tls_certificate and tls_key, or set "
                "allow_remote = true"
            )
            raise ValueError(msg)
        return self

    def beside(self, folder: Path) -> "TelemetryConfig":
        """Return the section with its paths taken from a folder, the line file's."""
        return self.model_copy(
            update={
                "store_path": (folder / self.store_path).resolve(),
                "socket_path": (folder / self.socket_path).resolve(),
                **{
                    name: None if path is None else (folder / path).resolve()
                    for name, path in (
                        ("tls_certificate", self.tls_certificate),
                        ("tls_key", self.tls_key),
                    )
                },
                "database": None if self.database is None else self.database.beside(folder),
                "sparkplug": None if self.sparkplug is None else self.sparkplug.beside(folder),
                "opcua": None if self.opcua is None else self.opcua.beside(folder),
            }
        )

    @property
    def tls(self) -> bool:
        """Whether the page is served by TLS."""
        return self.tls_certificate is not None

    @property
    def scheme(self) -> str:
        """What the page's address begins with."""
        return "https" if self.tls else "http"

    @property
    def open_to_read(self) -> bool:
        """Whether whoever reaches the page may look without signing in."""
        return is_loopback(self.host) if self.kiosk is None else self.kiosk

    @property
    def users_path(self) -> Path:
        """SQLite file of users, their sessions and the audit log, beside the item store."""
        return self.store_path.with_name(f"{self.store_path.stem}.users.sqlite")

    @property
    def signals_path(self) -> Path:
        """SQLite file of alarms, states and production, beside the item store."""
        return self.store_path.with_name(f"{self.store_path.stem}.signals.sqlite")

    @property
    def host_names(self) -> frozenset[str]:
        """Names a browser may give in its Host header (against DNS rebinding)."""
        return frozenset((*LOOPBACK_NAMES, self.host, *self.allowed_hosts))
