"""A camera knocked out of its place while the line runs: alarm, abort, nothing lost or absorbed."""

import numpy as np

from controller.snapshot import AlarmKind
from controller.states import LineState
from tests.golden.replays import own_pipeline
from tests.support.lockstep_rig import shipped_line, shipped_run, with_share
from twin.config import OperatorConfig
from twin.lockstep import run_lockstep
from vision.types import Detections, Fraction

KNOCK_PX = 6.5
"""10 mm on the standard camera."""
KNOCKED_FROM = 150


class _KnockedPipeline:
    """The line's own pipeline behind a camera that moves once."""

    def __init__(self, line, calibration):
        self._own = own_pipeline(line, calibration)
        self.live_tracks = self._own.live_tracks
        self.hazards_removed, self.give_up = self._own.hazards_removed, self._own.give_up
        self.bumps = []

    def step(self, stamp, detections, status, more=()):
        if stamp.seq >= KNOCKED_FROM:
            shift = np.float32([KNOCK_PX, 0.0, KNOCK_PX, 0.0])
            detections = Detections(boxes_px=detections.boxes_px + shift, scores=detections.scores)
        result = self._own.step(stamp, detections, status, more)
        if result.bump_mm is not None:
            self.bumps.append((stamp.seq, result.bump_mm))
        return result


def test_a_knocked_camera_raises_its_alarm_and_aborts_until_an_operator_has_seen_to_it():
    made, seen = [], []

    def pipeline(*arguments):
        made.append(_KnockedPipeline(*arguments))
        return made[0]

    config = shipped_line("standard")[1].model_copy(
        update={"operator": OperatorConfig(reaction_s=0.5)}
    )
    config = with_share(config.with_changes(occupancy=0.1), Fraction.MERCURY_LAMP, 0.0)
    setup = shipped_run(items=200, config=config, pipeline=pipeline)
    look = setup.operator.look

    def watched(snapshot):
        seen.append((snapshot.state, {alarm.kind for alarm in snapshot.alarms}))
        return look(snapshot)

    setup.operator.look = watched
    result = run_lockstep(setup)
    assert [seq for seq, _ in made[0].bumps] == [KNOCKED_FROM]
    (x_mm, y_mm) = made[0].bumps[0][1]
    assert abs(abs(x_mm) - 10.0) < 2.0
    assert abs(y_mm) < 3.0
    aborted = [kinds for state, kinds in seen if state is LineState.ABORTED]
    assert any(AlarmKind.CAMERA_MOVED in kinds for kinds in aborted)
    assert result.totals.closes
    assert len(result.records) == result.totals.seen
