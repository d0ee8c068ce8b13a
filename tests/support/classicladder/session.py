"""One session with ClassicLadder, Debian's soft PLC, inside namespaces of its own.

Run as `unshare --net --ipc --pid --fork --mount-proc --kill-child python -m
tests.support.classicladder.session FOLDER`: it listens on every address and keeps its memory under
fixed keys, so neither may be the machine's. What it did is printed as JSON; `down` says why it did
not come up. The kernel ends every process of the session with it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from calibration.clock import MonotonicClock
from plc.direct.coil_image import CoilImage
from plc.direct.io_port import IoPort, RegisterCounter
from plc.encoders.config import RegisterEncoder
from plc.errors import PlcError, PlcLinkError
from plc.modbus_link import open_transport
from plc.modbus_transport import ModbusTransport
from tests.support.direct_rig import direct_setup
from tests.support.plc_bench import wait_ms

HERE = Path(__file__).parent
PORT = 5030
"""As in line.hal."""
UNIT_ID = 1
"""It answers every unit as unit 1."""
OUTPUTS = 5
WAITS = 50
LONGEST_S = 10.0
LOG = "log"
SOCKETS = Path("/tmp/.X11-unix")
"""Where X11 keeps its sockets; the session covers it with an empty folder of its own."""
CLOCK = MonotonicClock()


class DownError(Exception):
    """The soft PLC did not come up."""


def start(folder: Path) -> None:
    """Start display, HAL and ClassicLadder.

    Raises:
        DownError: one of them did not come up in time.
    """
    log = (folder / LOG).open("w")
    SOCKETS.mkdir(exist_ok=True)
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(SOCKETS)],
    ):
        done(command, folder, log)
    for name in ("line.clp", "line.hal"):
        shutil.copy(HERE / name, folder)
    display = ["Xvfb", ":77", "-nolock", "-nolisten", "tcp"]
    subprocess.Popen(display, stdout=log, stderr=log)
    until((SOCKETS / "X77").exists, "Xvfb")
    done(["/usr/lib/linuxcnc/realtime", "start"], folder, log)
    subprocess.Popen(["halcmd", "-f", "line.hal"], cwd=folder, stdout=log, stderr=log)


def done(command: list[str], folder: Path, log: object) -> None:
    """Run a command to its end.

    Raises:
        DownError: it failed or took too long.
    """
    try:
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=True, timeout=LONGEST_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise DownError(str(error)) from error


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something.

    Raises:
        DownError: it did not come.
    """
    deadline_ns = CLOCK.now_ns() + int(LONGEST_S * 1e9)
    while not true():
        if CLOCK.now_ns() > deadline_ns:
            msg = f"{what} did not come up within {LONGEST_S:g} s"
            raise DownError(msg)
        wait_ms(20)


def transport_to(unit_id: int = UNIT_ID) -> ModbusTransport:
    """Return the driver's transport, not yet connected."""
    device = direct_setup(PORT).device
    return open_transport(device.model_copy(update={"unit_id": unit_id}), CLOCK)


def listening() -> bool:
    """Return whether the soft PLC answers."""
    transport = transport_to()
    try:
        transport.open()
        return transport.read_holding(0, 1) == [0]
    except PlcLinkError:
        return False
    finally:
        transport.close()


def pin(name: str) -> str:
    """Return a HAL pin's value as HAL shows it."""
    shown = subprocess.run(
        ["halcmd", "getp", f"classicladder.0.{name}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=LONGEST_S,
    )
    return shown.stdout.strip()


def outputs(*awaited: int) -> list[int]:
    """Return which of the ladder's outputs are on, waiting in vain if not those awaited."""
    for _ in range(WAITS):
        on = [n for n in range(OUTPUTS) if pin(f"out-{n:02}") == "TRUE"]
        if on == list(awaited):
            break
        wait_ms(20)
    return on


def joined(awaited: int) -> int:
    """Return the number that the ladder makes of two registers, waiting as for outputs."""
    for _ in range(WAITS):
        number = int(pin("s32out-00"))
        if number == awaited:
            break
        wait_ms(20)
    return number


def fault_of(request: Callable[[], object]) -> str:
    """Return what the driver says of a request that cannot be."""
    try:
        return f"no fault: {request()}"
    except PlcError as error:
        return f"{type(error).__name__}: {error}"


def coils() -> dict[str, object]:
    """Write coils as direct mode does and see what the ladder makes of them."""
    image = CoilImage(16)
    port = IoPort(direct_setup(PORT).device, transport_to(), CLOCK)
    port.open(image.whole())
    seen: dict[str, object] = {"at first": outputs()}
    for output, coil in enumerate((0, 1, 7, 8, 15)):
        image.set(coil, on=True)
        port.write(*(image.take_changes() or (0, ())))
        seen[f"with coil {coil}"] = outputs(*range(output + 1))
    image.set(7, on=False)
    port.write(*(image.take_changes() or (0, ())))
    seen["without coil 7"] = outputs(0, 1, 3, 4)
    second = transport_to()
    second.open()
    seen["second master"] = fault_of(lambda: second.read_coils(0, 16))
    port.close()
    return seen | read_and_part_written()


def read_and_part_written() -> dict[str, object]:
    """Read bits back, and write three coils of a byte whose last one is on."""
    transport = transport_to()
    transport.open()
    read = {
        "read as coils": transport.read_coils(0, 16),
        "read as inputs": transport.read_discrete(0, 16),
    }
    transport.write_coils(0, [True] * 8)
    transport.write_coils(0, [False, True, False])
    read["after three of eight"] = transport.read_coils(0, 8)
    transport.write_coils(0, [False] * 16)
    transport.close()
    on = {name: [n for n, on in enumerate(bits) if on] for name, bits in read.items()}
    return {**on, "all off": outputs()}


def registers(transport: ModbusTransport) -> dict[str, object]:
    """Write and read registers, and see the number that the ladder makes of two."""
    transport.write_holding(10, [0, 1, 0x1234, 0x7FFF, 0x8000, 0xFFFF])
    back = transport.read_holding(10, 6)
    transport.write_holding(0, [0x1234, 0x5678])
    counts: dict[str, int] = {}
    for low_first in (False, True):
        config = RegisterEncoder(kind="register", address=0, low_word_first=low_first)
        reading = RegisterCounter(config, transport, CLOCK).poll()
        counts["low word first" if low_first else "high word first"] = reading.total
    return {
        "back": back,
        "back as inputs": transport.read_input(10, 6),
        "in the ladder": joined(0x12345678),
        "counts": counts,
    }


def faults(transport: ModbusTransport) -> dict[str, str]:
    """Ask for what is not there."""
    return {
        "read beyond": fault_of(lambda: transport.read_holding(5000, 2)),
        "write beyond": fault_of(lambda: transport.write_holding(5000, [1, 2])),
        "coils beyond": fault_of(lambda: transport.write_coils(5000, [True] * 8)),
    }


def session(folder: Path) -> dict[str, object]:
    """Bring the soft PLC up and do everything."""
    try:
        start(folder)
        until(listening, "ClassicLadder")
    except DownError as error:
        return {"down": f"{error}: {(folder / LOG).read_text()[-1000:]}"}
    seen: dict[str, object] = {"coils": coils()}
    transport = transport_to()
    transport.open()
    seen["registers"] = registers(transport)
    seen["faults"] = faults(transport)
    transport.close()
    other = transport_to(unit_id=5)
    other.open()
    seen["unit 5"] = fault_of(lambda: other.read_holding(0, 1))
    return seen


if __name__ == "__main__":
    where = Path(sys.argv[1])
    os.environ |= {
        "DISPLAY": ":77",
        "HOME": str(where),
        "RTAPI_UID": "65534",
        "RTAPI_FIFO_PATH": str(where / "fifo"),
    }
    sys.stdout.write(json.dumps(session(where)))
