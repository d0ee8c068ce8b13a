"""The soft PLC's real processes behind TCP or a serial port pair, for contract and wire tests."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calibration.clock import MonotonicClock
from plc.config import PlcConfig, RtuTransport, TcpTransport
from plc.modbus_link import open_link
from tests.support.plc_bench import (
    CYCLE_MS,
    MAX_TICKS_PER_S,
    MM_PER_TICK,
    PLC_CONFIG,
    QUICK_BELT,
    Rig,
    wait_ms,
)
from twin.soft_plc.launch import SoftPlcProcesses, launch
from twin.soft_plc.setup import SerialEndpoint, SoftPlcSetup, TcpEndpoint, TlsEndpoint

UNIT_ID = 5
TIMEOUT_MS = 250.0
TOLERANCE_TICK = 100
"""Tests check that pulses are timed by the encoder, not how well this machine is doing today."""
HEARTBEAT_TIMEOUT_MS = 600
"""Wide, so that a test machine under load is not taken for a broken link."""
SOCAT = shutil.which("socat")
WIRE_PLC = PLC_CONFIG.model_copy(
    update={
        "heartbeat_timeout_ms": HEARTBEAT_TIMEOUT_MS,
        "late_tolerance_tick": TOLERANCE_TICK,
    }
)


def setup(endpoint: TcpEndpoint | TlsEndpoint | SerialEndpoint) -> SoftPlcSetup:
    """Describe the test PLC behind an endpoint."""
    return SoftPlcSetup(
        plc=WIRE_PLC,
        belt=QUICK_BELT,
        mm_per_tick=MM_PER_TICK,
        belt_seed=1,
        start_ns=MonotonicClock().now_ns(),
        endpoint=endpoint,
        unit_id=UNIT_ID,
    )


def tcp_plc() -> SoftPlcProcesses:
    """Start a PLC on any free TCP port."""
    return launch(setup(TcpEndpoint(port=0)))


def tcp_config(port: int) -> PlcConfig:
    """Return the driver's configuration for a PLC on a local port."""
    return _config(TcpTransport(kind="tcp", host="127.0.0.1", port=port))


def rtu_config(device: str) -> PlcConfig:
    """Return the driver's configuration for a PLC on a serial port."""
    return _config(RtuTransport(kind="rtu", device=device, baud=115200, parity="none", stop_bits=1))


def _config(transport: TcpTransport | RtuTransport) -> PlcConfig:
    return PlcConfig(
        transport=transport,
        unit_id=UNIT_ID,
        timeout_ms=TIMEOUT_MS,
        cycle_ms=CYCLE_MS,
        heartbeat_timeout_ms=HEARTBEAT_TIMEOUT_MS,
        max_ticks_per_s=MAX_TICKS_PER_S,
        encoder_stall_ms=500,
    )


def real_rig(config: PlcConfig) -> Rig:
    """Return a rig over a real link, not yet connected."""
    clock = MonotonicClock()
    return Rig(
        link=open_link(config, clock),
        clock=clock,
        pass_ms=wait_ms,
        tolerance_tick=TOLERANCE_TICK,
        silence_ms=1.5 * HEARTBEAT_TIMEOUT_MS,
    )


@contextmanager
def serial_pair(folder: Path) -> Iterator[tuple[str, str]]:
    """Join two pseudo serial ports with socat and yield their paths."""
    ends = [str(folder / name) for name in ("plc", "pc")]
    assert SOCAT is not None
    process = subprocess.Popen([SOCAT, *(f"pty,raw,echo=0,link={end}" for end in ends)])
    try:
        deadline_ns = MonotonicClock().now_ns() + 10_000_000_000
        while not all(Path(end).exists() for end in ends):
            assert MonotonicClock().now_ns() < deadline_ns, "socat made no ports"
            wait_ms(5)
        yield ends[0], ends[1]
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
