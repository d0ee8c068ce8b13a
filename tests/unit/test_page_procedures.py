"""Guided procedures: what the file holds, which steps are taken, where they are kept."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calibration.units import MonotonicNs
from controller.refusals import Refusals
from telemetry.hmi.procedures import procedures
from telemetry.hmi.roles import Role
from tests.support.page_user import sign_in
from tests.unit.test_telemetry_web import CLOCK, OWN, Desk

HOSTILE = '<img src=x onerror=alert(1)>"; DROP TABLE audit_log;-- \u202e'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.connect(1)
    yield made
    made.store.close()
    made.book.close()


def test_every_procedure_that_a_shift_needs_is_there() -> None:
    assert set(procedures()) == {
        "shift_start",
        "jam",
        "lens_cleaning",
        "lamp_found",
        "valve_test",
        "calibration_check",
    }
    for procedure in procedures().values():
        for words in (procedure.name, *procedure.steps):
            assert len({words.en, words.ru, words.kk}) == 3


def test_a_step_names_only_buttons_that_the_page_has(desk: Desk) -> None:
    for language, quotes in (("en", "“”"), ("ru", "«»")):
        words = set(desk.get(f"/api/words?language={language}").json().values())
        for procedure in procedures().values():
            for step in procedure.steps:
                text = getattr(step, language)
                while quotes[0] in text:
                    name, _, text = text.partition(quotes[0])[2].partition(quotes[1])
                    assert name in words


def test_a_confirmed_step_is_kept_with_its_note_as_it_was_written(desk: Desk) -> None:
    body = {"procedure": "jam", "step": 2, "done": True, "note": HOSTILE}
    assert desk.post("/api/procedure-step", body).status_code == 200
    (line,) = desk.book.log_lines()
    assert (line.user, line.action, line.outcome) == ("a", "/api/procedure-step", "200")
    assert json.loads(line.after) == body


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"procedure": "tea"}, 404),
        ({"step": 6}, 404),
        ({"step": 0}, 400),
        ({"note": "x" * 401}, 400),
        ({"done": "perhaps"}, 400),
    ],
)
def test_a_step_that_there_is_not_is_refused(desk: Desk, change: dict[str, Any], code: int) -> None:
    body = {"procedure": "jam", "step": 1, "done": True, **change}
    assert desk.post("/api/procedure-step", body).status_code == code


def test_a_viewer_confirms_nothing(desk: Desk) -> None:
    headers = {**OWN, **sign_in(desk.book, "v", Role.VIEWER)}
    body = {"procedure": "jam", "step": 1, "done": True}
    assert desk.post("/api/procedure-step", body, headers=headers).status_code == 403


def test_refusals_of_the_line_are_shown_for_a_minute(desk: Desk) -> None:
    refusals = Refusals()
    now_ns = CLOCK.now_ns()
    refusals.add(MonotonicNs(now_ns - 120_000_000_000), "old", "start refused")
    refusals.add(now_ns, "a", "start refused: the PLC is in fault")
    snapshot = replace(desk.source.snapshot(now_ns), refusals=refusals.all())
    desk.hub.take_snapshot(snapshot)
    (shown,) = desk.get("/api/state").json()["refusals"]
    assert (shown["operator"], shown["reason"]) == ("a", "start refused: the PLC is in fault")
