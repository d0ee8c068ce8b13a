"""Certificates of a test authority, and a soft PLC behind TLS that knows them."""

from pathlib import Path

from calibration.clock import MonotonicClock
from plc.certificates import Authority, write_certificate, write_pair
from plc.config import PlcConfig, TlsTransport
from tests.support.plc_bench import CYCLE_MS, MAX_TICKS_PER_S
from tests.support.plc_wire import HEARTBEAT_TIMEOUT_MS, TIMEOUT_MS, UNIT_ID
from twin.soft_plc.setup import TlsEndpoint


class TestPlant:
    """A folder of certificates: good ones and every bad one."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ours, strange = Authority.new("ours"), Authority.new("somebody else's")
        write_certificate(folder / "ca.pem", ours.certificate)
        write_certificate(folder / "strange-ca.pem", strange.certificate)
        write_pair(folder, "plc", ours.issue("plc", hosts=["127.0.0.1"]))
        write_pair(folder, "plc-expired", ours.issue("plc", hosts=["127.0.0.1"], days=-1))
        write_pair(folder, "plc-elsewhere", ours.issue("plc", hosts=["plc.example"]))
        write_pair(folder, "operator", ours.issue("line", role="operator"))
        write_pair(folder, "viewer", ours.issue("line", role="viewer"))
        write_pair(folder, "unknown-role", ours.issue("line", role="cleaner"))
        write_pair(folder, "no-role", ours.issue("line"))
        write_pair(folder, "expired", ours.issue("line", role="operator", days=-1))
        write_pair(folder, "stranger", strange.issue("line", role="operator"))

    def endpoint(self, name: str = "plc") -> TlsEndpoint:
        """Return a PLC's end with one of its certificates."""
        return TlsEndpoint(
            port=0,
            ca=self.folder / "ca.pem",
            certificate=self.folder / f"{name}.pem",
            key=self.folder / f"{name}.key",
        )

    def config(
        self, port: int, name: str = "operator", *, ca: str = "ca", server_name: str | None = None
    ) -> PlcConfig:
        """Return a line's end with one of its certificates."""
        return PlcConfig(
            transport=TlsTransport(
                kind="tls",
                host="127.0.0.1",
                port=port,
                ca=self.folder / f"{ca}.pem",
                certificate=self.folder / f"{name}.pem",
                key=self.folder / f"{name}.key",
                server_name=server_name,
            ),
            unit_id=UNIT_ID,
            timeout_ms=TIMEOUT_MS,
            cycle_ms=CYCLE_MS,
            heartbeat_timeout_ms=HEARTBEAT_TIMEOUT_MS,
            max_ticks_per_s=MAX_TICKS_PER_S,
            encoder_stall_ms=500,
        )


CLOCK = MonotonicClock()
