"""Several cameras as one: whole sets, bounded waits, and a line that knows what it lacks."""

import pytest

from controller.camera_row import CameraRow, RowSeat
from controller.states import LineCommand
from tests.support.belt_scenes import LyingItem
from tests.support.cell_network import write_bundle
from tests.support.line_process import wait_for
from tests.support.plc_bench import MM_PER_TICK
from tests.support.runtime_rig import (
    CLOCK,
    BenchCamera,
    ExposureReader,
    RealTimePlc,
    RuntimeRig,
    two_cameras_across,
)
from vision.errors import EndOfStreamError

PATIENCE_S = 0.05


@pytest.fixture
def cameras():
    return [BenchCamera("left"), BenchCamera("right")]


@pytest.fixture
def row(cameras):
    seats = [RowSeat(camera=camera, stall_after_ms=300.0) for camera in cameras]
    row = CameraRow(seats, clock=CLOCK, patience_ms=PATIENCE_S * 1e3)
    row.start()
    yield row
    row.stop()


def next_set(row, which=lambda _: True):
    def found():
        frames = row.take(0.05)
        return frames if frames is not None and which(frames) else None

    return wait_for(found, "a set")


def of(frames):
    return [shot.camera for shot in frames.shots]


def test_a_set_holds_the_newest_frame_of_each_camera(row):
    for _ in range(5):
        frames = next_set(row, lambda seen: len(seen.shots) == 2)
        assert of(frames) == [0, 1]
        assert frames.lead.camera == 0
        apart_ns = frames.shots[0].exposed_ns - frames.shots[1].exposed_ns
        assert abs(apart_ns) < 1e9 * PATIENCE_S
        assert frames.standing.oldest_ns == min(shot.exposed_ns for shot in frames.shots)
        assert not frames.standing.first_missing


@pytest.mark.parametrize("missing", [0, 1])
def test_a_silent_camera_is_waited_for_once_and_the_others_go_on_without_it(row, cameras, missing):
    next_set(row, lambda seen: len(seen.shots) == 2)
    cameras[missing].silent = True
    first = next_set(row, lambda seen: len(seen.shots) == 1)
    leads = [next_set(row) for _ in range(6)]
    assert {shot.camera for seen in leads for shot in seen.shots} == {1 - missing}
    assert leads[-1].standing.first_missing == (missing == 0)
    assert leads[-1].standing.oldest_ns == first.standing.oldest_ns
    exposures = [seen.lead.exposed_ns for seen in leads]
    assert exposures == sorted(set(exposures))
    cameras[missing].silent = False
    last = next_set(row, lambda seen: len(seen.shots) == 2)
    assert last.lead.exposed_ns > exposures[-1]


def test_no_set_is_made_before_every_camera_has_shown_a_frame():
    late = BenchCamera("late")
    late.silent = True
    other = CameraRow(
        [RowSeat(camera=c, stall_after_ms=300.0) for c in (BenchCamera("left"), late)],
        clock=CLOCK,
        patience_ms=1.0,
    )
    other.start()
    try:
        assert all(other.take(0.05) is None for _ in range(4))
        late.silent = False
        assert next_set(other).standing is not None
    finally:
        other.stop()


def test_a_lost_camera_is_named_and_no_longer_when_it_is_back(row, cameras):
    next_set(row)
    cameras[1].lost = "unplugged"
    wait_for(lambda: row.status().error, "the loss")
    assert row.status().error == "right: unplugged"
    cameras[1].lost = None
    wait_for(lambda: row.status().error is None, "the camera again")


def test_the_shortest_recording_ends_the_row(row, cameras):
    next_set(row)
    cameras[1].over = True

    def ended():
        try:
            row.take(0.02)
        except EndOfStreamError:
            return True
        return False

    wait_for(ended, "the end")


def test_frames_nobody_took_are_counted_over_all_cameras(row, cameras):
    next_set(row)
    for camera in cameras:
        camera._seq += 10
    wait_for(lambda: row.status().dropped >= 20, "the drops of both")


def test_what_ends_a_capture_thread_is_raised(row, cameras):
    next_set(row)
    cameras[1].broken = RuntimeError("driver bug")

    def fails():
        try:
            row.check()
        except RuntimeError:
            return True
        return False

    wait_for(fails, "the failure")
    with pytest.raises(RuntimeError, match="driver bug"):
        row.take(0.1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def plant():
    return RealTimePlc()


def eyes_on(plant, items):
    return [ExposureReader(plant, items, calibration) for calibration in two_cameras_across()]


def laid_down(plant, x_mm):
    travel_mm = plant.drive.fractional_tick(CLOCK.now_ns()) * MM_PER_TICK
    return LyingItem(x_mm=x_mm, y_mm=travel_mm + 700.0)


def test_items_of_two_cameras_are_seen_once_each_and_the_balance_closes(plant, bundle):
    items = []
    with RuntimeRig(plant.link, bundle, pair=eyes_on(plant, items)) as rig:
        rig.start_sorting()
        rig.wait(lambda now: now.belt_speed_mm_per_s > 2500, "speed")
        items += [laid_down(plant, x_mm) for x_mm in (200.0, 500.0, 800.0)]
        seen = rig.wait(lambda now: sum(now.totals.ejected) >= 3, "the ejections")
        assert seen.totals.closes
        wait_for(lambda: rig.feed.pictures, "a picture")
    last = rig.feed.snapshots[-1]
    assert last.totals.seen == 3
    assert last.totals.closes


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_camera_of_two_holds_the_line_and_comes_back(plant, bundle, lost):
    with RuntimeRig(plant.link, bundle, pair=eyes_on(plant, [])) as rig:
        rig.start_sorting()
        rig.cameras[lost].lost = "unplugged"
        seen = rig.wait_alarm("camera_lost")
        (words,) = [a.detail for a in seen.alarms if a.kind.value == "camera_lost"]
        assert f"{('left', 'right')[lost]}: unplugged" in words
        held = rig.wait_state("held")
        rig.wait(lambda now: now.frames > held.frames + 3, "frames of the other camera")
        rig.cameras[lost].lost = None
        rig.wait(lambda now: not now.alarms, "no alarm")
        rig.press(LineCommand.UNHOLD)
        rig.wait_state("execute")


def test_a_silent_camera_of_two_stalls_the_line_by_the_age_of_its_last_frame(plant, bundle):
    with RuntimeRig(plant.link, bundle, pair=eyes_on(plant, [])) as rig:
        rig.start_sorting()
        rig.cameras[1].silent = True
        rig.wait_alarm("camera_stalled")
        seen = rig.wait_state("held")
        assert seen.frame_age_ms > 900
        rig.cameras[1].silent = False
        rig.wait(lambda now: not now.alarms, "no alarm")


def test_a_belt_that_runs_on_without_a_camera_fires_at_nothing(plant, bundle):
    items = []
    rig = RuntimeRig(plant.link, bundle, pair=eyes_on(plant, items), on_camera_loss="run")
    with rig:
        rig.start_sorting()
        rig.wait(lambda now: now.belt_speed_mm_per_s > 2500, "speed")
        rig.cameras[1].lost = "unplugged"
        rig.wait_alarm("camera_lost")
        items.append(laid_down(plant, 150.0))
        seen = rig.wait(lambda now: now.totals.seen, "the item under the other camera")
        seen = rig.wait(lambda now: now.totals.seen and not now.totals.in_flight, "its end")
        assert seen.state.value == "execute"
        assert seen.pulses_commanded == 0
        assert seen.totals.closes
