"""The drift watch in the running line: a misfortune of the twin's camera becomes its alarm."""

import dataclasses
import logging

import numpy as np
import pytest

from calibration.drift.alarm import MEMORY, DriftFinding, DriftKind
from calibration.drift.monitor import DriftMonitor
from calibration.drift.reference import key_of, load_reference, take_reference
from calibration.errors import CalibrationError
from calibration.units import MonotonicNs
from controller.camera_row import FrameSet, Shot
from controller.drift_row import DriftRow
from controller.drift_watch import DRIFT_ALARMS, DriftWatch
from controller.health import HealthMonitor
from controller.line_file import MeasuredCalibration
from controller.outcome import FrameOutcome
from controller.step import LineStatus, StepResult
from tests.support.belt_scenes import LIMITS
from tests.support.cell_network import write_bundle
from tests.support.line_process import wait_for
from tests.support.playback_clock import PlaybackClock
from tests.support.runtime_rig import CLOCK, RealTimePlc, RuntimeRig
from tests.unit.test_health import WELL
from twin.drift_reference import keep_reference, twin_images, watch_of
from twin.rig.drift_scene import DriftScene, Misfortune
from twin.rig.truth import random_rig
from twin.viewpoint import true_calibration
from twin.whole_line import LINES, load_line
from vision.types import Frame, FrameStamp

TRUTH = random_rig(5)
DEMO = load_line(LINES / "demo.toml")
CAMERA = DEMO.line.camera.camera_id
KNOCK_AND_DIRT = Misfortune(tilt_deg=(0.5, 0.0, 0.0), dirt=(200.0, 150.0, 60.0, 0.6))


def monitor_of_rig():
    scene = DriftScene(TRUTH, seed=1)
    images = [scene.single() for _ in range(12)]
    reference, lacks = take_reference(images, TRUTH.plane, TRUTH.belt_width_mm)
    assert lacks == ""
    return DriftMonitor(
        reference,
        TRUTH.plane,
        mm_per_tick=TRUTH.mm_per_tick,
        bar_distance_mm=600.0,
        lamps=scene.lamps,
    )


def finding(kind=DriftKind.FOCUS_LOST, where=""):
    return DriftFinding(
        kind=kind, where=where, value=1.2, limit=0.7, unit="px further blur", loss_points=1.6
    )


def test_a_knocked_camera_with_a_dirty_window_stands_in_the_running_line_with_its_remedies(
    tmp_path,
):
    drift = DriftWatch(monitor_of_rig(), clock=CLOCK, least_way_tick=1.0, period_s=0.01)
    plant, scene = RealTimePlc(), DriftScene(TRUTH, seed=2)
    with RuntimeRig(plant.link, write_bundle(tmp_path), drift={0: drift}) as rig:
        rig.camera.images = [scene.single() for _ in range(12)]
        rig.start_sorting()
        scene.happen(KNOCK_AND_DIRT)
        rig.camera.images = [scene.single() for _ in range(12)]
        seen = rig.wait_alarm("drift_camera_moved")
        rig.wait_alarm("drift_window_dirty")
        rig.runtime.check()
    (moved,) = [alarm for alarm in seen.alarms if alarm.kind.value == "drift_camera_moved"]
    assert "along the belt" in moved.detail
    assert "points of purity and recovery" in moved.detail
    assert "calibrate camera and belt again" in moved.remedy


@pytest.mark.parametrize(("kind", "alarm"), DRIFT_ALARMS.items())
def test_every_drift_has_an_alarm_with_its_cost_and_goes_when_it_is_mended(kind, alarm):
    health = HealthMonitor(LIMITS, stall_after_ms=400.0)
    drifted = (finding(kind, "here"), finding(kind, "there"))
    (stands,) = health.observe(dataclasses.replace(WELL, drifted=drifted))
    assert stands.kind is alarm
    assert "here: " in stands.detail
    assert "there: " in stands.detail
    assert stands.remedy
    assert health.observe(WELL) == ()


class Counting:
    """A monitor that notes the ticks it was given and finds what it is told to."""

    def __init__(self):
        self.ticks, self.found = [], ()

    def look(self, image, tick):
        self.ticks.append(tick)

    def findings(self):
        if self.found is None:
            raise RuntimeError("no more")
        return self.found


IMAGE = np.zeros((4, 4, 3), np.uint8)


def test_pairs_are_taken_when_due_and_only_of_belt_not_seen_before():
    clock, monitor = PlaybackClock(), Counting()
    drift = DriftWatch(monitor, clock=clock, least_way_tick=100.0)
    drift.start()

    def offer(*ticks):
        for tick in ticks:
            drift.show(IMAGE, tick)

    offer(0.0, 10.0, 400.0)
    wait_for(lambda: monitor.ticks == [0.0, 10.0], lambda: str(monitor.ticks))
    clock.advance(1.1)
    offer(60.0, 400.0, 410.0, 900.0)
    wait_for(lambda: monitor.ticks == [0.0, 10.0, 400.0, 410.0], lambda: str(monitor.ticks))
    drift.stop()


def test_a_finding_does_not_flutter_and_an_error_reaches_the_supervisor():
    clock, monitor = PlaybackClock(), Counting()
    drift = DriftWatch(monitor, clock=clock, least_way_tick=1.0)
    drift.start()
    monitor.found = (finding(),)
    shown = 0

    def pair():
        nonlocal shown
        clock.advance(1.1)
        drift.show(IMAGE, 100.0 * shown)
        drift.show(IMAGE, 100.0 * shown + 1)
        shown += 1
        wait_for(lambda: len(monitor.ticks) == 2 * shown, lambda: str(monitor.ticks))

    pair()
    wait_for(lambda: drift.findings == (finding(),), lambda: str(drift.findings))
    monitor.found = ()
    pair()
    assert drift.findings == (finding(),)
    for _ in range(int(MEMORY)):
        pair()
    wait_for(lambda: drift.findings == (), lambda: str(drift.findings))
    monitor.found = None
    pair()

    def failed():
        try:
            drift.check()
        except RuntimeError:
            return True
        return False

    wait_for(failed, "the error")
    drift.stop()


def measured(folder):
    """The demonstration line with a calibration kept in a folder."""
    section = MeasuredCalibration(kind="file", path=folder / "current.json")
    return dataclasses.replace(DEMO, line=DEMO.line.model_copy(update={"calibration": section}))


def test_a_line_without_a_reference_says_once_that_drift_is_not_watched(tmp_path, caplog):
    calibration = true_calibration(DEMO.twin, mm_per_tick=0.5)
    with caplog.at_level(logging.WARNING):
        assert watch_of(measured(tmp_path), calibration, CLOCK, CAMERA) is None
    (said,) = [record.getMessage() for record in caplog.records]
    assert "is not watched" in said
    assert "calibrate" in said
    assert said.endswith("watch")


def test_the_reference_that_was_kept_is_found_again_and_only_for_the_same_view(tmp_path):
    calibration = true_calibration(DEMO.twin, mm_per_tick=0.5)
    assert "drift is watched against" in keep_reference(
        twin_images(DEMO.twin), calibration, tmp_path
    )
    later = dataclasses.replace(calibration, camera_delay_ms=2.0)
    assert watch_of(measured(tmp_path), later, CLOCK, CAMERA) is not None
    wider = dataclasses.replace(calibration, belt_width_mm=900.0)
    assert watch_of(measured(tmp_path), wider, CLOCK, CAMERA) is None
    (kept,) = tmp_path.iterdir()
    assert load_reference(tmp_path, key_of(calibration)).brightness.shape == (4, 8)
    kept.write_bytes(b"")
    with pytest.raises(CalibrationError, match="action watch"):
        watch_of(measured(tmp_path), calibration, CLOCK, CAMERA)


def test_what_moves_beside_the_belt_is_not_taken_for_a_mark():
    calibration = true_calibration(DEMO.twin, mm_per_tick=0.5)
    found, lacks = take_reference(
        twin_images(DEMO.twin), calibration.plane, calibration.belt_width_mm
    )
    assert found.marks is None
    assert "dark crosses" in lacks


def shot(camera, exposed_ms):
    exposed_ns = MonotonicNs(int(exposed_ms * 1e6))
    frame = Frame(seq=1, exposed_ns=exposed_ns, image=IMAGE)
    return Shot(camera=camera, frame=frame, exposed_ns=exposed_ns)


def outcome_at(tick):
    status = LineStatus(
        may_fire=True, now_tick=tick, tick_sd=0.5, ticks_per_s=2000.0, frame_age_ms=5.0, silent=()
    )
    stamp = FrameStamp(seq=1, exposed_ns=MonotonicNs(0), tick=tick)
    result = StepResult(decided=(), planned=(), hazards=(), conflicts=())
    return FrameOutcome(interventions=(), stamp=stamp, status=status, result=result)


def test_each_camera_of_a_row_is_watched_at_its_own_ticks_and_named():
    clock, monitors = PlaybackClock(), {0: Counting(), 2: Counting()}
    watches = {
        camera: DriftWatch(monitor, clock=clock, least_way_tick=1.0)
        for camera, monitor in monitors.items()
    }
    row = DriftRow(watches, names=("left", "middle", "right"))
    row.start()
    monitors[2].found = (finding(DriftKind.WINDOW_DIRTY, "top of the image"), finding())
    lead = shot(0, 100.0)
    frames = FrameSet(shots=(lead, shot(1, 101.0), shot(2, 103.0)), lead=lead, standing=None)
    row.show(frames, outcome_at(500.0))
    row.show(frames, outcome_at(510.0))
    wait_for(lambda: len(row.findings) == 2, lambda: str(row.findings))
    wait_for(lambda: monitors[0].ticks, lambda: "no look")
    assert monitors[0].ticks == [500.0, 510.0]
    assert monitors[2].ticks == [506.0, 516.0]
    places = [found.where for found in row.findings]
    assert places == ["camera right, top of the image", "camera right"]
    row.check()
    row.stop()
