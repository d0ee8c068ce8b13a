"""GigE Vision over loopback and a GenTL producer not made here: settings, losses, coming back."""

import importlib.util
import json
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

import run_line
from calibration.clock import MonotonicClock
from calibration.units import NS_PER_S
from tests.support.coded_frames import number_of
from tests.support.coded_gige import coded_gige, gige_is_possible
from vision.capture import CaptureState, CaptureThread
from vision.config import GenicamCamera
from vision.errors import CameraError, CameraTimeoutError
from vision.factory import open_camera

CLOCK = MonotonicClock()
NEVER = threading.Event()
pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(not gige_is_possible(), reason="libaravis-0.8-0 is not installed"),
]
VIKY = importlib.util.find_spec("genicam")
PRODUCER = Path(VIKY.origin).parent / "viky.cti" if VIKY and VIKY.origin else None
FAKE = "arv-fake-gv-camera-0.8"


def wait_until(condition, patience_s=20.0):
    deadline_ns = CLOCK.now_ns() + patience_s * NS_PER_S
    while not condition():
        assert CLOCK.now_ns() < deadline_ns, "condition did not come true"
        CLOCK.wait(NEVER, 0.02)


def frame_of(camera):
    # The camera of the test before may still be on its way out of the driver.
    wait_until(lambda: _opens(camera))
    for _ in range(20):
        try:
            return camera.read(0.5)
        except CameraTimeoutError:
            continue
    raise AssertionError("no frame came")


@pytest.fixture(scope="module")
def gige():
    with coded_gige("WIRE") as server:
        yield server


@pytest.fixture
def opened(gige):
    cameras = []

    def open_(**changes):
        cameras.append(open_camera(gige.config(**changes), CLOCK))
        return cameras[-1]

    yield open_
    for camera in cameras:
        camera.close()


@pytest.mark.parametrize("pixel_format", ["RGB8", "Mono8", "BayerRG8", "BayerGB8"])
def test_each_pixel_format_shows_the_same_picture(opened, pixel_format):
    frame = frame_of(opened(pixel_format=pixel_format))
    assert frame.image.shape == (160, 320, 3)
    assert 0 <= number_of(frame.image) < 500
    red = frame.image[100, 100]
    assert red[2] > 50
    assert (red[2] > red[0] + 100) == (pixel_format != "Mono8")


def test_frames_held_for_long_keep_their_pixels_while_new_ones_come(opened):
    camera = opened()
    frame_of(camera)
    held = [camera.read(2.0) for _ in range(14)]
    numbers = [number_of(frame.image) for frame in held]
    assert len(set(numbers)) == 14
    camera.close()
    assert [number_of(frame.image) for frame in held] == numbers


def test_setting_the_camera_refuses_is_named_with_what_it_kept(opened):
    with pytest.raises(CameraError, match=r"pixel_format = BGR8.*arv-tool"):
        opened(pixel_format="BGR8").open()
    with pytest.raises(CameraError, match=r"trigger_line = Line7"):
        opened(trigger="encoder", trigger_line="Line7").open()


def test_software_trigger_exposes_when_asked(opened):
    camera = opened(trigger="software", frames_per_s=10.0)
    first = frame_of(camera)
    second = camera.read(2.0)
    assert (number_of(second.image) - number_of(first.image)) % 500 == second.seq - first.seq
    assert second.exposed_ns - first.exposed_ns > 0.05 * NS_PER_S * (second.seq - first.seq)


def test_camera_waiting_for_an_encoder_that_stands_still_is_lost(opened):
    camera = opened(trigger="encoder", trigger_line="Line0", stall_after_ms=300)
    camera.open()
    with pytest.raises(CameraError, match=r"no frame (for|came)"):
        camera.read(2.0)


def test_second_program_is_refused_while_the_first_holds_the_camera(opened):
    frame_of(opened())
    second = opened()
    with pytest.raises(CameraError, match="another program controls this camera"):
        second.open()


def test_camera_out_of_reach_is_told_with_what_is_there_and_how_networks_are_set(opened):
    with pytest.raises(CameraError, match=r"found: .*Aravis-Fake.*address in the network"):
        opened(device="192.0.2.77").open()


def test_camera_that_vanishes_comes_back_by_itself_and_its_loss_is_named(gige, opened):
    capture = CaptureThread(camera=opened(stall_after_ms=400), clock=CLOCK, stall_after_ms=400)
    capture.start()
    try:
        wait_until(lambda: capture.status().frames > 3)
        gige.kill()
        wait_until(lambda: capture.status().state is CaptureState.LOST)
        assert "no frame" in capture.status().error
        gige.return_()
        wait_until(lambda: capture.status().state is CaptureState.RUNNING)
        assert capture.status().reopened == 1
    finally:
        capture.stop()


@pytest.mark.skipif(shutil.which(FAKE) is None, reason="aravis-tools is not installed")
def test_frames_with_lost_packets_are_counted_and_never_shown(gige):
    gige.kill()
    fake = subprocess.Popen([FAKE, "-i", "127.0.0.1", "-s", "LOSSY", "-r", "3"])
    config = GenicamCamera(
        source="genicam",
        camera_id="lossy",
        device="Aravis-Fake-LOSSY",
        exposure_ms=5,
        transfer_ms=2,
        stall_after_ms=3000,
        pixel_format="Mono8",
        packet_bytes=1400,
    )
    camera = open_camera(config, CLOCK)
    try:
        wait_until(lambda: _opens(camera))
        wait_until(lambda: camera.losses().incomplete > 2)
    finally:
        camera.close()
        fake.kill()
        fake.wait()
        gige.return_()
    assert camera.losses().incomplete > 2


def _opens(camera):
    try:
        camera.open()
    except CameraError:
        return False
    return True


@pytest.mark.skipif(PRODUCER is None, reason="the genicam package is not installed")
def test_gentl_producer_without_timestamps_delivers_pictures():
    config = GenicamCamera(
        source="genicam",
        transport="gentl",
        producer=PRODUCER,
        device="VikyTL_DEV_green",
        camera_id="viky",
        exposure="as_set",
        exposure_ms=1,
        transfer_ms=2,
        stall_after_ms=2000,
    )
    camera = open_camera(config, CLOCK)
    try:
        frame = frame_of(camera)
        later = camera.read(2.0)
    finally:
        camera.close()
    assert frame.image.shape == (400, 400, 3)
    assert later.seq > frame.seq
    assert later.exposed_ns > frame.exposed_ns
    assert not np.array_equal(later.image, np.zeros_like(later.image))


@pytest.mark.skipif(PRODUCER is None, reason="the genicam package is not installed")
def test_wrong_gentl_device_and_wrong_producer_are_named(tmp_path):
    common = {
        "source": "genicam", "transport": "gentl", "camera_id": "viky", "exposure": "as_set",
        "exposure_ms": 1, "transfer_ms": 2, "stall_after_ms": 2000,
    }  # fmt: skip
    absent = GenicamCamera(producer=PRODUCER, device="purple", **common)
    with pytest.raises(CameraError, match=r"purple: no such camera; found: VikyTL_DEV_red"):
        open_camera(absent, CLOCK).open()
    (tmp_path / "notes.cti").write_text("no library")
    wrong = GenicamCamera(producer=tmp_path / "notes.cti", device="purple", **common)
    with pytest.raises(CameraError, match=r"notes\.cti: no GenTL producer"):
        open_camera(wrong, CLOCK).open()


def test_cameras_command_prints_a_section_that_the_line_file_takes(gige, capsys):
    assert run_line.main(["cameras", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"source": "genicam", "device": gige.device}.items() <= next(
        entry for entry in listed if entry["device"] == gige.device
    ).items()
    assert run_line.main(["cameras"]) == 0
    assert f'device = "{gige.device}"' in capsys.readouterr().out
