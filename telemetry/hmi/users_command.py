"""The `users` command: who may sign in at a line's page; helps with a lost password.

Exit codes: 0 done; 2 the arguments, the line file, the users' file, a name or a password cannot be
used.
"""

import argparse
import getpass
import json
import sys
from contextlib import closing
from pathlib import Path

from rich.console import Console

from telemetry.hmi.account_types import LogLine
from telemetry.hmi.accounts import MAX_LOG_LINES, AccountBook
from telemetry.hmi.errors import AccountError
from telemetry.hmi.roles import Role
from telemetry.line_section import read_telemetry
from telemetry.terminal import tell
from telemetry.wall import utc_now
from telemetry.wording import Language

EXIT_OK = 0
AT_TERMINAL = "at the line's terminal"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="name every user and role")
    listing.add_argument("--json", action="store_true", help="print for a machine")
    add = actions.add_parser("add", help="make a user; asks for the password")
    password = actions.add_parser("password", help="give a user another password")
    role = actions.add_parser("role", help="make a user something else")
    remove = actions.add_parser("remove", help="take a user's account away")
    log = actions.add_parser("log", help="print the audit log as JSON lines, newest first")
    log.add_argument("--limit", type=int, default=MAX_LOG_LINES, metavar="LINES")
    for action in actions.choices.values():
        action.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")
    for action in (add, password, role, remove):
        action.add_argument("name", help="the user's name")
    for action in (add, role):
        action.add_argument("role", type=Role, choices=list(Role), metavar="ROLE")
        action.epilog = f"ROLE: {', '.join(role.value for role in Role)}"
    add.add_argument("--language", type=Language, default=Language.RU, choices=list(Language))
    for action in (add, password):
        action.add_argument(
            "--stdin", action="store_true", help="read the password from standard input"
        )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command; return its exit code.

    Raises:
        AccountError: the name, the password or the change cannot be taken.
        AccountStoreError: the users' file cannot be used.
    """
    path = read_telemetry(arguments.line).users_path
    with closing(AccountBook(path)) as book:
        if arguments.action == "list":
            _list(book, console, as_json=arguments.json)
        elif arguments.action == "log":
            for line in book.log_lines(arguments.limit):
                tell(json.dumps(_values(line), ensure_ascii=False))
        else:
            _change(book, arguments)
            console.print(f"{arguments.action} {arguments.name}: done", markup=False)
    return EXIT_OK


def _list(book: AccountBook, console: Console, *, as_json: bool) -> None:
    users = book.users()
    for user in users:
        words = (user.name, user.role.value, user.language.value)
        keys = ("name", "role", "language")
        content = json.dumps(dict(zip(keys, words, strict=True)), ensure_ascii=False)
        tell(content if as_json else "\t".join(words))
    if not users and not as_json:
        console.print("no users yet: the first visit to the page sets the admin's password")


def _change(book: AccountBook, arguments: argparse.Namespace) -> None:
    name = arguments.name
    before = {user.name: user.role.value for user in book.users()}.get(name, "")
    match arguments.action:
        case "add":
            book.add(
                name=name,
                password=_password(from_stdin=arguments.stdin),
                role=arguments.role,
                language=arguments.language,
                now=utc_now(),
            )
        case "password":
            book.set_password(name, _password(from_stdin=arguments.stdin))
        case "role":
            book.set_role(name, arguments.role)
        case _:
            book.remove(name)
    after = {user.name: user.role.value for user in book.users()}.get(name, "")
    book.log(
        LogLine(
            at=utc_now(),
            user=getpass.getuser(),
            address=AT_TERMINAL,
            action=f"users {arguments.action} {name}",
            before=before,
            after=after,
            outcome="accepted",
        )
    )


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        msg = "there is no terminal to ask for the password at; add --stdin"
        raise AccountError(msg)
    password = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != password:
        msg = "the two passwords differ"
        raise AccountError(msg)
    return password


def _values(line: LogLine) -> dict[str, str]:
    return {
        "at": line.at.isoformat(),
        "user": line.user,
        "role": line.role,
        "address": line.address,
        "action": line.action,
        "before": line.before,
        "after": line.after,
        "outcome": line.outcome,
        "detail": line.detail,
    }
