"""The daily check against the reference strip beside the belt: painted patches, always the same."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.bench import Bench
from calibration.drift.marks import grey_of
from calibration.errors import CalibrationError
from calibration.solve.light import StripCheck, check_strip
from controller.config_report import UsageError

KEPT: Final = "strip.json"
_PHOTOGRAPHS: Final = 4
_HALF_PX: Final = 3
"""A patch is read over 7 by 7 px about its middle."""
_SAME_MM: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStrip:
    """The strip as it was when everything was well.

    Attributes:
        places_mm: (n, 2) x and s of the patches' middles, machine frame.
        levels: (n,) mean grey level of each.
    """

    places_mm: Float64Array
    levels: Float64Array


def places_of(text: str) -> Float64Array:
    """Return patches' places from `X,S:X,S:...`, mm.

    Raises:
        UsageError: they are no pairs of numbers.
    """
    try:
        pairs = [[float(part) for part in pair.split(",")] for pair in text.split(":")]
        places = np.array(pairs).reshape(len(pairs), 2)
    except ValueError as error:
        msg = f"--strip {text}: give the patches' middles in mm, as in --strip -20,-60:-20,0:-20,60"
        raise UsageError(msg) from error
    return places


def keep_strip(bench: Bench, plane: BeltPlane, places_mm: Float64Array, folder: Path) -> str:
    """Photograph the strip, keep its levels in the store; returns what was kept, for people.

    Raises:
        UsageError: a patch is not in view.
        CalibrationError: a device fails, or the file cannot be written.
    """
    levels = _levels(bench, plane, places_mm)
    path = folder / KEPT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = {"places_mm": places_mm.tolist(), "levels": levels.tolist()}
        path.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror})"
        raise CalibrationError(msg) from error
    told = ", ".join(f"{level:.0f}" for level in levels)
    return f"strip kept in {path}: grey levels {told}"


def compare_strip(bench: Bench, plane: BeltPlane, folder: Path) -> StripCheck:
    """Photograph the strip and compare it with what was kept.

    Raises:
        UsageError: none was kept yet.
        CalibrationError: a device fails, or the file cannot be used.
    """
    kept = _read(folder / KEPT)
    return check_strip(_levels(bench, plane, kept.places_mm), kept.levels)


def _read(path: Path) -> KeptStrip:
    if not path.exists():
        msg = f"{path}: no strip is kept yet; name its patches once with --strip X,S:X,S:..."
        raise UsageError(msg)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        places = np.array(kept["places_mm"], dtype=np.float64).reshape(-1, 2)
        levels = np.array(kept["levels"], dtype=np.float64).reshape(len(places))
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: cannot be used ({error}); name the patches anew with --strip X,S:X,S:..."
        raise CalibrationError(msg) from error
    return KeptStrip(places_mm=places, levels=levels)


def _levels(bench: Bench, plane: BeltPlane, places_mm: Float64Array) -> Float64Array:
    pixels = np.floor(plane.to_image_px(places_mm)).astype(int)
    width, height = plane.image_width_px, plane.image_height_px
    inside = (pixels >= _HALF_PX) & (pixels < np.array((width, height)) - _HALF_PX)
    # A lens's polynomial folds places far outside the view back into the image.
    back = np.hypot(*(plane.to_machine_mm(plane.to_image_px(places_mm)) - places_mm).T)
    seen = inside.all(axis=1) & (back < _SAME_MM)
    if not seen.all():
        x_mm, s_mm = places_mm[int(np.argmin(seen))]
        msg = f"--strip: the patch at {x_mm:g},{s_mm:g} mm is not in the camera's view"
        raise UsageError(msg)
    greys = [grey_of(bench.photograph().image) for _ in range(_PHOTOGRAPHS)]
    return np.array(
        [
            np.mean(
                [
                    grey[v - _HALF_PX : v + _HALF_PX + 1, u - _HALF_PX : u + _HALF_PX + 1]
                    for grey in greys
                ]
            )
            for u, v in pixels
        ]
    )
