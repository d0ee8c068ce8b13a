from contextlib import closing
from multiprocessing import Pipe

import numpy as np
import pytest

from tests.support.line_process import shared_memory
from twin.frame_ring import SLOTS, FrameRing
from twin.twin_camera import TwinCamera
from vision.errors import CameraError, CameraTimeoutError

SIZE = {"height_px": 4, "width_px": 6}


def image(value):
    return np.full((4, 6, 3), value, np.uint8)


@pytest.fixture
def ring():
    made = FrameRing(**SIZE)
    yield made
    made.close()


@pytest.fixture
def wire():
    ends = Pipe(duplex=False)
    yield ends
    for end in ends:
        end.close()


@pytest.fixture
def camera(ring, wire):
    return TwinCamera(camera_id="twin", ring=ring, notices=wire[0])


def test_frames_pass_from_writer_to_camera_with_number_and_exposure(ring, wire, camera):
    with closing(FrameRing(**SIZE, name=ring.name)) as writer:
        camera.open()
        writer.write(wire[1], 7, 123_456, image(7))
        frame = camera.read(1.0)
        assert (camera.camera_id, frame.seq, frame.exposed_ns) == ("twin", 7, 123_456)
        assert np.array_equal(frame.image, image(7))
        assert not frame.image.flags.writeable
        writer.write(wire[1], 8, 0, image(8))
        assert frame.image[0, 0, 0] == 7
        camera.close()


def test_the_newest_frame_wins(ring, wire, camera):
    for seq in range(1, 4):
        ring.write(wire[1], seq, seq, image(seq))
    assert camera.read(1.0).seq == 3
    with pytest.raises(CameraTimeoutError, match="no frame from the twin"):
        camera.read(0.0)


def test_a_frame_that_was_written_over_is_not_taken_for_the_old_one(ring, wire, camera):
    ring.write(wire[1], 1, 1, image(1))
    notice = wire[0].recv()
    ring.write(wire[1], 1 + SLOTS, 1, image(9))
    assert ring.copy(notice) is None
    wire[0].recv()
    wire[1].send(notice)
    with pytest.raises(CameraTimeoutError, match="frame 1 was overwritten"):
        camera.read(1.0)


def test_a_scene_that_has_ended_is_a_camera_error(wire, camera):
    wire[1].close()
    with pytest.raises(CameraError, match="start the demonstration again"):
        camera.read(1.0)


def test_the_block_is_gone_when_its_maker_closes_it():
    before = shared_memory()
    ring = FrameRing(**SIZE)
    other = FrameRing(**SIZE, name=ring.name)
    assert shared_memory() - before == {ring.name.lstrip("/")}
    other.close()
    ring.close()
    assert shared_memory() == before
