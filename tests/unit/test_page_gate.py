"""The gate before the page: who is let through, what is written down, how one signs in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry.hmi.gate import COOKIE, CSRF_HEADER
from telemetry.hmi.roles import Role
from telemetry.hmi.throttle import FREE_TRIES
from tests.support.page_user import PASSWORD, sign_in
from tests.unit.test_telemetry_web import OWN, Desk

HOLD = {"command": "hold"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.connect(1)
    yield made
    made.store.close()
    made.book.close()


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, open_to_read=False)
    yield made
    made.store.close()
    made.book.close()


def as_role(desk: Desk, role: Role) -> dict[str, str]:
    return {**OWN, **sign_in(desk.book, role.value, role)}


@pytest.mark.parametrize(
    ("role", "code"),
    [
        (Role.VIEWER, 403),
        (Role.MANAGER, 403),
        (Role.TECHNICIAN, 202),
        (Role.ENGINEER, 202),
        (Role.ADMIN, 202),
    ],
)
def test_a_command_is_taken_from_those_who_operate(desk: Desk, role: Role, code: int) -> None:
    assert desk.post("/api/command", HOLD, headers=as_role(desk, role)).status_code == code
    assert len(desk.requests) == (1 if code == 202 else 0)


def test_nobody_acts_without_signing_in_or_after_the_visit_is_over(desk: Desk) -> None:
    assert desk.post("/api/command", HOLD, headers=OWN).status_code == 401
    token = desk.headers["cookie"].partition("=")[2]
    desk.book.sign_out(token)
    answer = desk.post("/api/command", HOLD)
    assert answer.status_code == 401
    assert "sign in" in answer.json()["detail"]
    assert desk.requests == []


def test_a_request_without_the_session_s_own_token_is_refused(desk: Desk) -> None:
    for token in ("", "guess", sign_in(desk.book, "b")[CSRF_HEADER]):
        headers = {**desk.headers, CSRF_HEADER: token}
        assert desk.post("/api/command", HOLD, headers=headers).status_code == 403
    for path in ("/api/sign-out", "/api/language", "/api/password"):
        headers = {**desk.headers, CSRF_HEADER: "guess"}
        body = {"language": "kk"} if path == "/api/language" else {"old": "a", "new": "b"}
        assert desk.post(path, body, headers=headers).status_code == 401
    assert desk.requests == []


def test_what_was_asked_is_written_down_with_what_stood_before(desk: Desk) -> None:
    desk.post("/api/command", HOLD)
    desk.post("/api/command", {"command": "start"})
    desk.post("/api/command", HOLD, headers=OWN)
    unknown, refused, taken = desk.book.log_lines()
    assert (taken.user, taken.role, taken.action, taken.outcome) == (
        "a",
        "engineer",
        "/api/command",
        "202",
    )
    assert json.loads(taken.before)["state"] == "execute"
    assert json.loads(taken.after) == HOLD
    assert (refused.outcome, refused.detail) == ("409", "start is not possible in this state")
    assert (unknown.user, unknown.outcome) == ("", "401")


def test_a_closed_page_shows_nothing_but_the_way_in(closed: Desk) -> None:
    assert closed.get("/api/state").status_code == 401
    assert closed.get("/api/picture").status_code == 401
    page = closed.get("/")
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
    for path in ("/sign-in", "/healthz", "/metrics", "/static/page.css", "/api/session"):
        assert closed.get(path).status_code == 200
    assert closed.get("/api/state", headers=closed.headers).status_code == 200


def test_the_audit_log_is_for_the_office(desk: Desk) -> None:
    assert desk.get("/api/audit-log").status_code == 401
    for role, code in ((Role.TECHNICIAN, 403), (Role.MANAGER, 200)):
        assert desk.get("/api/audit-log", headers=as_role(desk, role)).status_code == code


def test_signing_in_gives_a_cookie_that_no_script_reads(desk: Desk) -> None:
    answer = desk.post("/api/sign-in", {"name": "A", "password": PASSWORD}, headers=OWN)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    headers = {
        **OWN,
        CSRF_HEADER: answer.json()["csrf"],
        "cookie": f"{COOKIE}={answer.cookies[COOKIE]}",
    }
    assert desk.post("/api/command", HOLD, headers=headers).status_code == 202


def test_a_thousand_wrong_passwords_cost_five_and_the_right_one_then_waits(desk: Desk) -> None:
    wrong = {"name": "a", "password": "not the password"}
    codes = [desk.post("/api/sign-in", wrong, headers=OWN).status_code for _ in range(1000)]
    assert codes[:FREE_TRIES] == [401] * FREE_TRIES
    assert codes.count(401) < 12
    assert codes[-1] == 429
    answer = desk.post("/api/sign-in", {"name": "a", "password": PASSWORD}, headers=OWN)
    assert answer.status_code == 429
    assert float(answer.headers["retry-after"]) >= 0
    assert sum(line.action == "sign_in" for line in desk.book.log_lines()) == codes.count(401)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "nobody", "password": PASSWORD},
        {"name": "a\0b", "password": PASSWORD},
        {"name": "a' OR 1=1 --", "password": "x"},
        {"name": "a", "password": "x" * 399},
    ],
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(desk: Desk, body: Any) -> None:
    answer = desk.post("/api/sign-in", body, headers=OWN)
    assert (answer.status_code, answer.json()["detail"]) == (401, "name or password is wrong")


def test_the_first_run_sets_the_admin_s_password_once(desk: Desk) -> None:
    assert desk.get("/api/session").json() == {"first_run": True, "user": None}
    short = desk.post("/api/first-run", {"password": "short"}, headers=OWN)
    assert short.status_code == 400
    assert desk.post("/api/first-run", {"password": PASSWORD}, headers=OWN).status_code == 200
    assert desk.post("/api/first-run", {"password": PASSWORD}, headers=OWN).status_code == 409
    assert not desk.get("/api/session").json()["first_run"]
    assert desk.book.user("admin").role is Role.ADMIN


def test_one_s_own_password_and_language_can_be_changed(desk: Desk) -> None:
    assert desk.post("/api/language", {"language": "kk"}).status_code == 200
    session = desk.get("/api/session", headers=desk.headers).json()
    assert (session["language"], session["user"], session["role"]) == ("kk", "a", "engineer")
    wrong = {"old": "not the old one", "new": "another long password"}
    assert desk.post("/api/password", wrong).status_code == 403
    right = {"old": PASSWORD, "new": "another long password"}
    assert desk.post("/api/password", right).status_code == 200
    assert desk.get("/api/session", headers=desk.headers).json()["user"] is None
    assert desk.book.password_matches("a", "another long password")
