"""The twin's flap: an item is turned aside by where the plate is when its middle comes."""

import numpy as np
import pytest

from tests.property.test_swing_laws import DISTANCE_MM, flap
from twin.swing_plate import SwingPlate

SPEED_MM_PER_S = 2800.0
SQUARE_MM = np.array([[-40.0, -40.0], [40.0, -40.0], [40.0, 40.0], [-40.0, 40.0]])


def travel_mm(at_ns: int) -> float:
    return SPEED_MM_PER_S * at_ns * 1e-9


def takes(plate: SwingPlate, passing_ms: float, x_mm: float = 500.0) -> bool:
    """Whether an item whose middle meets the plate at an instant is turned aside."""
    plate.advance(int((passing_ms + 200.0) * 1e6), travel_mm)
    y_mm = travel_mm(int(passing_ms * 1e6)) - DISTANCE_MM
    return plate.takes(SQUARE_MM + np.array([x_mm, y_mm]), speed_mm_per_s=SPEED_MM_PER_S)


def swung(open_ms: float, close_ms: float, **changes: float) -> SwingPlate:
    plate = SwingPlate(flap(**changes), index=1)
    plate.switch(valve=0, opened=True, at_ns=int(open_ms * 1e6))
    plate.switch(valve=0, opened=False, at_ns=int(close_ms * 1e6))
    return plate


@pytest.mark.parametrize(
    ("passing_ms", "taken"),
    [(990, False), (1040, False), (1060, True), (1250, True), (1330, True), (1350, False)],
)
def test_the_plate_must_be_half_way_out(passing_ms, taken):
    assert takes(swung(1000.0, 1300.0), passing_ms) is taken


def test_an_item_beside_the_flap_is_not_turned_aside() -> None:
    assert not takes(swung(1000.0, 1300.0, x_max_mm=400.0), 1200.0)


def test_a_plate_turned_about_on_its_way_goes_on_from_where_it_was() -> None:
    plate = swung(1000.0, 1060.0)
    assert not takes(plate, 1100.0)
    plate = swung(1000.0, 1060.0)
    plate.switch(valve=0, opened=True, at_ns=int(1070.0 * 1e6))
    assert takes(plate, 1100.0)


def test_a_slower_plate_than_the_line_believes_misses() -> None:
    late = SwingPlate(flap(), index=1, travel_share=2.0)
    late.switch(valve=0, opened=True, at_ns=int(1000.0 * 1e6))
    assert not takes(late, 1090.0)
