"""Users of the page: what is kept, who may do what, how guessing is slowed, what is logged."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from calibration.units import NS_PER_S, MonotonicNs
from telemetry.hmi.account_types import LogLine, checked_name
from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.errors import AccountError, AccountStoreError
from telemetry.hmi.roles import HOLDERS, Right, Role, right_for, rights_of
from telemetry.hmi.throttle import FREE_TRIES, KEPT, LONGEST_WAIT_S, LoginThrottle
from telemetry.wall import utc_now
from telemetry.wording import Language
from tests.support.page_user import PASSWORD
from twin.virtual_clock import VirtualClock

NOW = utc_now()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[AccountBook]:
    with closing(AccountBook(tmp_path / "users.sqlite")) as made:
        yield made


def add(book: AccountBook, name: str, role: Role = Role.TECHNICIAN) -> None:
    book.add(name=name, password=PASSWORD, role=role, language=Language.KK, now=NOW)


def test_a_password_is_known_again_and_kept_as_argon2id_alone(
    book: AccountBook, tmp_path: Path
) -> None:
    add(book, "Айгүл")
    assert book.password_matches("айгүл", PASSWORD)
    assert not book.password_matches("Айгүл", PASSWORD + "x")
    assert not book.password_matches("nobody", PASSWORD)
    with closing(sqlite3.connect(tmp_path / "users.sqlite")) as file:
        (kept,) = file.execute("SELECT password FROM person").fetchone()
    assert kept.startswith("$argon2id$")
    assert (tmp_path / "users.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "Technician1"])
def test_a_poor_password_is_refused(book: AccountBook, password: str) -> None:
    with pytest.raises(AccountError, match="password"):
        book.add(
            name="technician",
            password=password,
            role=Role.VIEWER,
            language=Language.RU,
            now=NOW,
        )
    assert book.users() == ()


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "two\nlines", "ab\u202ecd", "nul\0"])
def test_a_name_that_does_not_show_as_it_is_is_refused(name: str) -> None:
    with pytest.raises(AccountError, match="name"):
        checked_name(name)


def test_markup_and_quotes_in_a_name_are_a_name(book: AccountBook) -> None:
    for name in ("<img src=x onerror=alert(1)>", "Robert'); DROP TABLE person;--", 'Ә "Ұ" Ө'):
        add(book, name)
    assert len(book.users()) == 3


def test_a_name_is_taken_whatever_its_case(book: AccountBook) -> None:
    add(book, "Айгүл")
    with pytest.raises(AccountError, match="already"):
        add(book, "АЙГҮЛ")


def test_a_visit_ends_at_its_hour_by_signing_out_and_by_a_new_password(book: AccountBook) -> None:
    add(book, "a")
    stay = timedelta(hours=12)
    token, visit = book.sign_in("a", NOW, stay)
    assert book.visit(token, NOW) == visit
    assert book.visit(token, NOW + stay) is None
    assert book.visit("guess", NOW) is None
    book.sign_out(token)
    assert book.visit(token, NOW) is None
    token, _ = book.sign_in("a", NOW, stay)
    book.set_password("a", PASSWORD + "!")
    assert book.visit(token, NOW) is None


def test_a_visit_outlives_the_process(tmp_path: Path) -> None:
    with closing(AccountBook(tmp_path / "users.sqlite")) as book:
        add(book, "a")
        token, visit = book.sign_in("a", NOW, timedelta(hours=1))
    with closing(AccountBook(tmp_path / "users.sqlite")) as again:
        assert again.visit(token, NOW) == visit


def test_the_last_admin_stays(book: AccountBook) -> None:
    add(book, "root", Role.ADMIN)
    for change in (lambda: book.remove("root"), lambda: book.set_role("root", Role.VIEWER)):
        with pytest.raises(AccountError, match="last admin"):
            change()
    add(book, "second", Role.ADMIN)
    book.remove("root")
    assert [user.name for user in book.users()] == ["second"]


def test_the_log_only_grows(book: AccountBook, tmp_path: Path) -> None:
    book.log(LogLine(at=NOW, user="a", action="/api/command", before="{}", after="{}"))
    book.log(LogLine(at=NOW, user="b", action="sign_in"))
    assert [line.user for line in book.log_lines()] == ["b", "a"]
    with closing(sqlite3.connect(tmp_path / "users.sqlite")) as file:
        for statement in ("UPDATE audit_log SET user = 'c'", "DELETE FROM audit_log"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                file.execute(statement)


def test_a_file_of_a_newer_program_or_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users.sqlite"
    AccountBook(path).close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 99")
    with pytest.raises(AccountStoreError, match="newer program"):
        AccountBook(path)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as file:
        file.execute("CREATE TABLE t (a)")
    with pytest.raises(AccountStoreError, match="no users' file"):
        AccountBook(other)
    (tmp_path / "text").write_text("this is no database at all" * 100)
    with pytest.raises(AccountStoreError, match="cannot be opened"):
        AccountBook(tmp_path / "text")


def test_guessing_gets_slow_and_a_right_password_is_free_again() -> None:
    clock = VirtualClock(MonotonicNs(0))
    throttle = LoginThrottle(clock)
    tried = 0
    for _ in range(1000):
        if throttle.wait_s("a") == 0:
            throttle.failed("a")
            tried += 1
    assert tried == FREE_TRIES
    assert 0 < throttle.wait_s("a", "b") <= 2.0
    for _ in range(20):
        throttle.failed("a")
    assert throttle.wait_s("a") == LONGEST_WAIT_S
    clock.move_to(MonotonicNs(clock.now_ns() + int(LONGEST_WAIT_S * NS_PER_S)))
    assert throttle.wait_s("a") == 0
    throttle.succeeded("a")
    throttle.failed("a")
    assert throttle.wait_s("a") == 0


def test_the_throttle_s_memory_is_bounded() -> None:
    throttle = LoginThrottle(VirtualClock(MonotonicNs(0)))
    for number in range(KEPT + 100):
        throttle.failed(f"name {number}")
    assert len(throttle._failures) == KEPT


def test_only_those_who_work_at_the_line_operate_it() -> None:
    assert HOLDERS[Right.OPERATE] == {Role.TECHNICIAN, Role.ENGINEER, Role.ADMIN}
    assert rights_of(Role.VIEWER) == (Right.READ,)
    assert set(rights_of(Role.ADMIN)) == set(Right)
    assert right_for("POST", "/api/anything-new") is Right.OPERATE
    assert right_for("DELETE", "/api/state") is Right.OPERATE
    assert right_for("GET", "/api/audit-log") is Right.READ_LOG
