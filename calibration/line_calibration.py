"""A line's calibration as dated, hashed data, bound to one camera and one belt."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.belt_plane import BeltPlane
from calibration.errors import CalibrationError
from calibration.light_field import LightField
from calibration.station import MeasuredStation
from calibration.travel import BeltTravel
from calibration.valve_records import bars_from_json, bars_to_json
from calibration.valve_response import BarResponse


@dataclass(frozen=True, kw_only=True)
class LineCalibration:
    """What was measured on one line.

    Attributes:
        camera_id: identity of the camera it was taken with.
        belt_id: identity of the belt.
        measured_on: ISO date.
        plane: camera model and belt plane.
        travel: belt scale.
        view_s_min_mm: upstream end of the usable view, machine frame.
        view_s_max_mm: downstream end of the usable view.
        belt_width_mm: usable belt width; x runs from 0 to it.
        residual_mm: root mean square error of belt positions at the calibration points.
        camera_delay_ms: how much later than the true middle of the exposure a frame's time stamp
            is.
        stations: jet bars as measured; a bar that is not among them is where the line file says.
        bars: what valve tests found out about the line's jet bars; a bar without one is as its
            station's section says.
        light: evenness and colour of the camera's view; None where no grey card was shown.
        camera_mm: where the camera hangs over the belt (x, s, height), checked by a block of known
            height; None where it was not, and items are placed as if they were flat.
    """

    camera_id: str
    belt_id: str
    measured_on: str
    plane: BeltPlane
    travel: BeltTravel
    view_s_min_mm: float
    view_s_max_mm: float
    belt_width_mm: float
    residual_mm: float
    camera_delay_ms: float = 0.0
    stations: tuple[MeasuredStation, ...] = ()
    bars: tuple[BarResponse, ...] = ()
    light: LightField | None = None
    camera_mm: tuple[float, float, float] | None = None

    def bar(self, station: str) -> BarResponse | None:
        """Return what was measured of a station's valves, None if nothing was."""
        return next((bar for bar in self.bars if bar.station == station), None)


def save(calibration: LineCalibration, path: Path) -> None:
    """Write a calibration file."""
    path.write_text(as_text(calibration), encoding="utf-8")


def as_text(calibration: LineCalibration) -> str:
    """Return the content of a calibration file, its SHA-256 content hash included."""
    return sealed_text(to_json(calibration))


def sealed_text(body: dict[str, Any]) -> str:
    """Return a file's content: a body and the hash that seals it."""
    return json.dumps({"sha256": digest_of(body), "calibration": body}, indent=2) + "\n"


def load(path: Path, *, camera_id: str, belt_id: str) -> LineCalibration:
    """Read a calibration file and check that it is whole and belongs here.

    Raises:
        CalibrationError: unreadable, altered by hand, incomplete, or of another camera or belt.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({error}); name an existing calibration file"
        raise CalibrationError(msg) from error
    calibration = from_text(text, str(path))
    for name, wanted in (("camera_id", camera_id), ("belt_id", belt_id)):
        found = getattr(calibration, name)
        if found != wanted:
            msg = f"{path}: taken for {name} {found!r}, this line has {wanted!r}"
            raise CalibrationError(msg)
    return calibration


def from_text(text: str, origin: str) -> LineCalibration:
    """Return the calibration that a file's content holds.

    Args:
        text: as `as_text` makes it.
        origin: where it comes from, for the error.

    Raises:
        CalibrationError: altered by hand, incomplete or no calibration at all.
    """
    return from_json(unsealed(text, origin), origin)


def unsealed(text: str, origin: str) -> dict[str, Any]:
    """Return the body of a file's content, its seal checked.

    Raises:
        CalibrationError: altered by hand or no calibration at all.
    """
    try:
        document = json.loads(text)
        body, digest = document["calibration"], document["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{origin}: not a calibration file ({error}); calibrate the line again"
        raise CalibrationError(msg) from error
    if digest_of(body) != digest:
        msg = f"{origin}: content does not match its hash; it was altered, calibrate the line again"
        raise CalibrationError(msg)
    if not isinstance(body, dict):
        msg = f"{origin}: not a calibration file (no table of values); calibrate the line again"
        raise CalibrationError(msg)
    return body


def digest_of(body: object) -> str:
    """Return the SHA-256 of a body, whatever order its keys came in."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def to_json(calibration: LineCalibration) -> dict[str, Any]:
    """Return a calibration as JSON values."""
    plane = calibration.plane
    return {
        "camera_id": calibration.camera_id,
        "belt_id": calibration.belt_id,
        "measured_on": calibration.measured_on,
        "camera_matrix": plane.camera_matrix.tolist(),
        "distortion": plane.distortion.tolist(),
        "homography": plane.homography.tolist(),
        "image_width_px": plane.image_width_px,
        "image_height_px": plane.image_height_px,
        "mm_per_tick": calibration.travel.mm_per_tick,
        "view_s_min_mm": calibration.view_s_min_mm,
        "view_s_max_mm": calibration.view_s_max_mm,
        "belt_width_mm": calibration.belt_width_mm,
        "residual_mm": calibration.residual_mm,
        "camera_delay_ms": calibration.camera_delay_ms,
        "stations": [asdict(station) for station in calibration.stations],
        "bars": bars_to_json(calibration.bars),
        # Files from before there were these keep their hash.
        **({} if calibration.light is None else {"light": calibration.light.to_json()}),
        **({} if calibration.camera_mm is None else {"camera_mm": list(calibration.camera_mm)}),
    }


def from_json(body: dict[str, Any], origin: str) -> LineCalibration:
    """Return the calibration that JSON values hold.

    Raises:
        CalibrationError: incomplete or malformed.
    """
    try:
        return LineCalibration(
            camera_id=str(body["camera_id"]),
            belt_id=str(body["belt_id"]),
            measured_on=str(body["measured_on"]),
            plane=BeltPlane(
                camera_matrix=np.array(body["camera_matrix"], dtype=np.float64),
                distortion=np.array(body["distortion"], dtype=np.float64),
                homography=np.array(body["homography"], dtype=np.float64),
                image_width_px=int(body["image_width_px"]),
                image_height_px=int(body["image_height_px"]),
            ),
            travel=BeltTravel(mm_per_tick=float(body["mm_per_tick"])),
            view_s_min_mm=float(body["view_s_min_mm"]),
            view_s_max_mm=float(body["view_s_max_mm"]),
            belt_width_mm=float(body["belt_width_mm"]),
            residual_mm=float(body["residual_mm"]),
            camera_delay_ms=float(body.get("camera_delay_ms", 0.0)),
            stations=tuple(MeasuredStation(**station) for station in body.get("stations", ())),
            bars=bars_from_json(body.get("bars", [])),
            light=LightField.from_json(body["light"]) if body.get("light") else None,
            camera_mm=_place(body["camera_mm"]) if body.get("camera_mm") else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{origin}: incomplete or malformed calibration ({error}); calibrate the line again"
        raise CalibrationError(msg) from error


def _place(values: list[float]) -> tuple[float, float, float]:
    x, s, height = (float(value) for value in values)
    if not (np.isfinite([x, s, height]).all() and height > 0):
        msg = f"no camera hangs at {values}"
        raise ValueError(msg)
    return x, s, height
