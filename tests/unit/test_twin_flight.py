"""Heaps at a bar, the flight behind it, film in the wind, food that sticks."""

import numpy as np
import pytest

from twin.belt_items import BeltItems
from twin.feed import FedItem
from twin.film import film_slip_share, holding_wind_m_per_s
from twin.flight import (
    RESTITUTION,
    Body,
    knocked_speeds,
    needed_lift_mm,
    sticking_mm_per_s,
)
from twin.heap import heap_of, visible_shares
from twin.items import CatalogueItem, convex_outline_mm
from twin.knocks import Knocks
from twin.outlines import contact_mm, shared_mm2
from vision.types import Fraction

_SQUARE_MM = np.array([[-40.0, -40.0], [40.0, -40.0], [40.0, 40.0], [-40.0, 40.0]])


def _body(speed_m_per_s, *, mass_g=30.0, at=(0.0, 0.0), wet=False):
    return Body(
        outline_mm=_SQUARE_MM + np.array(at), mass_g=mass_g, speed_m_per_s=speed_m_per_s, wet=wet
    )


def _fed(item_id, x_mm, y_mm, *, slip=(0.0, 0.0), mass_g=30.0, decay_mm=250.0):
    kind = CatalogueItem(
        fraction=Fraction.PLASTIC,
        outline_mm=convex_outline_mm(_SQUARE_MM),
        mass_g=mass_g,
        height_mm=5.0,
        rolls=False,
        sprite=None,
    )
    return FedItem(
        item_id=item_id,
        kind=kind,
        mass_g=mass_g,
        wet=False,
        angle_rad=0.0,
        outline_mm=kind.outline_mm,
        x_mm=x_mm,
        y_mm=y_mm,
        slip_x_mm=slip[0],
        slip_y_mm=slip[1],
        slip_decay_mm=decay_mm,
    )


def _lying(*fed):
    return BeltItems.of(fed, entry_s_mm=-500.0)


def test_a_blown_item_throws_up_what_lies_on_it_and_momentum_is_kept():
    lower, upper = knocked_speeds([_body(3.0), _body(0.0, mass_g=60.0)])
    assert 30.0 * lower + 60.0 * upper == pytest.approx(30.0 * 3.0)
    assert upper - lower == pytest.approx(RESTITUTION * 3.0)


def test_wet_food_takes_along_what_it_sticks_to():
    lower, upper = knocked_speeds([_body(3.0, wet=True), _body(0.0)])
    assert lower == pytest.approx(1.5)
    assert upper == pytest.approx(1.5)


def test_an_item_met_at_its_edge_tilts_and_rises_less():
    centred = knocked_speeds([_body(3.0), _body(0.0)])[1]
    at_edge = knocked_speeds([_body(3.0), _body(0.0, at=(70.0, 0.0))])[1]
    assert 0.0 < at_edge < 0.6 * centred


def test_items_that_do_not_touch_or_part_anyway_do_not_knock():
    assert knocked_speeds([_body(3.0), _body(0.0, at=(90.0, 0.0))]) == (3.0, 0.0)
    assert knocked_speeds([_body(1.0), _body(2.0)]) == (1.0, 2.0)


def test_contact_lies_in_the_middle_of_what_two_outlines_share():
    centre = contact_mm(_SQUARE_MM, _SQUARE_MM + np.array((60.0, 20.0)))
    assert centre == pytest.approx([30.0, 10.0])
    assert contact_mm(_SQUARE_MM, _SQUARE_MM + np.array((200.0, 0.0))) is None


def test_outlines_with_repeated_corners_share_what_they_share():
    hull = convex_outline_mm(_SQUARE_MM)
    area, centre = shared_mm2(hull, hull + np.array((40.0, 0.0)))
    assert area == pytest.approx(3200.0)
    assert centre == pytest.approx([20.0, 0.0])


def test_sticking_food_leaves_a_slow_belt_lower_and_a_fast_one_like_any_other():
    def sinks(speed_mm_per_s, adhesion_n):
        return sticking_mm_per_s(
            speed_mm_per_s=speed_mm_per_s, radius_mm=160.0, adhesion_n=adhesion_n, mass_g=60.0
        )

    assert sinks(1500.0, 0.2) == 0.0
    assert sinks(1500.0, 0.6) > 300.0
    assert sinks(2800.0, 0.6) == 0.0
    assert sinks(1000.0, 0.0) == 0.0
    assert needed_lift_mm(splitter_rise_mm=100.0, flight_s=0.2, sinks_mm_per_s=300.0) == (
        pytest.approx(100.0 + 60.0 + 196.2)
    )


def test_wind_takes_thin_film_on_a_fast_belt_and_leaves_paper():
    def slip(areal_g_per_m2, speed_mm_per_s):
        return film_slip_share(
            mass_g=areal_g_per_m2 * 0.04,
            area_mm2=40_000.0,
            belt_speed_mm_per_s=speed_mm_per_s,
            air_share=0.55,
            spread=0.0,
        )

    assert holding_wind_m_per_s(20.0) == pytest.approx(1.14, abs=0.01)
    assert slip(20.0, 2800.0) == pytest.approx(0.142, abs=0.003)
    assert slip(20.0, 1500.0) == 0.0
    assert slip(80.0, 2800.0) == 0.0
    assert slip(80.0, 5000.0) > 0.0


def test_a_heap_is_all_that_lies_on_one_another_in_order_of_falling():
    items = _lying(
        _fed(1, 100.0, 0.0), _fed(2, 400.0, 0.0), _fed(3, 160.0, 0.0), _fed(4, 220.0, 10.0)
    )
    assert heap_of(items, 3, 0.0) == [0, 2, 3]
    assert heap_of(items, 1, 0.0) == [1]


def test_the_camera_sees_of_a_lower_item_what_the_upper_one_leaves():
    items = _lying(_fed(1, 100.0, 0.0), _fed(2, 140.0, 0.0), _fed(3, 400.0, 0.0))
    assert visible_shares(items, 0.0) == pytest.approx([0.5, 1.0, 1.0], abs=0.01)


def test_a_sliding_item_knocks_a_lying_one_on_and_momentum_is_kept():
    items = _lying(
        _fed(1, 100.0, 0.0, slip=(60.0, 0.0), mass_g=50.0), _fed(2, 200.0, 0.0, mass_g=20.0)
    )
    until_mm = np.full(2, 5000.0)
    knocks = Knocks()
    knocks.foresee(items, [0, 1], from_mm=-500.0, until_mm=until_mm)
    assert -500.0 < knocks.next_mm < 0.0
    at_mm = knocks.next_mm
    before = items.slip_left_mm(at_mm)
    after, moved = knocks.carry_out(items, until_mm)
    assert moved == [0, 1]
    assert after.mass_g @ after.slip_mm[:, 0] == pytest.approx(items.mass_g @ before[:, 0])
    assert after.slip_mm[1, 0] > after.slip_mm[0, 0] > 0.0
    assert after.origins_mm(at_mm) == pytest.approx(items.origins_mm(at_mm))
    assert after.origins_mm(5000.0)[1, 0] > 205.0
    assert knocks.next_mm == np.inf


def test_items_that_already_lie_on_one_another_and_far_ones_do_not_knock():
    items = _lying(_fed(1, 100.0, 0.0, slip=(60.0, 0.0)), _fed(2, 130.0, 0.0), _fed(3, 600.0, 0.0))
    knocks = Knocks()
    knocks.foresee(items, [0, 1, 2], from_mm=-500.0, until_mm=np.full(3, 5000.0))
    assert knocks.next_mm == np.inf
