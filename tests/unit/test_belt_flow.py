"""Belt travel seen by texture: the twin's rendered belt and photographs of real ones."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.belt_plane import BeltPlane
from models.library import Sprite
from twin.belt_items import BeltItems
from twin.config import TwinCameraConfig, TwinConfig
from twin.feed import Feed
from twin.items import SpriteCatalogue
from twin.optics import Renderer
from twin.viewpoint import true_plane
from vision.belt_flow import BeltFlow
from vision.types import Fraction

PHOTOS = Path(__file__).parents[2] / ".." / "shared" / "data" / "belts"
SIDE = 320
FLAT = BeltPlane(
    camera_matrix=np.array([[1000.0, 0, 160], [0, 1000.0, 160], [0, 0, 1]]),
    distortion=np.zeros(5),
    homography=np.eye(3),
    image_width_px=SIDE,
    image_height_px=SIDE,
)
"""A camera that looks straight down, 1 mm to a pixel."""


def flat_flow():
    return BeltFlow(FLAT, x_mm=(0.0, float(SIDE)), s_mm=(0.0, float(SIDE)))


def photographs():
    files = sorted(PHOTOS.glob("*.jpg"))[::6] if PHOTOS.is_dir() else []
    if not files:
        pytest.skip("no belt photographs beside the project (shared/data/belts)")
    return files


def cut(photo, travel_px):
    """Return what a camera sees of a belt photograph after some travel: the belt runs down."""
    top = photo.shape[0] - SIDE - travel_px
    return photo[top : top + SIDE, 40 : 40 + SIDE]


def test_real_belts_shifted_by_known_amounts_are_measured_to_a_millimetre():
    told = wrong = 0
    for path in photographs():
        photo = cv2.imread(str(path))
        scale = (SIDE + 140) / min(photo.shape[:2])
        photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        flow = flat_flow()
        for travel in (7, 31, 64, 100):
            seen = flow.between(
                flow.flat(cut(photo, 0)), flow.flat(cut(photo, travel)), moving=False
            )
            told += seen is not None
            wrong += seen is not None and abs(seen.moved_mm - travel) > 1.5
    assert told >= 60
    assert wrong <= 0.02 * told


def rendered(travel_mm, *, items, config, renderer):
    near = np.abs(items.y_mm - travel_mm) < 800
    return renderer.render(items.chosen(near), travel_mm=travel_mm, speed_mm_per_s=2800.0, seq=1)


def plates():
    """Plain plates of every fraction, dark and bright."""
    return [
        Sprite(
            bgr=np.full((60, 90, 3), 60 + 30 * index, np.uint8),
            alpha=np.full((60, 90), 255, np.uint8),
            mm_per_px=1.0,
            fraction=fraction,
            design=f"plate {fraction.value}",
            mass_g=20.0,
            height_mm=5.0,
            source="test",
        )
        for index, fraction in enumerate(Fraction)
    ]


@pytest.fixture(scope="module")
def scene():
    """The twin's camera with all its faults, over a belt with items."""
    config = TwinConfig(camera=TwinCameraConfig(dirt_spots=4))
    catalogue = SpriteCatalogue(plates())
    feed = Feed(
        config=config.feed,
        slip=config.slip,
        catalogue=catalogue,
        belt_width_mm=config.belt.width_mm,
        belt_speed_mm_per_s=config.belt.speed_mm_per_s,
        first_y_mm=0.0,
        seed=1,
    )
    items = BeltItems.of(feed.items_until(np.inf, most=60), entry_s_mm=-800.0)
    renderer = Renderer(config=config, plane=true_plane(config), sprites=catalogue.sprites)
    return config, items, renderer


def twin_flow(config):
    camera = config.camera
    half = camera.view_length_mm * 0.45
    width = config.belt.width_mm
    return BeltFlow(true_plane(config), x_mm=(0.1 * width, 0.9 * width), s_mm=(-half, half))


@pytest.mark.parametrize("step_mm", [4.0, 30.0, 56.0, 101.6])
def test_the_twins_belt_is_measured_with_items_on_it_and_dirt_on_the_window(scene, step_mm):
    config, items, renderer = scene
    flow = twin_flow(config)
    seen = []
    before = flow.flat(rendered(1000.0, items=items, config=config, renderer=renderer))
    for step in range(1, 9):
        after = flow.flat(
            rendered(1000.0 + step * step_mm, items=items, config=config, renderer=renderer)
        )
        seen.append(flow.between(before, after, moving=True))
        before = after
    moved = [flow.moved_mm for flow in seen if flow is not None]
    assert len(moved) >= 6
    assert np.median(moved) == pytest.approx(step_mm, abs=0.5)
    assert abs(np.median([flow.sideways_mm for flow in seen if flow is not None])) < 1.0


def test_a_belt_without_texture_says_nothing():
    flow = flat_flow()
    rng = np.random.default_rng(1)
    plain = [rng.normal(90, 2, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8) for _ in range(2)]
    assert flow.between(flow.flat(plain[0]), flow.flat(plain[1]), moving=True) is None


def test_dirt_on_the_window_is_learned_and_does_not_stand_for_the_belt():
    rng = np.random.default_rng(2)
    belt = cv2.GaussianBlur(rng.normal(90, 40, (4000, SIDE, 3)), (0, 0), 1.5)
    dirt = cv2.GaussianBlur(rng.normal(0, 60, (SIDE, SIDE, 3)), (0, 0), 2.0)
    flow, moved = flat_flow(), []
    pictures = [
        flow.flat((belt[3000 - 40 * k : 3000 - 40 * k + SIDE] + dirt).clip(0, 255).astype(np.uint8))
        for k in range(40)
    ]
    for before, after in pairwise(pictures):
        seen = flow.between(before, after, moving=True)
        moved.append(0.0 if seen is None else seen.moved_mm)
    assert np.median(moved[25:]) == pytest.approx(40.0, abs=0.5)
