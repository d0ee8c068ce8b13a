"""What a line looks like when its calibration holds: taken once, compared with ever after."""

import io
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.drift.marks import FixedMarks, Image, choose_marks, see_marks
from calibration.drift.window import cell_brightness
from calibration.errors import CalibrationError, ProcedureError
from calibration.line_calibration import LineCalibration, digest_of, to_json

_NAME = "reference-{}.npz"
_VIEW = (
    *("camera_id", "camera_matrix", "distortion", "homography"),
    *("image_width_px", "image_height_px", "belt_width_mm"),
)
"""What of a calibration a reference hangs on; delay and valves may be measured anew beside it."""
_RECOGNISED = 0.8
"""Share of its own photographs in which a mark has to be found again to be one."""
_FLEETING = (
    "what is to be seen beside the belt is not the same in every photograph; stick dark crosses "
    "onto the machine's frame on both sides of the belt, in view"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReference:
    """The line as calibrated.

    Attributes:
        marks: fixed marks beside the belt, None where there are none: then nobody notices that the
            camera moves or loses focus.
        brightness: (4, 8) of each cell of the view.
    """

    marks: FixedMarks | None
    brightness: Float64Array


def take_reference(
    images: list[Image], plane: BeltPlane, belt_width_mm: float
) -> tuple[DriftReference, str]:
    """Return the reference from photographs of the running belt, and what it lacks in words."""
    brightness = np.median([cell_brightness(image) for image in images], axis=0)
    try:
        marks = choose_marks(images, plane, belt_width_mm)
    except ProcedureError as error:
        return DriftReference(marks=None, brightness=brightness), str(error)
    seen = sum(see_marks(image, marks, plane) is not None for image in images)
    if seen < _RECOGNISED * len(images):
        return DriftReference(marks=None, brightness=brightness), _FLEETING
    return DriftReference(marks=marks, brightness=brightness), ""


def key_of(calibration: LineCalibration) -> str:
    """Return what a reference is kept under: a hash of how the camera sees the belt."""
    content = to_json(calibration)
    return digest_of({name: content[name] for name in _VIEW})


def save_reference(reference: DriftReference, folder: Path, key: str) -> Path:
    """Write a reference beside the calibration that it belongs to.

    Raises:
        CalibrationError: it cannot be written.
    """
    marks = reference.marks
    content = io.BytesIO()
    np.savez_compressed(
        content,
        brightness=reference.brightness,
        centres_px=np.empty((0, 2)) if marks is None else marks.centres_px,
        patches=np.empty((0, 1, 1), np.float32) if marks is None else marks.patches,
    )
    path = folder / _NAME.format(key[:8])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.getvalue())
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror})"
        raise CalibrationError(msg) from error
    return path


def load_reference(folder: Path, key: str) -> DriftReference | None:
    """Return the reference of a calibration, None where none was taken.

    Raises:
        CalibrationError: it is there and cannot be read.
    """
    path = folder / _NAME.format(key[:8])
    if not path.exists():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            brightness, centres, patches = (
                kept[name] for name in ("brightness", "centres_px", "patches")
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        msg = f"{path}: cannot be read ({error}); delete it and calibrate with the action watch"
        raise CalibrationError(msg) from error
    marks = FixedMarks(centres_px=centres, patches=patches) if len(centres) else None
    return DriftReference(marks=marks, brightness=brightness)
