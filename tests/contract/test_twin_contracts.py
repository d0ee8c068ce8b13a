"""Contracts of the twin's ports, run against every implementation."""

import cv2
import numpy as np
import pytest

from calibration.units import NS_PER_S
from tests.support.cell_network import write_bundle
from tests.support.coloured_items import coloured_catalogue
from twin.config import TwinConfig
from twin.items import OUTLINE_POINTS, PlainCatalogue, outline_area_mm2
from twin.optics import Renderer
from twin.perfect_detector import PerfectDetector
from twin.sights import RecordedSight, RenderedSight, TrueSight
from twin.viewpoint import true_plane
from twin.virtual_clock import VirtualClock
from twin.world import World
from vision.config import DetectorConfig, ImagesCamera
from vision.factory import open_camera, open_detector
from vision.types import Fraction


@pytest.fixture(params=[PlainCatalogue, coloured_catalogue], ids=["plain", "sprites"])
def catalogue(request):
    return request.param()


class TestItemCatalogue:
    def test_draws_items_of_the_asked_fraction_with_mass_and_convex_outline(self, catalogue):
        rng = np.random.default_rng(1)
        for _ in range(20):
            item = catalogue.draw(Fraction.PLASTIC, rng)
            assert item.fraction is Fraction.PLASTIC
            assert item.mass_g > 0
            assert item.outline_mm.shape == (OUTLINE_POINTS, 2)
            assert outline_area_mm2(item.outline_mm) > 100.0

    def test_same_generator_state_same_item(self, catalogue):
        first, same = (catalogue.draw(Fraction.PAPER, np.random.default_rng(7)) for _ in range(2))
        assert np.array_equal(first.outline_mm, same.outline_mm)
        assert first.mass_g == same.mass_g

    def test_mean_area_is_that_of_its_items(self, catalogue):
        rng = np.random.default_rng(2)
        drawn = [catalogue.draw(Fraction.FOOD, rng).outline_mm for _ in range(300)]
        mean = np.mean([outline_area_mm2(outline) for outline in drawn])
        assert catalogue.mean_area_mm2(Fraction.FOOD) == pytest.approx(mean, rel=0.15)

    def test_sprite_numbers_point_into_its_pictures(self, catalogue):
        item = catalogue.draw(Fraction.PLASTIC, np.random.default_rng(3))
        assert (item.sprite is None) == (not catalogue.sprites)
        if item.sprite is not None:
            assert catalogue.sprites[item.sprite].fraction is Fraction.PLASTIC


class SteadyDrive:
    """A belt that runs at one speed from the start."""

    def travel_mm(self, at_ns):
        return 2800.0 * at_ns / NS_PER_S

    def speed_mm_per_s(self, at_ns):
        return 2800.0


_GREY = np.full((320, 640, 3), 90, np.uint8)
_START_NS = 5 * NS_PER_S


def _world():
    return World(
        config=TwinConfig(), stations=(), catalogue=coloured_catalogue(), drive=SteadyDrive()
    )


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    bundle = write_bundle(tmp_path_factory.mktemp("bundle"))
    return open_detector(DetectorConfig(bundle=bundle, backend="onnxruntime"), (320, 640))


@pytest.fixture
def recorded_sight(detector, tmp_path):
    """Three grey frames, 40 ms apart, from a folder."""
    for name in ("1.png", "2.png", "3.png"):
        cv2.imwrite(str(tmp_path / name), _GREY)
    config = ImagesCamera(
        source="images",
        camera_id="folder",
        exposure_ms=1,
        transfer_ms=0,
        stall_after_ms=500,
        path=tmp_path,
        frames_per_s=25,
    )
    camera = open_camera(config, VirtualClock(0), paced=False)
    camera.open()
    yield RecordedSight(camera=camera, detector=detector, start_ns=_START_NS, frames_per_s=50.0)
    camera.close()


@pytest.fixture
def true_sight():
    world = _world()
    truth = PerfectDetector(world=world, plane=true_plane(world.config))
    return TrueSight(detector=truth, start_ns=_START_NS, frames_per_s=50.0)


@pytest.fixture
def rendered_sight(detector):
    world = _world()
    plane = true_plane(world.config)
    return RenderedSight(
        world=world,
        renderer=Renderer(config=world.config, plane=plane, sprites=world.catalogue.sprites),
        detector=detector,
        start_ns=_START_NS,
        frames_per_s=50.0,
    )


@pytest.fixture(params=["true_sight", "rendered_sight", "recorded_sight"])
def sight(request):
    return request.getfixturevalue(request.param)


class TestSight:
    def test_frames_come_in_order_at_the_announced_instants(self, sight):
        assert sight.next_ns() == _START_NS
        seqs = []
        for index in range(6):
            announced = sight.next_ns()
            seen = sight.look()
            assert seen.exposed_ns == announced
            assert sight.next_ns() > announced
            seqs.append(seen.seq)
            if index == 2:
                sight.begin(sight.next_ns())
        assert seqs == sorted(set(seqs))

    def test_names_the_bundle(self, sight):
        assert sight.bundle_id

    def test_begin_may_be_called_again(self, sight):
        sight.begin(_START_NS)
        sight.look()
        due_ns = sight.next_ns()
        sight.begin(due_ns + 1)
        assert sight.next_ns() == due_ns

    def test_has_not_ended_before_anything_was_shown(self, sight):
        assert not sight.ended


def test_recorded_sight_keeps_the_frames_distances_and_shows_an_empty_view_around_them(
    recorded_sight,
):
    sight = recorded_sight
    assert sight.look().image.max() == 0
    sight.begin(sight.next_ns())
    shown = [sight.look() for _ in range(4)]
    assert [int(s.image.max()) for s in shown] == [90, 90, 90, 0]
    times = [s.exposed_ns for s in shown]
    assert times[1] - times[0] == times[2] - times[1] == 40_000_000
    assert sight.ended
