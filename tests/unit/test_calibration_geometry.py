"""Belt plane, travel, valve map and clock: geometry that everything downstream trusts."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.belt_plane import BeltPlane
from calibration.clock import MonotonicClock, seconds_between
from calibration.travel import BeltTravel
from calibration.units import MonotonicNs
from calibration.valve_map import ValveMap, ValveSpan
from tests.support.rigs import standard_plane


def test_belt_points_survive_the_trip_to_the_image_and_back():
    plane = standard_plane()
    points_mm = np.array([[x, s] for x in (0, 250, 500, 999) for s in (-249, 0, 120, 249)])
    back = plane.to_machine_mm(plane.to_image_px(points_mm))
    assert np.abs(back - points_mm).max() < 0.01


def test_no_points_give_no_points():
    assert standard_plane().to_machine_mm(np.empty((0, 2))).shape == (0, 2)


def test_lens_distortion_moves_points_at_the_rim():
    plane = standard_plane()
    flat = BeltPlane(
        camera_matrix=plane.camera_matrix,
        distortion=np.zeros(5),
        homography=plane.homography,
        image_width_px=640,
        image_height_px=320,
    )
    corner_px = [[2.0, 2.0]]
    shift_mm = np.abs(plane.to_machine_mm(corner_px) - flat.to_machine_mm(corner_px))
    assert shift_mm.max() > 1.0


def test_matrix_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"distortion must have shape \(5,\)"):
        BeltPlane(
            camera_matrix=np.eye(3),
            distortion=np.zeros(4),
            homography=np.eye(3),
            image_width_px=640,
            image_height_px=320,
        )


def test_singular_homography_is_refused():
    with pytest.raises(ValueError, match="one line"):
        BeltPlane(
            camera_matrix=np.eye(3),
            distortion=np.zeros(5),
            homography=np.ones((3, 3)),
            image_width_px=640,
            image_height_px=320,
        )


def test_matrices_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        standard_plane().homography[0, 0] = 2.0


@given(
    s_mm=st.floats(-1000, 3000),
    tick=st.floats(-1e9, 1e12),
    later_ticks=st.floats(0, 1e6),
)
def test_lying_item_keeps_its_belt_coordinate(s_mm: float, tick: float, later_ticks: float):
    travel = BeltTravel(mm_per_tick=0.5)
    y_mm = travel.belt_y_mm(s_mm, tick)
    moved_mm = travel.position_s_mm(y_mm, tick + later_ticks) - s_mm
    assert moved_mm == pytest.approx(later_ticks * 0.5, abs=1e-3)


def test_arrival_tick_is_when_the_point_is_at_the_bar():
    travel = BeltTravel(mm_per_tick=0.5)
    y_mm = travel.belt_y_mm(-100.0, 2000.0)
    arrival = travel.arrival_tick(y_mm, 600.0)
    assert arrival == 3400.0
    assert travel.position_s_mm(y_mm, arrival) == 600.0
    assert travel.travel_mm(2000.0) == 1000.0


def test_belt_scale_must_be_positive():
    with pytest.raises(ValueError, match="must be positive"):
        BeltTravel(mm_per_tick=0.0)


def test_valves_are_those_whose_cell_the_item_touches():
    bar = ValveMap(count=80, pitch_mm=12.5, first_centre_x_mm=6.25)
    assert bar.span(0.0, 12.5) == ValveSpan(first=0, last=0)
    assert bar.span(12.4, 25.1) == ValveSpan(first=0, last=2)
    assert bar.span(990.0, 2000.0) == ValveSpan(first=79, last=79)
    assert bar.span(-50.0, -10.0) is None
    assert bar.span(1001.0, 1100.0) is None
    assert bar.centre_x_mm(79) == 993.75


@given(x_mm=st.floats(0, 999.9), width_mm=st.floats(0.1, 300))
def test_a_span_covers_the_item_it_was_asked_for(x_mm: float, width_mm: float):
    bar = ValveMap(count=80, pitch_mm=12.5, first_centre_x_mm=6.25)
    span = bar.span(x_mm, x_mm + width_mm)
    assert span is not None
    assert bar.centre_x_mm(span.first) - 6.25 <= x_mm + 1e-6
    right_mm = bar.centre_x_mm(span.last) + 6.25
    assert right_mm >= min(x_mm + width_mm, 1000.0) - 1e-6


def test_empty_span_is_refused():
    with pytest.raises(ValueError, match="empty"):
        ValveSpan(first=3, last=2)
    assert ValveSpan(first=1, last=3).overlaps(ValveSpan(first=3, last=9))
    assert not ValveSpan(first=1, last=3).overlaps(ValveSpan(first=4, last=9))


def test_monotonic_clock_waits_on_events():
    clock = MonotonicClock()
    start = clock.now_ns()
    event = threading.Event()
    assert not clock.wait(event, 0.001)
    event.set()
    assert clock.wait(event, -1.0)
    assert seconds_between(start, MonotonicNs(start + 5_000_000)) == 0.005
    assert clock.now_ns() > start
