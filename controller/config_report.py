"""Configuration errors for people: every one at once, each with its key's path."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails


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


def problems_of(
    error: ValidationError, document: Mapping[str, Any], *, section: str = ""
) -> tuple[str, ...]:
    """Return one line per error: key path as in the file, what is wrong, what was found.

    Args:
        error: of pydantic.
        document: the parsed file, to tell keys from the tags pydantic puts into paths.
        section: path of the document within the file, if it is only a part of it.
    """
    entries = error.errors()
    places = [entry["loc"] for entry in entries]
    return tuple(
        _problem(entry, document, section)
        for entry in entries
        if not _follows_from_others(entry, places)
    )


def _follows_from_others(entry: ErrorDetails, places: Sequence[tuple[int | str, ...]]) -> bool:
    """A list whose members are wrong is reported as too short on top."""
    place = entry["loc"]
    within = (other[: len(place)] == place and other != place for other in places)
    return entry["type"] == "too_short" and any(within)


def _problem(entry: ErrorDetails, document: Mapping[str, Any], section: str) -> str:
    path = ".".join(part for part in (section, _path(entry, document)) if part) or "file"
    context = entry.get("ctx", {})
    if entry["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path += f".{context['discriminator'].strip(chr(39))}"
    if entry["type"] == "union_tag_invalid":
        return f"{path}: {context['tag']!r} is none of {context['expected_tags']}"
    return f"{path}: {_message(entry['type'], entry['msg'], entry['input'])}"


def _path(entry: ErrorDetails, document: Mapping[str, Any]) -> str:
    path, here = "", document
    location = entry["loc"]
    for place, part in enumerate(location):
        missing = entry["type"] == "missing" and place == len(location) - 1
        if isinstance(part, int):
            path += f"[{part}]"
        elif part == "[key]":
            continue
        elif not _is_tag(part, here, missing=missing):
            path += f".{part}" if path else part
        else:
            continue
        here = _inside(here, part)
    return path


def _is_tag(part: str, here: Any, *, missing: bool) -> bool:
    """A union puts the tag of the form it chose into the path; it is no key of the file."""
    return not missing and (not isinstance(here, Mapping) or part not in here)


def _inside(here: Any, part: int | str) -> Any:
    if isinstance(here, Mapping):
        return here.get(part, {})
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return here[part]
    return {}


def _message(kind: str, message: str, found: Any) -> str:
    if kind == "extra_forbidden":
        return "unknown key; remove it or mend its spelling"
    if kind in ("missing", "union_tag_not_found"):
        return "missing key; it has no default"
    text = message.removeprefix("Value error, ")
    plain = isinstance(found, str | int | float | bool)
    return f"{text}, found {found!r}" if plain else text
