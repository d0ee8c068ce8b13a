"""What a lockstep run sees through the rendered camera."""

import numpy as np

from benchmarks.standard_line import standard_line
from calibration.units import MonotonicNs
from twin.catalogue import open_catalogue
from twin.optics import Renderer
from twin.sights import RenderedSight
from twin.viewpoint import true_plane
from twin.world import World
from vision.types import FRACTIONS, Detections


class SetDrive:
    """A belt that is where it was put."""

    def __init__(self):
        self.at_mm = 0.0

    def travel_mm(self, _):
        return self.at_mm

    def speed_mm_per_s(self, _):
        return 0.0


class Looks:
    """A detector that finds nothing and keeps what it was shown."""

    bundle_id = "nothing"

    def __init__(self):
        self.images = []

    def detect(self, image):
        self.images.append(image)
        none = np.empty((0, 4), np.float32), np.empty((0, len(FRACTIONS)), np.float32)
        return Detections(boxes_px=none[0], scores=none[1])


def test_a_standing_belt_is_drawn_once_and_a_moving_one_each_time():
    standard = standard_line()
    catalogue, drive, eyes = open_catalogue(), SetDrive(), Looks()
    world = World(
        config=standard.twin, stations=standard.line.stations, catalogue=catalogue, drive=drive
    )
    sight = RenderedSight(
        world=world,
        renderer=Renderer(
            config=standard.twin, plane=true_plane(standard.twin), sprites=catalogue.sprites
        ),
        detector=eyes,
        start_ns=MonotonicNs(0),
        frames_per_s=50.0,
    )
    seen = []
    for travel_mm in (2000.0, 2000.0, 2056.0, 2056.0, 2056.0):
        drive.at_mm = travel_mm
        world.advance(sight.next_ns())
        seen.append(sight.look())
    assert len(eyes.images) == 2
    assert [s.seq for s in seen] == [1, 2, 3, 4, 5]
    assert seen[1].exposed_ns - seen[0].exposed_ns == 20_000_000
    assert seen[0].image is seen[1].image
    assert not np.array_equal(seen[1].image, seen[2].image)
