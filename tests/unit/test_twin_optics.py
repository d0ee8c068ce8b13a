"""The rendered camera: items appear where the belt plane says, and look the same every time."""

import cv2
import numpy as np
import pytest

from models.library import Sprite
from twin.belt_texture import painted_belt, photographed_belt
from twin.config import BeltConfig, TwinCameraConfig, TwinConfig
from twin.items import PlainCatalogue, SpriteCatalogue
from twin.optics import Renderer
from twin.perfect_detector import PerfectDetector
from twin.viewpoint import true_calibration, true_plane
from twin.world import World
from vision.types import FRACTIONS, Fraction

_CLEAN = TwinConfig(
    camera=TwinCameraConfig(
        exposure_ms=0.0, blur_sd_px=0.0, noise_sd=0.0, vignette=0.0, dirt_spots=0
    )
)


def _white_plate(width_mm=60.0, length_mm=40.0, height_mm=0.0):
    shape = (round(length_mm), round(width_mm))
    return Sprite(
        bgr=np.full((*shape, 3), 255, np.uint8),
        alpha=np.full(shape, 255, np.uint8),
        mm_per_px=1.0,
        fraction=Fraction.PLASTIC,
        design="plate",
        mass_g=20.0,
        height_mm=height_mm,
        source="test",
    )


class MovableBelt:
    """A belt put where the test wants it."""

    travel = 0.0

    def travel_mm(self, at_ns):
        return self.travel

    def speed_mm_per_s(self, at_ns):
        return 2800.0


def _scene(config=_CLEAN, sprite=None, travel_mm=2600.0):
    drive = MovableBelt()
    catalogue = SpriteCatalogue([sprite or _white_plate()])
    world = World(config=config, stations=(), catalogue=catalogue, drive=drive)
    drive.travel = travel_mm
    world.advance(1)
    renderer = Renderer(config=config, plane=true_plane(config), sprites=catalogue.sprites)
    return world, renderer


def _picture(world, renderer, seq=1, speed=0.0):
    items = world.items_between(-400, 400)
    return renderer.render(items, travel_mm=world.travel_mm, speed_mm_per_s=speed, seq=seq)


@pytest.mark.parametrize("travel_mm", [2600.0, 2600.4, 2601.1, 2987.3, 3100.0])
def test_item_is_drawn_where_the_belt_plane_says_within_a_pixel(travel_mm):
    world, renderer = _scene(travel_mm=travel_mm)
    picture = _picture(world, renderer)
    boxes = PerfectDetector(world=world, plane=true_plane(_CLEAN)).detect_now().boxes_px
    inside = (boxes[:, :2] > 1).all(axis=1) & (boxes[:, 2] < 639) & (boxes[:, 3] < 319)
    checked = 0
    for box in boxes[inside]:
        left, top, right, bottom = box
        overlaps = (
            (boxes[:, 0] < right + 8)
            & (boxes[:, 2] > left - 8)
            & (boxes[:, 1] < bottom + 8)
            & (boxes[:, 3] > top - 8)
        )
        if overlaps.sum() > 1:
            continue
        around = picture[
            max(0, int(top) - 5) : int(bottom) + 6, max(0, int(left) - 5) : int(right) + 6
        ]
        rows, columns = np.nonzero(around.min(axis=2) > 150)
        drawn = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        drawn = drawn + np.array([max(0, int(left) - 5), max(0, int(top) - 5)] * 2)
        assert np.abs(drawn - box).max() <= 1.25
        middle = (drawn[:2] + drawn[2:]) / 2 - (box[:2] + box[2:]) / 2
        assert np.abs(middle).max() <= 0.75
        checked += 1
    assert checked


def test_same_instant_same_picture_and_another_frame_other_noise():
    config = TwinConfig()
    world, renderer = _scene(config)
    first, same = _picture(world, renderer, seq=5), _picture(world, renderer, seq=5)
    other = _picture(world, renderer, seq=6)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    assert not first.flags.writeable


def test_belt_moves_downstream_which_is_up_in_the_image():
    world, renderer = _scene()
    before = _picture(world, renderer)
    world._drive.travel += 100.0
    world.advance(2)
    after = _picture(world, renderer)
    shift = round(100.0 / (500 * 1.04) * 320)
    rows_before, rows_after = before[shift + 40 : 280], after[40 : 280 - shift]
    moved_back = np.abs(before[40 : 280 - shift].astype(int) - after[shift + 40 : 280]).mean()
    assert np.abs(rows_before.astype(int) - rows_after).mean() < moved_back / 2


def test_exposure_smears_along_the_belt_only():
    config = _CLEAN.model_copy(
        update={"camera": _CLEAN.camera.model_copy(update={"exposure_ms": 5.0})}
    )
    world, renderer = _scene(config)
    sharp, smeared = _picture(world, renderer), _picture(world, renderer, speed=2800.0)
    edge_sharp = np.abs(np.diff(sharp.astype(int), axis=0)).max()
    edge_smeared = np.abs(np.diff(smeared.astype(int), axis=0)).max()
    assert edge_smeared < edge_sharp / 2


def test_items_less_than_a_quarter_visible_are_not_found():
    world, _ = _scene()
    detections = PerfectDetector(world=world, plane=true_plane(_CLEAN)).detect_now()
    sizes = detections.boxes_px[:, 2:] - detections.boxes_px[:, :2]
    assert (sizes > 0).all()
    assert (detections.boxes_px >= 0).all()
    assert (detections.scores.argmax(axis=1) == FRACTIONS.index(Fraction.PLASTIC)).all()


def test_true_calibration_covers_belt_and_view():
    calibration = true_calibration(TwinConfig(), mm_per_tick=0.5)
    corners = np.array([[0, -250], [1000, -250], [1000, 250], [0, 250]])
    px = calibration.plane.to_image_px(corners)
    assert (px >= 0).all()
    assert (px <= (640, 320)).all()
    assert np.abs(calibration.plane.to_machine_mm(px) - corners).max() < 0.2
    # x runs to the right, downstream is up: no mirror.
    assert px[1, 0] > px[0, 0]
    assert px[3, 1] < px[0, 1]


def test_painted_belt_joins_at_its_ends():
    belt = painted_belt(width_px=80, mm_per_px=5.0, seed=1)
    steps = np.abs(np.diff(belt.astype(int), axis=0)).mean()
    joint = np.abs(belt[0].astype(int) - belt[-1]).mean()
    assert joint < 3 * steps


def test_photographed_belt_comes_from_a_folder_and_an_empty_one_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no readable picture"):
        photographed_belt(tmp_path, width_px=64, mm_per_px=10.0, seed=1)
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    cv2.imwrite(str(tmp_path / "belt.png"), np.full((50, 100, 3), 77, np.uint8))
    belt = photographed_belt(tmp_path, width_px=64, mm_per_px=10.0, seed=1)
    assert belt.shape == (64, 64, 3)
    assert (belt == 77).all()


def test_sprite_without_any_opaque_pixel_is_refused():
    clear = _white_plate()
    empty = Sprite(
        bgr=clear.bgr,
        alpha=np.zeros_like(clear.alpha),
        mm_per_px=1.0,
        fraction=Fraction.PLASTIC,
        design="nothing",
        mass_g=1.0,
        height_mm=1.0,
        source="test",
    )
    with pytest.raises(ValueError, match="shows nothing"):
        SpriteCatalogue([empty])
    with pytest.raises(ValueError, match="empty"):
        SpriteCatalogue([])


def test_a_catalogue_without_the_mixed_fractions_is_refused():
    only_food = TwinConfig(
        belt=BeltConfig(),
        feed=_CLEAN.feed.model_copy(update={"mix": {Fraction.FOOD: 1.0}}),
    )
    with pytest.raises(ValueError, match="no fraction that the item catalogue has"):
        _scene(only_food)
    assert PlainCatalogue().sprites == ()
