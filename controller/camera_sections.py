"""A line file's [camera] or [[cameras]]: told apart by role, checked, told of by written keys."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from controller.stations import JetBarConfig

if TYPE_CHECKING:
    from controller.line_file import LineFile

_FURTHER: Final = re.compile(r"^more_cameras[.\[](\d+)\]?")
_FIRST: Final = re.compile(r"^camera\b")
_BEHIND: Final = re.compile(r"^downstream_camera\b")
_OWN_KEYS: Final = ("more_cameras", "downstream_camera")
"""Where the checked line keeps the cameras; no keys of the file."""


def with_cameras_by_role(document: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a line file's content with its cameras by role, and problems.

    A line has one [camera] or several [[cameras]], never both. Of [[cameras]], the last may look
    behind the bars (role "downstream"); the others sort and become `camera` and `more_cameras`.
    """
    own = dict(document)
    tables = own.pop("cameras", None)
    if strange := [key for key in _OWN_KEYS if key in own]:
        return own, (f"{strange[0]}: unknown key; name every camera in [[cameras]]",)
    if tables is None:
        return own, ()
    if "camera" in own:
        return own, ("cameras: the file also has [camera]; name every camera in [[cameras]]",)
    if not isinstance(tables, list) or not tables:
        return own, ("cameras: write one [[cameras]] table for each camera",)
    ids = [table.get("camera_id") for table in tables if isinstance(table, dict)]
    if len(set(ids)) != len(tables):
        return own, ("cameras: every camera needs a camera_id of its own",)
    behind = [index for index, table in enumerate(tables) if table.get("role") == "downstream"]
    if problem := _order_problem(behind, len(tables)):
        return own, (problem,)
    sorting = tables[:-1] if behind else tables
    own["camera"], own["more_cameras"] = sorting[0], sorting[1:]
    if behind:
        own["downstream_camera"] = tables[-1]
    return own, ()


def _order_problem(behind: list[int], count: int) -> str | None:
    if len(behind) > 1:
        return f"cameras[{behind[1]}].role: a line has one downstream camera"
    if behind and count == 1:
        return 'cameras[0].role: "downstream" alone sorts nothing; name the sorting camera first'
    if behind and behind[0] != count - 1:
        return f"cameras[{behind[0]}].role: write the downstream camera's table last"
    return None


def camera_problems(line: "LineFile") -> tuple[str, ...]:
    """Return what of the cameras' sections does not go together with the rest."""
    problems: list[str] = []
    for index, camera in enumerate(line.cameras):
        key = f"cameras[{index}]" if line.several_cameras else "camera"
        if camera.role == "downstream":
            problems.append(
                f'{key}.role: "downstream" is the role of a second camera; name both in [[cameras]]'
            )
        if camera.stall_after_ms < line.limits.max_frame_age_ms:
            problems.append(
                f"{key}.stall_after_ms: {camera.stall_after_ms:g} is below limits."
                f"max_frame_age_ms {line.limits.max_frame_age_ms:g}: the line would stand while "
                "its frames are still young enough to act on"
            )
    return (*problems, *_calibration_problems(line), *_downstream_problems(line))


def _calibration_problems(line: "LineFile") -> tuple[str, ...]:
    config, count = line.calibration, len(line.cameras)
    files = count + (line.downstream_camera is not None)
    if config.kind == "file" and len(config.paths) != files:
        problem = (
            f"calibration.path: {len(config.paths)} file(s) for {files} camera(s); name one for "
            "each camera, in their order"
        )
        return (problem,)
    if config.kind == "nominal" and config.overlap_mm * count >= config.belt_width_mm:
        problem = (
            f"calibration.overlap_mm: {config.overlap_mm:g} on a belt of "
            f"{config.belt_width_mm:g} mm under {count} camera(s); neighbours overlap by a part "
            "of what each sees"
        )
        return (problem,)
    return ()


def _downstream_problems(line: "LineFile") -> tuple[str, ...]:
    """Return what a downstream camera lacks: a place behind a bar, and somebody to tell."""
    place_mm = None if line.valves is None else line.valves.downstream_mm
    if line.downstream_camera is None:
        alone = (
            "valves.downstream_mm: says where a downstream camera looks and the line has none; "
            'name it in [[cameras]] with role = "downstream"'
        )
        return () if place_mm is None else (alone,)
    key = f"cameras[{len(line.cameras)}].role"
    if place_mm is None:
        problem = (
            f'{key}: "downstream" needs downstream_mm in [valves]: where the middle of its view '
            "is, from the sorting camera's reference line"
        )
        return (problem,)
    bars = [s for s in line.stations if isinstance(s, JetBarConfig)]
    if not any(bar.distance_mm < place_mm for bar in bars):
        problem = (
            f"valves.downstream_mm: {place_mm:g} is behind no jet bar: the downstream camera "
            "would see nothing that a valve has missed"
        )
        return (problem,)
    return ()


def as_written(problems: Sequence[str], *, cameras: int) -> tuple[str, ...]:
    """Return problems of a line with [[cameras]] with the keys that its file has.

    Args:
        problems: each begins with a key.
        cameras: how many tables the file has; the downstream camera's is the last.
    """
    return tuple(
        _BEHIND.sub(
            f"cameras[{cameras - 1}]",
            _FIRST.sub("cameras[0]", _FURTHER.sub(lambda m: f"cameras[{int(m[1]) + 1}]", problem)),
        )
        for problem in problems
    )
