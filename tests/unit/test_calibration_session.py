"""A calibration driven step by step, as a page does it, on the twin's line."""

from datetime import UTC, datetime

import pytest

from calibration.bench import TaskKind
from calibration.board.spec import board_named
from calibration.procedures.session import SessionError, SessionState
from calibration.procedures.whole import Procedure, Signature
from twin.calibrated_camera import camera_of
from twin.calibration_session import open_session
from twin.whole_line import LINES, load_line

SIGNATURE = Signature(by="anna", at_utc=datetime(2026, 11, 25, tzinfo=UTC), note="")
PATIENCE_S = 60.0


@pytest.fixture
def session(tmp_path):
    camera = camera_of(load_line(LINES / "standard.toml"), None)
    opened = open_session(camera, board_named("A3"), source="twin", store=tmp_path)
    yield opened
    opened.stop()


def until(session, *states):
    view = session.view
    while view.state not in states:
        before = view.change
        view = session.wait(before, PATIENCE_S)
        assert view.change != before, f"nothing happened while {view.state}"
    return view


def answered(session, until_state=SessionState.DONE):
    """Do whatever is asked and return every task and the last view."""
    tasks = []
    while (view := until(session, SessionState.ASKING, until_state)).state is not until_state:
        tasks.append(view.task)
        session.answer()
    return tasks, view


def test_procedures_go_step_by_step_and_are_kept_once_the_person_says_so(session):
    session.start(frozenset({Procedure.CAMERA}), SIGNATURE)
    tasks, done = answered(session)
    assert {TaskKind.HOLD_BOARD, TaskKind.LAY_BOARD} <= {task.kind for task in tasks}
    assert done.wanted == ("camera",)
    assert any(found.name == "hold_out_error_px" for found in done.findings)
    assert done.picture.shape[1] == 960
    assert session.keep().number == 1
    assert session.view.state is SessionState.KEPT

    session.start(frozenset({Procedure.LIGHT}), SIGNATURE)
    tasks, done = answered(session)
    assert tasks[0].kind is TaskKind.GREY_CARD
    assert done.procedure == "light"
    session.discard()
    assert session.view.state is SessionState.DISCARDED
    with pytest.raises(SessionError, match="no result"):
        session.keep()

    session.start(frozenset({Procedure.ENCODER}), SIGNATURE)
    view = until(session, SessionState.ASKING)
    while not view.wants_number:
        session.answer()
        view = until(session, SessionState.ASKING)
    with pytest.raises(SessionError, match="give the number"):
        session.answer()
    session.answer(12.0)
    failed = until(session, SessionState.FAILED)
    assert failed.error
    assert failed.remedy


def test_a_session_that_is_stopped_keeps_nothing_and_can_begin_anew(session):
    session.start(frozenset({Procedure.CAMERA}), SIGNATURE)
    until(session, SessionState.ASKING)
    with pytest.raises(SessionError, match="is running"):
        session.start(frozenset({Procedure.CAMERA}), SIGNATURE)
    session.stop()
    assert session.view.state is SessionState.STOPPED
    with pytest.raises(SessionError, match="nothing is asked"):
        session.answer()
    session.start(frozenset({Procedure.CAMERA}), SIGNATURE)
    assert until(session, SessionState.ASKING).task is not None


def test_what_cannot_be_calibrated_yet_fails_with_what_comes_first(session):
    session.start(frozenset({Procedure.DELAY}), SIGNATURE)
    failed = until(session, SessionState.FAILED)
    assert "before belt" in failed.error
    assert "calibrate belt first" in failed.remedy
    with pytest.raises(SessionError, match="no procedure"):
        session.start(frozenset(), SIGNATURE)
