"""Modbus/TCP Security end to end: who is let in, who may write, and what is said to the others."""

import ssl
import subprocess
import sys

import pytest

from plc.errors import PlcLinkError, PlcSecurityError, SecurityProblem
from plc.modbus_link import open_link
from plc.types import PlcState
from tests.support.modbus_bytes import canned_server
from tests.support.plc_bench import IDLE
from tests.support.plc_wire import free_port, real_rig, setup
from tests.support.tls_plc import CLOCK, TestPlant
from twin.soft_plc.launch import SoftPlcError, launch

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    return TestPlant(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def port(plant):
    with launch(setup(plant.endpoint())) as processes:
        yield processes.port
        processes.check()


def refusal(config):
    link = open_link(config, CLOCK)
    with pytest.raises(PlcSecurityError) as caught:
        link.connect()
    return caught.value


def test_a_role_that_may_write_runs_the_line(plant, port):
    rig = real_rig(plant.config(port))
    try:
        assert rig.start().status.state is PlcState.RUNNING
    finally:
        rig.link.close()


def test_a_role_that_may_only_read_is_refused_its_first_write_by_name(plant, port):
    link = open_link(plant.config(port, "viewer"), CLOCK)
    link.connect()
    with pytest.raises(PlcSecurityError, match="role 'viewer'") as caught:
        link.exchange(IDLE, ())
    assert caught.value.problem is SecurityProblem.WRONG_ROLE
    link.close()


def test_a_role_that_the_plc_does_not_know_may_not_even_read(plant, port):
    assert refusal(plant.config(port, "unknown-role")).problem is SecurityProblem.WRONG_ROLE


def test_our_own_expired_certificate_is_noticed_before_connecting(plant):
    error = refusal(plant.config(free_port(), "expired"))
    assert error.problem is SecurityProblem.OWN_CERTIFICATE_EXPIRED
    assert "renewed" in str(error)


def test_our_own_certificate_without_a_role_is_noticed_before_connecting(plant):
    assert refusal(plant.config(free_port(), "no-role")).problem is SecurityProblem.NO_ROLE


def test_a_certificate_that_the_plc_does_not_trust_is_refused_in_words(plant, port):
    link = open_link(plant.config(port, "stranger"), CLOCK)
    # With TLS 1.3 the refusal arrives after the handshake.
    with pytest.raises(PlcLinkError) as caught:
        link.connect()
    assert isinstance(caught.value, PlcSecurityError)
    assert caught.value.problem is SecurityProblem.REFUSED_BY_PLC
    assert "authority that the PLC knows" in str(caught.value)


def test_a_plc_of_another_authority_is_not_trusted(plant, port):
    error = refusal(plant.config(port, ca="strange-ca"))
    assert error.problem is SecurityProblem.WRONG_CA
    assert "transport.ca" in str(error)


@pytest.mark.parametrize(
    ("certificate", "problem", "words"),
    [
        ("plc-expired", SecurityProblem.PLC_CERTIFICATE_EXPIRED, "renew it in the PLC"),
        ("plc-elsewhere", SecurityProblem.WRONG_HOSTNAME, "server_name"),
    ],
)
def test_a_plc_with_a_wrong_certificate_is_refused_in_words(plant, certificate, problem, words):
    with launch(setup(plant.endpoint(certificate))) as processes:
        error = refusal(plant.config(processes.port))
        assert error.problem is problem
        assert words in str(error)
        if problem is SecurityProblem.WRONG_HOSTNAME:
            link = open_link(plant.config(processes.port, server_name="plc.example"), CLOCK)
            link.connect()
            link.close()


def test_a_plain_modbus_port_is_told_from_a_tls_one(plant):
    with canned_server(lambda _: None) as port:
        link = open_link(plant.config(port), CLOCK)
        with pytest.raises(PlcLinkError):
            link.connect()


def test_key_and_certificate_that_do_not_belong_together_are_refused(plant):
    config = plant.config(free_port())
    wrong = config.transport.model_copy(update={"key": plant.folder / "viewer.key"})
    error = refusal(config.model_copy(update={"transport": wrong}))
    assert error.problem is SecurityProblem.OWN_FILES


def test_a_missing_certificate_names_the_command_that_makes_one(plant):
    error = refusal(plant.config(free_port(), "not-there"))
    assert error.problem is SecurityProblem.OWN_FILES
    assert "python -m plc.certificates" in str(error)


def test_the_command_makes_what_a_plc_and_a_line_need(tmp_path):
    folder = tmp_path / "made"
    command = [sys.executable, "-m", "plc.certificates", str(folder), "--role", "operator"]
    assert subprocess.run(command, check=False).returncode == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "plc.pem", folder / "plc.key")
    assert (folder / "line.key").stat().st_mode & 0o077 == 0
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 2
    assert "holds an authority already" in again.stderr
    text = subprocess.run(
        ["openssl", "x509", "-in", folder / "line.pem", "-noout", "-text"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "1.3.6.1.4.1.50316.802.1" in text


def test_a_tls_port_without_certificate_files_says_so(plant):
    endpoint = plant.endpoint("not-there")
    with pytest.raises(SoftPlcError):
        launch(setup(endpoint))
