"""Lockstep on images: the rendered camera and somebody's recording, with a real network."""

import cv2
import numpy as np
import pytest

from tests.support.cell_network import write_bundle
from tests.support.coloured_items import coloured_catalogue
from tests.support.lockstep_rig import shipped_line, shipped_run
from twin.assembly import recording_run
from twin.config import FeedConfig, SlipConfig, TwinCameraConfig
from twin.lockstep import run_lockstep
from twin.viewpoint import true_calibration
from twin.virtual_clock import VirtualClock
from vision.config import DetectorConfig, ImagesCamera
from vision.errors import EndOfStreamError
from vision.factory import open_camera, open_detector
from vision.types import Fraction


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    bundle = write_bundle(tmp_path_factory.mktemp("bundle"))
    config = DetectorConfig(bundle=bundle, backend="onnxruntime", input_px=640)
    return open_detector(config, (320, 640))


@pytest.fixture(scope="module")
def world_config():
    config = shipped_line("standard")[1]
    feed = FeedConfig(
        occupancy=0.04,
        overlap_share=0.0,
        mix={Fraction.PLASTIC: 1.0, Fraction.FOOD: 1.0, Fraction.PAPER: 1.0},
    )
    camera = TwinCameraConfig(dirt_spots=0, noise_sd=1.0)
    return config.model_copy(
        update={"feed": feed, "camera": camera, "slip": SlipConfig(settled_share=1.0)}
    )


class KeepingObserver:
    """Keeps what it is shown."""

    def __init__(self):
        self.images, self.seqs = [], []

    def step(self, image, outcome):
        self.images.append(image)
        self.seqs.append(outcome.stamp.seq)


@pytest.fixture(scope="module")
def rendered(detector, world_config):
    observer = KeepingObserver()
    setup = shipped_run(
        items=12,
        config=world_config,
        catalogue=coloured_catalogue(),
        detector=detector,
        observer=observer,
    )
    return run_lockstep(setup), observer


def test_rendered_items_are_named_and_what_is_plastic_is_blown_off(rendered):
    result, _ = rendered
    scores = dict(result.fractions)
    assert result.items == 12
    assert result.totals.closes
    assert result.totals.in_flight == 0
    assert result.totals.ejected[0] > 0
    assert scores[Fraction.PLASTIC].recovery_count >= 0.5


def test_observer_sees_every_step_with_its_image(rendered):
    result, observer = rendered
    assert observer.seqs == sorted(set(observer.seqs))
    assert result.frames - 20 <= len(observer.images) <= result.frames
    assert all(image.shape == (320, 640, 3) for image in observer.images)


def test_rendered_run_repeats_bit_for_bit(rendered, detector, world_config):
    again = run_lockstep(
        shipped_run(
            items=12, config=world_config, catalogue=coloured_catalogue(), detector=detector
        )
    )
    assert again.records == rendered[0].records


@pytest.fixture
def recording(rendered, tmp_path):
    """The rendered run's frames as a folder of images, and a camera that plays them."""
    shown = [image for image in rendered[1].images if np.ptp(image) > 100][:120]
    for index, image in enumerate(shown):
        cv2.imwrite(str(tmp_path / f"{index:04d}.png"), image)
    config = ImagesCamera(
        source="images",
        camera_id="folder",
        exposure_ms=1,
        transfer_ms=0,
        stall_after_ms=500,
        path=tmp_path,
        frames_per_s=50,
    )
    camera = open_camera(config, VirtualClock(0), paced=False)
    camera.open()
    yield camera
    camera.close()


def test_a_recording_runs_through_the_line_and_its_balance_closes(
    recording, detector, world_config
):
    line, _ = shipped_line("standard")
    result = run_lockstep(
        recording_run(
            line,
            world_config,
            calibration=true_calibration(world_config, mm_per_tick=0.5),
            camera=recording,
            detector=detector,
        )
    )
    assert result.fractions is None
    assert result.lamps is None
    assert result.items == result.totals.seen == len(result.records) > 0
    assert result.totals.closes
    assert result.totals.in_flight == 0
    assert sum(result.totals.ejected) > 0
    assert result.frames > 120
    with pytest.raises(EndOfStreamError):
        recording.read(0.1)
