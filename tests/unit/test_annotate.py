"""The live picture shows each item where it lies, in the colour of its fraction."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from calibration.travel import BeltTravel
from tests.support.rigs import standard_plane
from vision.annotate import FRACTION_COLOURS_BGR, MarkedTrack, annotate
from vision.types import FRACTIONS, Fraction, Track

PLANE = standard_plane()
TRAVEL = BeltTravel(mm_per_tick=0.5)
TICK = 40_000.0


def track(fraction: Fraction, x_mm: float, s_mm: float, side_mm: float = 100) -> Track:
    return Track(
        track_id=1,
        x_mm=x_mm,
        y_mm=TRAVEL.belt_y_mm(s_mm, TICK),
        x_sd_mm=1,
        y_sd_mm=1,
        slip_x_mm_per_s=0,
        slip_y_mm_per_s=0,
        width_mm=side_mm,
        length_mm=side_mm,
        posterior=tuple(0.9 if f is fraction else 0.02 for f in FRACTIONS),
        views=3,
        tick=TICK,
        first_seq=1,
        last_seq=3,
        mass_g=20,
        mass_sd_g=5,
    )


def picture_of(*tracks: Track) -> npt.NDArray[np.int16]:
    image = np.full((320, 640, 3), 60, dtype=np.uint8)
    image.setflags(write=False)
    marked = tuple(MarkedTrack(track=t, mark="eject") for t in tracks)
    jpeg = annotate(image, marked, plane=PLANE, travel=TRAVEL, tick=TICK)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert (image == 60).all()
    return np.asarray(decoded, dtype=np.int16)


@pytest.mark.parametrize(("fraction", "colour"), FRACTION_COLOURS_BGR)
def test_outline_lies_where_the_item_is_in_its_colour(
    fraction: Fraction, colour: tuple[int, int, int]
) -> None:
    picture = picture_of(track(fraction, 400, 100))
    (u, v) = np.rint(PLANE.to_image_px([[400, 150]])[0]).astype(int)
    patch = picture[v - 1 : v + 2, u - 10 : u + 10].reshape(-1, 3)
    assert np.abs(patch - np.array(colour)).sum(axis=1).min() < 120
    assert np.abs(patch - 60).sum(axis=1).max() > 100


def test_every_fraction_has_a_colour_of_its_own() -> None:
    assert {fraction for fraction, _ in FRACTION_COLOURS_BGR} == set(Fraction)
    assert len({colour for _, colour in FRACTION_COLOURS_BGR}) == len(Fraction)


def test_item_far_outside_the_view_leaves_the_picture_as_it_was() -> None:
    picture = picture_of(track(Fraction.PLASTIC, 500, 2600), track(Fraction.FOOD, 500, -9000))
    assert np.abs(picture - 60).max() < 6


def test_item_at_the_border_is_drawn_with_its_label_inside() -> None:
    picture = picture_of(track(Fraction.WEEE, 995, -245), track(Fraction.PAPER, 2, 248))
    changed = np.abs(picture - 60).sum(axis=2) > 30
    assert changed[:, -70:].any()
    assert changed[-40:, :70].any()


def test_empty_belt_is_a_plain_picture() -> None:
    assert np.abs(picture_of() - 60).max() < 4
