import pytest

from controller.pipeline import SortingPipeline
from controller.replay import replay
from controller.session import SessionError, SessionWriter
from controller.snapshot import LampRemoved
from controller.states import LineCommand
from controller.step import Intervention
from tests.support.belt_scenes import CALIBRATION, LIMITS, recipe, station
from tests.support.coded_frames import coded_frame, number_of
from tests.support.core_bench import CoreBench
from tests.unit.test_core import Jumping
from tests.unit.test_session_writer import HEADER
from vision.tracker_config import TrackerConfig
from vision.types import Fraction


class RememberedDetector:
    """Finds in a numbered picture what was found in it before."""

    bundle_id = "remembered"

    def __init__(self, found):
        self._found = found

    def detect(self, image):
        return self._found[number_of(image)]


def pipeline(**changes):
    return SortingPipeline(
        calibration=CALIBRATION,
        stations=(station(),),
        recipe=recipe(**changes),
        limits=LIMITS,
        tracker=TrackerConfig(),
    )


@pytest.fixture(scope="module")
def eventful():
    """A run with plastics, a lamp that was taken off and an encoder that jumped."""
    bench = CoreBench()
    bench.start()
    bench.lay(200.0, 800.0)
    bench.lay(500.0, fraction=Fraction.MERCURY_LAMP, width_mm=30.0, length_mm=200.0)
    bench.run(1500)
    bench.items.clear()
    assert bench.core.operator(LampRemoved(operator="test"), bench.now_ns).accepted
    bench.press(LineCommand.UNHOLD)
    bench.lay(300.0, 500.0)
    bench.run(300)
    bench.plant.drive = Jumping(bench.plant.drive, 500_000)
    bench.run(300)
    bench.items.clear()
    bench.press(LineCommand.CLEAR, LineCommand.RESET, LineCommand.START)
    bench.lay(300.0)
    bench.run(1500)
    return bench


@pytest.fixture
def session(eventful, tmp_path):
    writer = SessionWriter(tmp_path / "s", HEADER, patient=True)
    for outcome in eventful.outcomes:
        writer.step(coded_frame(outcome.stamp.seq), outcome)
    writer.close()
    return tmp_path / "s"


def test_a_run_with_lamp_and_encoder_fault_replays_bit_for_bit(eventful, session):
    interventions = {i for outcome in eventful.outcomes for i in outcome.interventions}
    assert interventions == set(Intervention)
    told = []
    result = replay(session, RememberedDetector(eventful.found), pipeline(), told.append)
    assert result.differences == ()
    assert result.frames == len(eventful.outcomes) == told[-1]
    assert result.decisions >= 3
    assert result.commands >= 2


def test_another_recipe_decides_otherwise_and_the_frames_are_told(eventful, session):
    changed = pipeline(max_mass_g=0.001)
    result = replay(session, RememberedDetector(eventful.found), changed, lambda _: None)
    assert result.differences
    first = result.differences[0]
    assert first.recorded.stamp == first.replayed.stamp
    assert first.recorded.decisions != first.replayed.decisions


def test_a_missing_picture_ends_the_replay_with_its_line(eventful, session):
    sorted((session / "frames").iterdir())[3].unlink()
    with pytest.raises(SessionError, match="line 4"):
        replay(session, RememberedDetector(eventful.found), pipeline(), lambda _: None)
