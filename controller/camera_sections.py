"""A line file's [camera] or [[cameras]]: read as one, and told of by the keys that were written."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_FURTHER: Final = re.compile(r"^more_cameras[.\[](\d+)\]?")
_FIRST: Final = re.compile(r"^camera\b")


def with_first_camera(document: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a line file's content with [[cameras]] as `camera` and `more_cameras`, and problems.

    A line has one [camera] or several [[cameras]], never both.
    """
    own = dict(document)
    tables = own.pop("cameras", None)
    if "more_cameras" in own:
        return own, ("more_cameras: unknown key; name every camera in [[cameras]]",)
    if tables is None:
        return own, ()
    if "camera" in own:
        return own, ("cameras: the file also has [camera]; name every camera in [[cameras]]",)
    if not isinstance(tables, list) or not tables:
        return own, ("cameras: write one [[cameras]] table for each camera",)
    ids = [table.get("camera_id") for table in tables if isinstance(table, dict)]
    if len(set(ids)) != len(tables):
        return own, ("cameras: every camera needs a camera_id of its own",)
    own["camera"], own["more_cameras"] = tables[0], tables[1:]
    return own, ()


def as_written(problems: Sequence[str]) -> tuple[str, ...]:
    """Return problems of a line with [[cameras]] with the keys that its file has."""
    return tuple(
        _FIRST.sub("cameras[0]", _FURTHER.sub(lambda m: f"cameras[{int(m[1]) + 1}]", problem))
        for problem in problems
    )
