import json
import os

import numpy as np
import pytest

from calibration.units import BeltTick, MonotonicNs
from calibration.valve_map import ValveSpan
from controller.outcome import FrameOutcome
from controller.session import (
    FORMAT,
    QUEUE_FRAMES,
    SessionError,
    SessionHeader,
    SessionWriter,
    read_header,
    read_steps,
    recorded_step,
)
from controller.step import Intervention, LineStatus, PlannedPulse, StepResult
from plc.types import EjectionCommand
from vision.types import FrameStamp

HEADER = SessionHeader(
    format=FORMAT,
    session_id="s",
    bundle_id="b",
    bundle="/b",
    line_toml="",
    calibration_json="",
)
IMAGE = np.arange(12 * 8 * 3, dtype=np.uint8).reshape(12, 8, 3)


def outcome(seq: int) -> FrameOutcome:
    return FrameOutcome(
        interventions=(Intervention.GIVEN_UP,) if seq == 2 else (),
        stamp=FrameStamp(seq=seq, exposed_ns=MonotonicNs(10**9), tick=1 / 3 + seq),
        status=LineStatus(
            may_fire=True, now_tick=0.1 + 0.2, tick_sd=1e-300, ticks_per_s=3000.0, frame_age_ms=7.0
        ),
        result=StepResult(
            decided=(),
            planned=(
                PlannedPulse(
                    command=EjectionCommand(
                        pulse_id=seq + 1,
                        station=0,
                        valves=ValveSpan(first=1, last=4),
                        open_tick=BeltTick(2**40),
                        close_tick=BeltTick(2**40 + 9),
                    ),
                    track_ids=(1,),
                ),
            ),
            hazards=(),
            conflicts=(),
        ),
    )


def test_what_is_written_is_read_back_bit_for_bit(tmp_path):
    writer = SessionWriter(tmp_path / "s", HEADER)
    for seq in (1, 2, 5):
        writer.step(IMAGE, outcome(seq))
    writer.close()
    writer.close()
    assert writer.ended_early is None
    assert read_header(tmp_path / "s") == HEADER
    steps = list(read_steps(tmp_path / "s"))
    assert [step for _, step in steps] == [recorded_step(outcome(seq)) for seq in (1, 2, 5)]
    assert all(np.array_equal(image, IMAGE) for image, _ in steps)


def test_a_folder_that_exists_with_a_session_is_not_written_over(tmp_path):
    SessionWriter(tmp_path / "s", HEADER).close()
    with pytest.raises(SessionError, match="name a new, writable folder"):
        SessionWriter(tmp_path / "s", HEADER)


def test_a_step_without_a_picture_ends_the_recording_not_the_line(tmp_path):
    writer = SessionWriter(tmp_path / "s", HEADER)
    writer.step(IMAGE, outcome(1))
    writer.step(None, outcome(2))
    writer.step(IMAGE, outcome(3))
    writer.close()
    assert writer.ended_early == "there are no pictures to record"
    assert len(list(read_steps(tmp_path / "s"))) == 1


def test_a_disk_that_is_too_slow_ends_the_recording_where_the_queue_is_full(tmp_path):
    os.mkfifo(tmp_path / "slow")
    writer = SessionWriter(tmp_path / "s", HEADER)
    (tmp_path / "s" / "frames" / "00000000.png").symlink_to(tmp_path / "slow")
    for seq in range(QUEUE_FRAMES + 3):
        writer.step(IMAGE, outcome(seq))
    assert writer.ended_early is not None
    assert "too slow" in writer.ended_early
    with (tmp_path / "slow").open("rb") as reader:
        reader.read()
        writer.close()
    recorded = [step.stamp.seq for _, step in _without_pictures(tmp_path / "s")]
    assert recorded == list(range(QUEUE_FRAMES + 1))[: len(recorded)]
    assert len(recorded) >= QUEUE_FRAMES


def _without_pictures(folder):
    (folder / "frames" / "00000000.png").unlink()
    (folder / "frames" / "00000000.png").write_bytes(
        (folder / "frames" / "00000001.png").read_bytes()
    )
    return read_steps(folder)


def test_a_full_disk_ends_the_recording_and_what_was_written_stays_usable(tmp_path, caplog):
    writer = SessionWriter(tmp_path / "s", HEADER)
    (tmp_path / "s" / "frames" / "00000003.png").symlink_to("/dev/full")
    for seq in range(1, 6):
        writer.step(IMAGE, outcome(seq))
    writer.close()
    assert writer.ended_early == "cannot write: No space left on device"
    assert "ended early: cannot write" in caplog.text
    assert [step.stamp.seq for _, step in read_steps(tmp_path / "s")] == [1, 2]


def test_a_line_cut_off_by_a_kill_is_left_out_and_a_missing_picture_is_an_error(tmp_path):
    writer = SessionWriter(tmp_path / "s", HEADER)
    for seq in (1, 2, 3):
        writer.step(IMAGE, outcome(seq))
    writer.close()
    path = tmp_path / "s" / "steps.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    assert [step.stamp.seq for _, step in read_steps(tmp_path / "s")] == [1, 2]
    (tmp_path / "s" / "frames" / "00000002.png").unlink()
    with pytest.raises(SessionError, match="line 2"):
        list(read_steps(tmp_path / "s"))


def test_a_header_of_another_kind_is_refused(tmp_path):
    SessionWriter(tmp_path / "s", HEADER).close()
    path = tmp_path / "s" / "session.json"
    header = json.loads(path.read_text())
    path.write_text(json.dumps(header | {"format": 99}))
    with pytest.raises(SessionError, match="format 99"):
        read_header(tmp_path / "s")
    path.write_text("{")
    with pytest.raises(SessionError, match="missing or malformed"):
        read_header(tmp_path / "s")
