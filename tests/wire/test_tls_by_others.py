"""Modbus/TCP Security with TLS that is not ours: stunnel as a PLC's end, openssl as a master."""

import re
import shutil
import struct
import subprocess
from contextlib import contextmanager, suppress

import pytest

from plc.codec import decode_status
from plc.errors import PlcSecurityError, SecurityProblem
from plc.modbus_link import open_transport
from plc.registers import MAGIC, MAP_VERSION, READ_WORDS
from tests.support.libmodbus_program import HAS_LIBMODBUS, WHY_NOT, build_slave
from tests.support.plc_wire import UNIT_ID, free_port, setup
from tests.support.tls_plc import CLOCK, TestPlant
from twin.soft_plc.launch import launch

pytestmark = pytest.mark.wire

_STUNNEL = """
foreground = yes
pid =
syslog = no
[modbus-tls]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{behind}
cert = {folder}/{certificate}.pem
key = {folder}/{certificate}.key
CAfile = {folder}/ca.pem
verifyChain = yes
requireCert = yes
"""


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    return TestPlant(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def slave_program(tmp_path_factory):
    if not HAS_LIBMODBUS:
        pytest.skip(WHY_NOT)
    if shutil.which("stunnel4") is None:
        pytest.skip("stunnel4 is not installed: apt-get install stunnel4")
    return build_slave(tmp_path_factory.mktemp("libmodbus"))


@contextmanager
def stunnel(plant, slave_program, tmp_path, certificate="plc"):
    """Run a libmodbus slave behind stunnel; yields the TLS port."""
    port, behind = free_port(), free_port()
    conf = tmp_path / "stunnel.conf"
    conf.write_text(
        _STUNNEL.format(port=port, behind=behind, folder=plant.folder, certificate=certificate)
    )
    slave = subprocess.Popen([slave_program, str(behind), "0"], stdout=subprocess.PIPE, text=True)
    door = subprocess.Popen(["stunnel4", str(conf)], stderr=subprocess.PIPE, text=True)
    try:
        assert slave.stdout.readline() == "ready\n"
        told = ""
        while "Configuration successful" not in told:
            line = door.stderr.readline()
            assert line, told
            told += line
        yield port
    finally:
        for process in (door, slave):
            process.kill()
            process.communicate()


def test_registers_are_read_and_written_through_stunnel(plant, slave_program, tmp_path):
    with stunnel(plant, slave_program, tmp_path) as port:
        transport = open_transport(plant.config(port), CLOCK)
        transport.open()
        status = decode_status(transport.read_holding(0, READ_WORDS))
        assert (status.magic, status.map_version) == (MAGIC, MAP_VERSION)
        transport.write_holding(1200, [11, 22, 33])
        assert transport.read_holding(1200, 3) == [11, 22, 33]
        transport.close()


def open_and_read(transport):
    transport.open()
    transport.read_holding(0, 2)


@pytest.mark.parametrize(
    ("theirs", "ours", "ca", "problem"),
    [
        ("plc", "stranger", "ca", SecurityProblem.REFUSED_BY_PLC),
        ("plc", "operator", "strange-ca", SecurityProblem.WRONG_CA),
        ("plc-expired", "operator", "ca", SecurityProblem.PLC_CERTIFICATE_EXPIRED),
        ("plc-elsewhere", "operator", "ca", SecurityProblem.WRONG_HOSTNAME),
    ],
)
def test_what_is_wrong_with_a_certificate_is_named_with_stunnel_too(
    plant, slave_program, tmp_path, theirs, ours, ca, problem
):
    with stunnel(plant, slave_program, tmp_path, theirs) as port:
        transport = open_transport(plant.config(port, ours, ca=ca), CLOCK)
        with pytest.raises(PlcSecurityError) as caught:
            # With TLS 1.3 a refusal arrives after the handshake.
            open_and_read(transport)
        assert caught.value.problem is problem


def s_client(plant, port, request: bytes, *options: str):
    """Send a request by `openssl s_client`; returns what it says and the answer's bytes."""
    command = [
        *("openssl", "s_client", "-quiet", "-verify_return_error"),
        *("-connect", f"127.0.0.1:{port}", "-CAfile", str(plant.folder / "ca.pem"), *options),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        with suppress(BrokenPipeError):
            process.stdin.write(request)
        answer = process.stdout.read(13)
        process.kill()
        return answer, process.stderr.read().decode()


HEAD = struct.pack(">HHHBBHH", 7, 0, 6, UNIT_ID, 3, 0, 2)


def own(plant, name):
    return ("-cert", str(plant.folder / f"{name}.pem"), "-key", str(plant.folder / f"{name}.key"))


def test_openssl_reads_our_plc_with_a_certificate_and_not_without(plant):
    with launch(setup(plant.endpoint())) as processes:
        answer, _ = s_client(plant, processes.port, HEAD, *own(plant, "operator"))
        assert answer == struct.pack(">HHHBBBHH", 7, 0, 7, UNIT_ID, 3, 4, MAGIC, MAP_VERSION)
        # Its door only hangs up: openssl sees the end of the connection, and no register.
        old = ("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        for options in ((), own(plant, "expired"), (*own(plant, "operator"), *old)):
            answer, said = s_client(plant, processes.port, HEAD, *options)
            assert answer == b""
            assert re.search("eof|alert|error|errno=104", said)
