"""Which of a line's cameras is calibrated, and where its calibrations are kept."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from calibration.kept.store import CURRENT, CalibrationStore
from calibration.procedures.whole import Procedure
from controller.config_report import UsageError
from controller.line_file import LineFile, MeasuredCalibration, NominalCalibration
from twin.viewpoint import view_across_mm
from twin.whole_line import WholeLine

_FOLDER: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedCamera:
    """One camera of a line.

    Attributes:
        whole: the line as this camera alone would make it.
        index: in the order of the line file.
        count: of the line's cameras.
        left_mm: where its view begins, from the belt's left edge, by the line file; 0 where it
            does not tell.
    """

    whole: WholeLine
    index: int
    count: int
    left_mm: float

    @property
    def camera_id(self) -> str:
        """Identity of the camera."""
        return self.whole.line.camera.camera_id

    def procedures(self, action: str) -> frozenset[Procedure]:
        """Return what an action calibrates: the bars are measured with the first camera alone.

        Raises:
            UsageError: the valves are to be measured with another camera.
        """
        if action == Procedure.VALVES and self.index:
            msg = f"valves are measured with the line's first camera, {self.camera_id} is another"
            raise UsageError(msg)
        if action != "all":
            return frozenset({Procedure(action)})
        everything = frozenset(Procedure)
        return everything - {Procedure.VALVES} if self.index else everything

    def store(self, folder: Path | None) -> CalibrationStore:
        """Return its store: where the line file names `current.json`, or beside the records.

        Args:
            folder: of the line's calibrations instead; cameras after the first have one below it.
        """
        line, config = self.whole.line, self.whole.line.calibration
        named = isinstance(config, MeasuredCalibration) and config.path.name == CURRENT
        if folder is None and named and isinstance(config, MeasuredCalibration):
            own = config.path.parent
        else:
            own = folder or self.whole.telemetry.store_path.parent / "calibration"
            if self.index:
                own = own / "cameras" / _FOLDER.sub("_", self.camera_id)
        return CalibrationStore(own, camera_id=line.camera.camera_id, belt_id=line.line.belt_id)


def camera_of(whole: WholeLine, name: str | None) -> CalibratedCamera:
    """Return the camera of a line that is named, its only or first one where none is.

    Raises:
        UsageError: the line has no such camera.
    """
    line = whole.line
    names = [camera.camera_id for camera in line.cameras]
    if name is not None and name not in names:
        msg = f"--camera {name}: the line has no such camera; its cameras are: {', '.join(names)}"
        raise UsageError(msg)
    index = 0 if name is None else names.index(name)
    changed: dict[str, object] = {"camera": line.cameras[index], "more_cameras": ()}
    config = line.calibration
    if isinstance(config, MeasuredCalibration):
        kept = {"path": config.paths[index], "more_paths": ()}
        changed["calibration"] = config.model_copy(update=kept)
    own = line.model_copy(update=changed)
    return CalibratedCamera(
        whole=_with_line(whole, own), index=index, count=len(names), left_mm=_left_mm(whole, index)
    )


def store_of(whole: WholeLine, folder: Path | None) -> CalibrationStore:
    """Return the store of a line's first or only camera, see `CalibratedCamera.store`."""
    return camera_of(whole, None).store(folder)


def _with_line(whole: WholeLine, line: LineFile) -> WholeLine:
    return WholeLine(
        path=whole.path,
        line=line,
        telemetry=whole.telemetry,
        twin=whole.twin,
        accounts=whole.accounts,
    )


def _left_mm(whole: WholeLine, index: int) -> float:
    line, config = whole.line, whole.line.calibration
    if line.camera.source == "twin":
        return view_across_mm(whole.twin, index)[0]
    if isinstance(config, NominalCalibration):
        count = len(line.cameras)
        seen_mm = (config.belt_width_mm + (count - 1) * config.overlap_mm) / count
        return index * (seen_mm - config.overlap_mm)
    return 0.0
