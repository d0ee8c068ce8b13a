"""The `users` command as a person at the terminal meets it."""

import io
import json
from pathlib import Path

import pytest

import run_line
from tests.support.page_user import PASSWORD

SECTION = """[telemetry]
host = "127.0.0.1"
port = 8080
store_path = "items.sqlite"
socket_path = "t.sock"
"""


@pytest.fixture
def line(tmp_path: Path) -> str:
    (tmp_path / "line.toml").write_text(SECTION)
    return str(tmp_path / "line.toml")


def users(monkeypatch: pytest.MonkeyPatch, typed: str, *words: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
    return run_line.main(["users", *words])


def test_a_user_is_made_changed_and_taken_away(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert users(monkeypatch, PASSWORD, "add", line, "root", "admin", "--stdin") == 0
    assert users(monkeypatch, PASSWORD, "add", line, "Айгүл", "viewer", "--stdin") == 0
    assert users(monkeypatch, "", "role", line, "Айгүл", "technician") == 0
    assert users(monkeypatch, PASSWORD + "2", "password", line, "Айгүл", "--stdin") == 0
    capsys.readouterr()
    assert users(monkeypatch, "", "list", line, "--json") == 0
    listed = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert [(row["name"], row["role"]) for row in listed] == [
        ("root", "admin"),
        ("Айгүл", "technician"),
    ]
    assert users(monkeypatch, "", "remove", line, "Айгүл") == 0
    capsys.readouterr()
    assert users(monkeypatch, "", "log", line, "--limit", "2") == 0
    removed, _ = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert (removed["action"], removed["before"], removed["after"]) == (
        "users remove Айгүл",
        "technician",
        "",
    )


@pytest.mark.parametrize(
    ("typed", "words", "said"),
    [
        ("short", ("add", "a", "viewer", "--stdin"), "10 to 200 characters"),
        ("", ("password", "nobody", "--stdin"), "there is no user"),
        ("", ("remove", "nobody"), "there is no user"),
        (PASSWORD, ("add", "a", "viewer"), "add --stdin"),
    ],
)
def test_what_cannot_be_done_is_said_with_code_two(
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    words: tuple[str, ...],
    said: str,
) -> None:
    action, *rest = words
    assert users(monkeypatch, typed, action, line, *rest) == 2
    assert said in " ".join(capsys.readouterr().err.split())
