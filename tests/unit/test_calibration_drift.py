"""The drift watch: what happens to a line is found and named, what does not happen is not."""

import numpy as np
import pytest

from calibration.drift.alarm import DriftKind, SteadyMean
from calibration.drift.cost import ALONG_COST, cost_of, limit_of
from calibration.drift.delay_lamp import DelayLampWatch
from calibration.drift.lag import LagWatch
from calibration.drift.monitor import DriftMonitor
from calibration.drift.reference import load_reference, save_reference, take_reference
from calibration.errors import CalibrationError
from twin.rig.drift_scene import DriftScene, Misfortune
from twin.rig.truth import random_rig

TRUTH = random_rig(5)


@pytest.fixture(scope="module")
def reference():
    scene = DriftScene(TRUTH, seed=1)
    found, lacks = take_reference(
        [scene.single() for _ in range(12)], TRUTH.plane, TRUTH.belt_width_mm
    )
    assert lacks == ""
    return found


def watched(reference, what, looks=26):
    scene = DriftScene(TRUTH, seed=2)
    monitor = DriftMonitor(
        reference,
        TRUTH.plane,
        mm_per_tick=TRUTH.mm_per_tick,
        bar_distance_mm=600.0,
        lamps=scene.lamps,
    )
    scene.happen(what)
    for _ in range(looks):
        monitor.look(scene.single(), float("nan"))
    return monitor.findings()


@pytest.mark.parametrize(
    ("what", "kind", "where"),
    [
        (Misfortune(tilt_deg=(0.3, 0.0, 0.0)), DriftKind.CAMERA_MOVED, "along the belt"),
        (Misfortune(tilt_deg=(0.0, 0.3, 0.0)), DriftKind.CAMERA_MOVED, "across the belt"),
        (Misfortune(tilt_deg=(4.0, 0.0, 0.0)), DriftKind.CAMERA_MOVED, "no mark"),
        (Misfortune(blur_px=1.3), DriftKind.FOCUS_LOST, ""),
    ],
)
def test_a_knocked_or_blurred_camera_is_named_with_cost_and_remedy(reference, what, kind, where):
    found = [f for f in watched(reference, what) if f.kind is kind]
    assert any(where in f.where for f in found)
    assert all(f.loss_points > 0 and f.remedy and "points" in f.detail for f in found)


def test_a_line_to_which_nothing_happens_raises_nothing(reference):
    assert watched(reference, Misfortune()) == ()


def test_a_reference_survives_its_file_and_a_broken_one_is_refused(reference, tmp_path):
    path = save_reference(reference, tmp_path, "0123456789")
    again = load_reference(tmp_path, "0123456789")
    assert np.array_equal(again.marks.patches, reference.marks.patches)
    assert load_reference(tmp_path, "ffffffffff") is None
    whole = path.read_bytes()
    for broken in (b"no picture", b"", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(CalibrationError, match="cannot be read"):
            load_reference(tmp_path, "0123456789")


def test_a_machine_without_marks_is_told_what_to_do():
    bare = [np.full((320, 640, 3), 90, np.uint8)] * 3
    found, lacks = take_reference(bare, TRUTH.plane, TRUTH.belt_width_mm)
    assert found.marks is None
    assert "stick dark crosses" in lacks


@pytest.mark.parametrize("late_ms", [-4.0, 0.0, 3.0])
def test_the_lamp_beside_the_belt_tells_how_late_the_stamps_are(late_ms):
    rng = np.random.default_rng(4)
    watch = DelayLampWatch(period_tick=80.0, mm_per_tick=0.5, memory=400)
    for frame in range(800):
        true_tick = frame * 61.803
        stamp = true_tick + (late_ms + rng.normal(0, 0.2)) * 3.0
        on = (true_tick / 80.0) % 1.0 < 0.5
        watch.add(tick=stamp, brightness=float(on), ticks_per_s=3000.0)
    assert watch.settled
    assert watch.delay_ms == pytest.approx(late_ms, abs=0.3)


def test_a_bar_that_opens_late_is_found_and_one_that_jitters_is_not():
    rng = np.random.default_rng(5)
    late = LagWatch(DriftKind.VALVE_LAG, "plastic")
    calm = LagWatch(DriftKind.VALVE_LAG, "paper")
    for _ in range(60):
        late.add(4.0 + rng.normal(0, 0.8))
        calm.add(rng.normal(0, 0.8))
    (found,) = late.findings(1500.0)
    assert found.where == "plastic"
    assert calm.findings(1500.0) == ()


def test_a_mean_is_not_judged_before_it_has_settled():
    mean = SteadyMean(memory=10)
    mean.add(100.0)
    assert not mean.beyond(1.0)


def test_limits_and_costs_are_two_readings_of_one_table():
    assert cost_of(limit_of(ALONG_COST, 0.5), ALONG_COST) == pytest.approx(0.5)
    assert cost_of(-6.0, ALONG_COST) == cost_of(6.0, ALONG_COST)
    assert cost_of(20.0, ALONG_COST) > cost_of(10.0, ALONG_COST)
