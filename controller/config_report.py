"""Configuration errors for people: every one at once, each with its key's path."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError


class ConfigError(Exception):
    """A line file cannot be used.

    Attributes:
        problems: one line each, beginning with the key's path.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class UsageError(Exception):
    """Arguments that do not fit together; the message says what to change."""


def problems_of(error: ValidationError, document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line per error: key path as in the file, what is wrong, what was found.

    Args:
        error: of pydantic.
        document: the parsed file, to tell keys from the tags pydantic puts into paths.
    """
    return tuple(
        f"{_path(entry['loc'], document)}: {_message(entry['type'], entry['msg'], entry['input'])}"
        for entry in error.errors()
    )


def _path(location: tuple[int | str, ...], document: Mapping[str, Any]) -> str:
    path, here = "", document
    for place, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif part == "[key]":
            continue
        elif not _is_tag(part, here, last=place == len(location) - 1):
            path += f".{part}" if path else part
        else:
            continue
        here = _inside(here, part)
    return path or "file"


def _is_tag(part: str, here: Any, *, last: bool) -> bool:
    """A discriminated union puts the chosen tag into the path; it is a value, not a key."""
    return isinstance(here, Mapping) and not last and part not in here and part in here.values()


def _inside(here: Any, part: int | str) -> Any:
    if isinstance(here, Mapping):
        return here.get(part, {})
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return here[part]
    return {}


def _message(kind: str, message: str, found: Any) -> str:
    if kind == "extra_forbidden":
        return "unknown key; remove it or mend its spelling"
    if kind == "missing":
        return "missing key; it has no default"
    text = message.removeprefix("Value error, ")
    plain = isinstance(found, str | int | float | bool)
    return f"{text}, found {found!r}" if plain else text
