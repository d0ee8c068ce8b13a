"""The users' file: who may sign in, who is signed in, and the log of what they did."""

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from telemetry.hmi.account_schema import connect
from telemetry.hmi.account_types import LogLine, User, Visit, checked_name
from telemetry.hmi.errors import AccountError, AccountStoreError
from telemetry.hmi.passwords import hash_password, matches
from telemetry.hmi.roles import Role
from telemetry.wording import Language

MAX_LOG_LINES: Final = 500
_TOKEN_BYTES: Final = 32


class AccountBook:
    """Users, visits and the audit log in one SQLite file. Any thread.

    Args:
        path: the file; made when absent.

    Raises:
        AccountStoreError: it cannot be opened. Every method raises it when the file fails.
    """

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def users(self) -> tuple[User, ...]:
        """Return every user, by name."""
        with self._asked(
            "SELECT name, role, language, made_at FROM person ORDER BY key", ()
        ) as rows:
            return tuple(_user(row) for row in rows)

    def has_admin(self) -> bool:
        """Return whether somebody may look after the users."""
        with self._asked("SELECT 1 FROM person WHERE role = ?", (Role.ADMIN.value,)) as rows:
            return rows.fetchone() is not None

    def add(
        self, *, name: str, password: str, role: Role, language: Language, now: datetime
    ) -> User:
        """Make a user.

        Raises:
            AccountError: the name is taken or cannot be one, or the password cannot be taken.
        """
        name = checked_name(name)
        kept = hash_password(name, password)
        values = (name.casefold(), name, role.value, language.value, kept, now.isoformat())
        if not self._changed("INSERT OR IGNORE INTO person VALUES (?, ?, ?, ?, ?, ?)", values):
            msg = f"there is a user {name!r} already"
            raise AccountError(msg)
        return User(name=name, role=role, language=language, made_at=now)

    def remove(self, name: str) -> None:
        """Take a user's account and visits away; what the log holds stays.

        Raises:
            AccountError: no such user, or the last admin.
        """
        user = self.user(name)
        self._keep_an_admin(user, None)
        self._changed("DELETE FROM person WHERE key = ?", (_key(name),))

    def set_role(self, name: str, role: Role) -> None:
        """Make a user something else.

        Raises:
            AccountError: no such user, or the last admin.
        """
        self._keep_an_admin(self.user(name), role)
        self._changed("UPDATE person SET role = ? WHERE key = ?", (role.value, _key(name)))

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password; who is signed in under the name is signed out.

        Raises:
            AccountError: no such user, or the password cannot be taken.
        """
        kept = hash_password(self.user(name).name, password)
        self._changed("UPDATE person SET password = ? WHERE key = ?", (kept, _key(name)))
        self._changed("DELETE FROM visit WHERE person = ?", (_key(name),))

    def set_language(self, name: str, language: Language) -> None:
        """Have the page speak this language to a user."""
        self._changed("UPDATE person SET language = ? WHERE key = ?", (language.value, _key(name)))

    def user(self, name: str) -> User:
        """Return a user.

        Raises:
            AccountError: there is none of this name.
        """
        query = "SELECT name, role, language, made_at FROM person WHERE key = ?"
        with self._asked(query, (_key(name),)) as rows:
            row = rows.fetchone()
        if row is None:
            msg = f"there is no user {name!r}; `users list` names them"
            raise AccountError(msg)
        return _user(row)

    def password_matches(self, name: str, password: str) -> bool:
        """Return whether this is the user's password; takes as long where there is no user."""
        with self._asked("SELECT password FROM person WHERE key = ?", (_key(name),)) as rows:
            row = rows.fetchone()
        return matches(None if row is None else row[0], password)

    def sign_in(self, name: str, now: datetime, stay: timedelta) -> tuple[str, Visit]:
        """Begin a visit; return the secret for the browser's cookie, and the visit."""
        user = self.user(name)
        token, csrf = secrets.token_urlsafe(_TOKEN_BYTES), secrets.token_urlsafe(_TOKEN_BYTES)
        visit = Visit(user=user, csrf=csrf, expires_at=now + stay)
        self._changed("DELETE FROM visit WHERE expires_at <= ?", (now.isoformat(),))
        values = (_digest(token), _key(name), csrf, visit.expires_at.isoformat())
        self._changed("INSERT INTO visit VALUES (?, ?, ?, ?)", values)
        return token, visit

    def visit(self, token: str, now: datetime) -> Visit | None:
        """Return whose visit a cookie stands for; None if it ended or never was."""
        query = (
            "SELECT csrf, expires_at, name, role, language, made_at "
            "FROM visit JOIN person ON key = person WHERE token_sha256 = ?"
        )
        with self._asked(query, (_digest(token),)) as rows:
            row = rows.fetchone()
        if row is None or datetime.fromisoformat(row[1]) <= now:
            return None
        return Visit(user=_user(row[2:]), csrf=row[0], expires_at=datetime.fromisoformat(row[1]))

    def sign_out(self, token: str) -> None:
        """End a visit."""
        self._changed("DELETE FROM visit WHERE token_sha256 = ?", (_digest(token),))

    def log(self, line: LogLine) -> None:
        """Append a line to the audit log; the file refuses to change or delete one."""
        statement = (
            "INSERT INTO audit_log "
            "(at, user, action, role, address, before, after, outcome, detail) VALUES ("
            ":at, :user, :action, :role, :address, :before, :after, :outcome, :detail)"
        )
        self._changed(statement, {**asdict(line), "at": line.at.isoformat()})

    def log_lines(self, limit: int = MAX_LOG_LINES) -> tuple[LogLine, ...]:
        """Return the newest lines of the audit log, newest first."""
        query = (
            "SELECT at, user, action, role, address, before, after, outcome, detail "
            "FROM audit_log ORDER BY id DESC LIMIT ?"
        )
        with self._asked(query, (limit,)) as rows:
            names = [column[0] for column in rows.description]
            found = [dict(zip(names, row, strict=True)) for row in rows]
        return tuple(LogLine(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in found)

    def _keep_an_admin(self, user: User, role: Role | None) -> None:
        others = [u for u in self.users() if u.role is Role.ADMIN and u.name != user.name]
        if user.role is Role.ADMIN and role is not Role.ADMIN and not others:
            msg = f"{user.name!r} is the last admin; make another one first"
            raise AccountError(msg)

    @contextmanager
    def _asked(self, query: str, values: tuple[object, ...]) -> Iterator[sqlite3.Cursor]:
        with self._lock:
            try:
                with closing(self._connection.execute(query, values)) as cursor:
                    yield cursor
            except sqlite3.Error as error:
                msg = f"the users' file cannot be read: {error}"
                raise AccountStoreError(msg) from error

    def _changed(self, statement: str, values: tuple[object, ...] | dict[str, object]) -> int:
        with self._lock:
            try:
                return self._connection.execute(statement, values).rowcount
            except sqlite3.Error as error:
                msg = f"the users' file cannot be written: {error}"
                raise AccountStoreError(msg) from error


def _key(name: str) -> str:
    return checked_name(name).casefold()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _user(row: tuple[str, ...]) -> User:
    name, role, language, made_at = row
    return User(
        name=name,
        role=Role(role),
        language=Language(language),
        made_at=datetime.fromisoformat(made_at),
    )
