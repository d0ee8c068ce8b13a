"""Several cameras over one belt: one item, one track, wherever the views overlap or follow."""

import re

import numpy as np
import pytest

from calibration.units import MonotonicNs
from controller.camera_sections import as_written, with_cameras_by_role
from tests.support.lockstep_rig import MM_PER_TICK, shipped_line, shipped_run
from twin.lockstep import run_lockstep
from twin.viewpoint import true_calibration, view_across_mm
from vision.fusion import BeltFusion, CameraView, whole_view
from vision.tracker import Tracker
from vision.tracker_config import TrackerConfig
from vision.types import FRACTIONS, Detections, Fraction, FrameStamp

WIDE = shipped_line("wide")[1]
CAMERAS = [true_calibration(WIDE, mm_per_tick=MM_PER_TICK, index=i) for i in range(3)]


def _view(index, items, travel_mm=1000.0, calibration=None):
    """What camera `index` reports of (x, s, width, length) items, boxes cut at its image."""
    plane = (calibration or CAMERAS[index]).plane
    boxes = []
    for x, s, width, length in items:
        corners = plane.to_image_px(
            [[x + a * width / 2, s + b * length / 2] for a in (-1, 1) for b in (-1, 1)]
        )
        size = (plane.image_width_px, plane.image_height_px)
        low = np.clip(corners.min(axis=0), 0, size)
        high = np.clip(corners.max(axis=0), 0, size)
        if (high - low).min() > 3:
            boxes.append([*low, *high])
    scores = np.full((len(boxes), len(FRACTIONS)), 0.02, np.float32)
    scores[:, FRACTIONS.index(Fraction.PAPER)] = 0.9
    return CameraView(
        camera=index,
        stamp=FrameStamp(seq=1, exposed_ns=MonotonicNs(0), tick=travel_mm / MM_PER_TICK),
        detections=Detections(boxes_px=np.array(boxes, np.float32).reshape(-1, 4), scores=scores),
    )


def _seen(items):
    fusion = BeltFusion(CAMERAS, border_px=2.0)
    return fusion.locate([_view(index, items) for index in range(3)])


def test_three_views_cover_the_belt_and_overlap():
    ends = [view_across_mm(WIDE, index) for index in range(3)]
    assert ends[0][0] == 0.0
    assert ends[2][1] == pytest.approx(2400.0)
    assert ends[0][1] - ends[1][0] == pytest.approx(150.0)


def test_an_item_in_the_overlap_is_one_item_where_it_lies():
    middle_mm = sum(view_across_mm(WIDE, 0)[1:] + view_across_mm(WIDE, 1)[:1]) / 2
    found = _seen([(middle_mm, 0.0, 80.0, 60.0)])
    assert len(found) == 1
    assert found.x_mm[0] == pytest.approx(middle_mm, abs=2.0)
    assert found.width_mm[0] == pytest.approx(80.0, abs=4.0)


def test_an_item_wider_than_the_overlap_is_put_together_from_its_pieces():
    middle_mm = (view_across_mm(WIDE, 0)[1] + view_across_mm(WIDE, 1)[0]) / 2
    found = _seen([(middle_mm, 10.0, 400.0, 60.0)])
    assert len(found) == 1
    assert found.x_mm[0] == pytest.approx(middle_mm, abs=4.0)
    assert found.width_mm[0] == pytest.approx(400.0, abs=8.0)


def test_neighbours_in_the_overlap_stay_two_items():
    middle_mm = (view_across_mm(WIDE, 0)[1] + view_across_mm(WIDE, 1)[0]) / 2
    found = _seen([(middle_mm, -60.0, 70.0, 70.0), (middle_mm, 20.0, 70.0, 70.0)])
    assert len(found) == 2


def test_cameras_exposed_at_different_ticks_agree_on_the_place():
    fusion = BeltFusion(CAMERAS, border_px=2.0)
    middle_mm = (view_across_mm(WIDE, 0)[1] + view_across_mm(WIDE, 1)[0]) / 2
    early = _view(0, [(middle_mm, 0.0, 80.0, 60.0)], travel_mm=1000.0)
    late = _view(1, [(middle_mm, 14.0, 80.0, 60.0)], travel_mm=1014.0)
    found = fusion.locate([early, late])
    assert len(found) == 1
    assert found.y_mm[0] == pytest.approx(1000.0, abs=2.0)


def _shifted(calibration, by_mm):
    """The same camera further down the belt."""
    plane = calibration.plane
    move = np.array([[1, 0, 0], [0, 1, by_mm], [0, 0, 1]], dtype=np.float64)
    moved = type(plane)(
        camera_matrix=plane.camera_matrix,
        distortion=plane.distortion,
        homography=move @ plane.homography,
        image_width_px=plane.image_width_px,
        image_height_px=plane.image_height_px,
    )
    return type(calibration)(
        **{
            **{f: getattr(calibration, f) for f in calibration.__dataclass_fields__},
            "plane": moved,
            "view_s_min_mm": calibration.view_s_min_mm + by_mm,
            "view_s_max_mm": calibration.view_s_max_mm + by_mm,
        }
    )


@pytest.mark.parametrize("gap_mm", [-100.0, 300.0])
def test_an_item_seen_by_cameras_in_series_is_one_track(gap_mm):
    _, world = shipped_line("standard")
    first = true_calibration(world, mm_per_tick=MM_PER_TICK)
    second = _shifted(first, 500.0 + gap_mm)
    fusion = BeltFusion((first, second), border_px=2.0)
    tracker = Tracker(TrackerConfig(), whole_view((first, second)), keep_until_s_mm=3000.0)
    ids, views = set(), 0
    for seq in range(1, 60):
        travel_mm = 56.0 * seq
        s_mm = travel_mm - 400.0
        seen = [
            _view(i, [(300.0, s_mm, 80.0, 60.0)], travel_mm, c)
            for i, c in enumerate((first, second))
        ]
        stamp = FrameStamp(
            seq=seq, exposed_ns=MonotonicNs(seq * 20_000_000), tick=travel_mm / MM_PER_TICK
        )
        scene = tracker.update(stamp, fusion.locate(seen))
        ids |= set(scene.track_id[scene.track_id > 0].tolist())
        views = max([views, *scene.views.tolist()])
    assert ids == {1}
    assert views >= 15


def test_a_belt_of_2_4_m_under_three_cameras_runs_in_lockstep():
    setup = shipped_run("wide", items=120, config=WIDE.with_changes(occupancy=0.05))
    result = run_lockstep(setup)
    assert result.totals.closes
    assert result.totals.seen >= 0.97 * result.items
    assert result.totals.seen <= result.items
    score = dict(result.fractions)[Fraction.PLASTIC]
    assert score.purity_count > 0.9
    assert score.recovery_count > 0.9


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"camera": {}, "cameras": [{}]}, "also has"),
        ({"cameras": []}, "one .*cameras.* table"),
        ({"cameras": [{"camera_id": "a"}, {"camera_id": "a"}]}, "of its own"),
        ({"camera": {}, "more_cameras": []}, "unknown key"),
    ],
)
def test_cameras_named_wrongly_are_refused(document, message):
    _, (problem,) = with_cameras_by_role(document)

    assert re.search(message, problem)


def test_a_line_with_one_camera_is_read_as_before():
    document = {"camera": {"source": "twin"}, "line": {}}
    assert with_cameras_by_role(document) == (document, ())


def test_problems_of_several_cameras_carry_the_keys_that_were_written():
    problems = (
        "camera.loop: unknown key",
        "more_cameras[0].lop: no",
        "camera_x: no",
        "line.id: no",
        "downstream_camera.role: no",
    )
    assert as_written(problems, cameras=3) == (
        "cameras[0].loop: unknown key",
        "cameras[1].lop: no",
        "camera_x: no",
        "line.id: no",
        "cameras[2].role: no",
    )
