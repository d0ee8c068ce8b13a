"""A promoted bundle is loaded and tested beside the running line, and used between two frames."""

import json
import shutil

import numpy as np
import pytest

from calibration.clock import MonotonicClock
from controller.bundle_follower import BundleFollower
from tests.support.cell_network import write_bundle
from tests.support.runtime_rig import RealTimePlc, RuntimeRig
from tests.unit.test_session_writer import HEADER, SessionWriter
from vision.config import DetectorConfig
from vision.factory import open_detector
from vision.types import FRACTIONS, Detections

CLOCK = MonotonicClock()
IMAGE = np.zeros((320, 640, 3), np.uint8)


@pytest.fixture
def shelf(tmp_path):
    """Two bundles, `one` and `two`, and a link to the first."""
    write_bundle(tmp_path / "one")
    write_bundle(tmp_path / "two", name="two")
    (tmp_path / "current").symlink_to("one")
    return tmp_path


def turn(shelf, target):
    fresh = shelf / ".current"
    fresh.symlink_to(target)
    fresh.replace(shelf / "current")


def opened(path):
    return [
        open_detector(
            DetectorConfig(bundle=path, backend="onnxruntime", input_px=320), IMAGE.shape[:2]
        )
    ]


def follower(shelf, make=opened, *, budget_ms=10_000.0):
    made = BundleFollower(shelf / "current", make, CLOCK, budget_ms=budget_ms)
    made.show([IMAGE])
    return made


def test_nothing_is_loaded_while_the_link_stays(shelf):
    one = follower(shelf)
    one.look()
    assert one.take() is None
    assert one.refused is None


def test_a_turned_link_brings_the_new_bundles_detectors_once(shelf):
    one = follower(shelf)
    turn(shelf, "two")
    one.look()
    (detector,) = one.take()
    assert detector.bundle_id.startswith("two-")
    assert one.take() is None


def test_an_altered_bundle_is_refused_and_told_and_a_way_back_is_taken(shelf):
    shutil.copytree(shelf / "two", shelf / "three")
    manifest = json.loads((shelf / "three" / "manifest.json").read_text())
    manifest["network"]["sha256"] = "0" * 64
    (shelf / "three" / "manifest.json").write_text(json.dumps(manifest))
    one = follower(shelf)
    turn(shelf, "three")
    one.look()
    assert one.take() is None
    assert "altered or cut short" in one.refused
    turn(shelf, "two")
    one.look()
    assert one.refused is None
    assert one.take() is not None


def test_a_bundle_too_slow_for_the_line_is_refused(shelf):
    one = follower(shelf, budget_ms=1e-6)
    turn(shelf, "two")
    one.look()
    assert one.take() is None
    assert "the line allows 1e-06 ms" in one.refused


class Mad:
    """Finds boxes far outside of the image, or scores that are no numbers."""

    bundle_id = "mad-0"

    def __init__(self, box, score):
        self.box, self.score = box, score

    def detect(self, image):
        scores = np.full((1, len(FRACTIONS)), self.score, np.float32)
        return Detections(boxes_px=np.array([self.box], np.float32), scores=scores)


@pytest.mark.parametrize("mad", [Mad((0, 0, 9000, 10), 0.5), Mad((0, 0, 9, 9), np.nan)])
def test_a_bundle_that_finds_nonsense_is_refused(shelf, mad):
    one = follower(shelf, lambda _: [mad])
    turn(shelf, "two")
    one.look()
    assert one.take() is None
    assert "outside of the image, or scores that are no probabilities" in one.refused


def test_a_running_line_goes_on_under_the_new_bundle_without_stopping(shelf):
    followed = BundleFollower(shelf / "current", opened, CLOCK, budget_ms=10_000.0)
    recorder = SessionWriter(shelf / "session", HEADER)
    with RuntimeRig(RealTimePlc().link, shelf / "one", follower=followed, recorder=recorder) as rig:
        rig.start_sorting()
        before = rig.wait(lambda now: now.frames > 5, "frames")
        turn(shelf, "two")
        after = rig.wait(lambda now: now.bundle_id.startswith("two-"), "the new bundle")
        assert not before.bundle_id.startswith("two-")
        later = rig.wait(lambda now: now.frames > after.frames + 5, "frames under it")
        assert later.state.value == "execute"
        assert not later.alarms
    assert "another bundle names the items now: two-" in recorder.ended_early
