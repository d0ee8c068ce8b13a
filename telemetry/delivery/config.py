"""Where filed reports are delivered to: `[[accounts.deliveries]]`."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from calibration.section import Section


class FolderTarget(Section):
    """A folder, local or mounted."""

    kind: Literal["folder"]
    path: Path


class SftpTarget(Section):
    """A folder on a server, by OpenSSH's sftp in batch mode; keys and hosts are OpenSSH's own."""

    kind: Literal["sftp"]
    destination: str = Field(pattern=r"^[^\s-]\S*$")
    """`user@host`, or a Host of the account's ssh_config."""
    path: str = Field(min_length=1, pattern=r"^[^\"\\\r\n]+$")
    port: int = Field(default=22, ge=1, le=65535)
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0


class HttpsTarget(Section):
    """An HTTPS POST with an idempotency key and a client certificate."""

    kind: Literal["https"]
    url: str
    trust: Path
    """PEM certificates that may have signed the server's."""
    certificate: Path
    """PEM client certificate."""
    key: Path
    """PEM key of the client certificate; readable by the telemetry process only."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0

    @field_validator("url")
    @classmethod
    def _is_https(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            msg = f"url {url!r} must begin with https:// and name a host"
            raise ValueError(msg)
        return url


class MqttTarget(Section):
    """A topic of an MQTT 5 broker, QoS 1. The broker's acknowledgement is the receipt."""

    kind: Literal["mqtt"]
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    topic: str = Field(min_length=1, pattern=r"^[^#+\x00]+$")
    """Reports go to `<topic>/<facility>`."""
    trust: Path | None = None
    """PEM certificates that may have signed the broker's; without it the link is not encrypted."""
    certificate: Path | None = None
    key: Path | None = None
    user: str = ""
    """Its password comes from the environment: SORTLINE_MQTT_PASSWORD."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0


Target = Annotated[
    FolderTarget | SftpTarget | HttpsTarget | MqttTarget, Field(discriminator="kind")
]


class DeliveryConfig(Section):
    """One receiver of this plant's reports."""

    name: str = Field(pattern=r"^[\w.-]{1,40}$")
    to: Target

    def beside(self, folder: Path) -> "DeliveryConfig":
        """Return it with relative paths made to start at the line file's folder."""
        moved = {name: folder / value for name, value in self.to if isinstance(value, Path)}
        return self.model_copy(update={"to": self.to.model_copy(update=moved)})
