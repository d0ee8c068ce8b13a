"""The line file: one TOML that holds every package's section, checked all at once.

The sections that sort are here; `telemetry` and `twin` belong to packages above this one and are
checked beside them by the composition root.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from calibration.line_calibration import LineCalibration
from calibration.section import Section
from controller.camera_sections import as_written, camera_problems, with_cameras_by_role
from controller.config import LimitsConfig, RecipeConfig, SitePolicy
from controller.config_check import mass_problems, station_problems
from controller.config_report import ConfigError, problems_of
from controller.hazard_budget import HazardBudget, hazard_budget
from controller.latency_budget import LatencyBudget, impossible, latency_budgets, pairing_ms
from controller.plc_check import plc_problems
from controller.recipe_file import with_recipe
from controller.stations import StationConfig, with_kinds
from controller.valves_config import ValvesConfig
from plc.config import DirectConfig, PlcConfig, PlcSection, transports_from
from plc.encoders.config import EncoderConfig, PlcEncoder
from vision.config import CameraConfig, DetectorConfig, ImagesCamera, VideoCamera
from vision.tracker_config import TrackerConfig

SECTIONS_ABOVE = frozenset({"accounts", "telemetry", "twin"})
"""Sections of packages that this one does not know."""


class LineSection(Section):
    """Identity of the line and of its belt."""

    id: str = Field(min_length=1, max_length=60)
    belt_id: str = Field(min_length=1, max_length=60)
    belt_speed_mm_per_s: Annotated[float, Field(gt=0)]
    """Fastest the belt is meant to run, for the latency budget."""


class MeasuredCalibration(Section):
    """A calibration file, taken with this camera over this belt."""

    kind: Literal["file"]
    path: Path
    """The only camera's file, or the first one of a list, one for each of [[cameras]]."""
    more_paths: tuple[Path, ...] = ()
    """The others of that list."""

    @model_validator(mode="before")
    @classmethod
    def _one_or_a_list(cls, content: object) -> object:
        """Take `path` as one file or as a list of files, which is the only way to name several."""
        if not isinstance(content, dict):
            return content
        if "more_paths" in content:
            msg = "more_paths: unknown key; name every camera's file in path = [...]"
            raise ValueError(msg)
        path = content.get("path")
        if not isinstance(path, list) or not path:
            return content
        return content | {"path": path[0], "more_paths": path[1:]}

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files in the order of the cameras."""
        return (self.path, *self.more_paths)


class NominalCalibration(Section):
    """No measurement: the belt's width fills the image, or those of cameras side by side."""

    kind: Literal["nominal"]
    belt_width_mm: Annotated[float, Field(gt=0)]
    overlap_mm: Annotated[float, Field(ge=0)] = 0.0
    """Of [[cameras]] side by side, left to right: belt that two neighbours both see."""
    mm_per_tick: Annotated[float, Field(gt=0)]


class TwinCalibration(Section):
    """The twin knows its own geometry."""

    kind: Literal["twin"]
    mm_per_tick: Annotated[float, Field(gt=0)]


CalibrationConfig = Annotated[
    MeasuredCalibration | NominalCalibration | TwinCalibration, Field(discriminator="kind")
]


class LineFile(Section):
    """The sections of a line file that the sorting itself needs."""

    line: LineSection
    camera: CameraConfig
    """The only camera, or the first of [[cameras]]."""
    more_cameras: tuple[CameraConfig, ...] = ()
    """The others of [[cameras]]: beside the first across a wide belt, or behind it."""
    downstream_camera: CameraConfig | None = None
    """The one of [[cameras]] whose role is to look behind the bars."""
    calibration: CalibrationConfig
    detector: DetectorConfig
    tracker: TrackerConfig = TrackerConfig()
    plc: PlcSection
    encoder: EncoderConfig = PlcEncoder()
    stations: tuple[StationConfig, ...] = Field(min_length=1)
    recipe: RecipeConfig
    site: SitePolicy = SitePolicy()
    valves: ValvesConfig | None = None
    limits: LimitsConfig

    @property
    def cameras(self) -> tuple[CameraConfig, ...]:
        """Every camera, in the order of the file."""
        return (self.camera, *self.more_cameras)

    @property
    def several_cameras(self) -> bool:
        """Whether the file names its cameras in [[cameras]]."""
        return bool(self.more_cameras) or self.downstream_camera is not None

    @property
    def station_names(self) -> tuple[str, ...]:
        """Names of the stations, downstream order."""
        return tuple(station.name for station in self.stations)

    @property
    def plcs(self) -> tuple[PlcConfig | DirectConfig, ...]:
        """The line's PLCs; the first one counts the ticks that the line goes by."""
        return self.plc if isinstance(self.plc, tuple) else (self.plc,)

    @property
    def main_plc(self) -> PlcConfig | DirectConfig:
        """The PLC whose ticks the line goes by."""
        return self.plcs[0]

    @property
    def queue_plc(self) -> PlcConfig:
        """The line's only PLC, which runs this project's program, as the twin's does.

        Raises:
            ConfigError: the line has several, or plain remote I/O instead.
        """
        main = self.main_plc
        if isinstance(main, DirectConfig) or len(self.plcs) > 1:
            msg = (
                'plc: the twin has one PLC with a program: give one [plc] with mode "queue", or '
                "run this line on its own plant"
            )
            raise ConfigError([msg])
        return main


def read_document(path: Path) -> dict[str, Any]:
    """Parse a line file without checking its content.

    Raises:
        ConfigError: missing, unreadable, or not TOML (with the line number).
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; name an existing line file"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: not TOML: {error}"]) from error


def sorting_sections(
    document: Mapping[str, Any], folder: Path
) -> tuple[LineFile | None, tuple[str, ...]]:
    """Check the sections that sort; those of packages above are left to them.

    Args:
        document: parsed line file.
        folder: relative paths in the file start here.

    Returns:
        The checked sections, or None, and every problem found.
    """
    try:
        whole = with_recipe(document, folder)
    except ConfigError as error:
        return None, tuple(error.problems)
    own, problems = with_cameras_by_role(whole)
    if problems:
        return None, problems
    own = with_kinds({k: v for k, v in own.items() if k not in SECTIONS_ABOVE})
    try:
        line = _with_paths_from(LineFile.model_validate(own), folder)
    except ValidationError as error:
        problems = problems_of(error, own)
        several = whole.get("cameras")
        return None, as_written(problems, cameras=len(several)) if several else problems
    problems += station_problems(line.stations, line.recipe, line.site)
    problems += mass_problems(line.tracker)
    problems += plc_problems(line.plcs, line.encoder, line.stations)
    problems += camera_problems(line)
    return (None, problems) if problems else (line, ())


def _with_paths_from(line: LineFile, folder: Path) -> LineFile:
    """Return the line with its relative paths made to start at the file's folder."""
    calibration = line.calibration
    camera, *more_cameras = (_camera_from(camera, folder) for camera in line.cameras)
    behind = line.downstream_camera
    if isinstance(calibration, MeasuredCalibration):
        path, *more_paths = (folder / path for path in calibration.paths)
        calibration = calibration.model_copy(update={"path": path, "more_paths": tuple(more_paths)})
    bundle, valves, masses = line.detector.bundle, line.valves, line.tracker.mass_model
    if valves is not None:
        valves = valves.model_copy(update={"folder": (folder / valves.folder).resolve()})
    return line.model_copy(
        update={
            "camera": camera,
            "more_cameras": tuple(more_cameras),
            "downstream_camera": behind and _camera_from(behind, folder),
            "calibration": calibration,
            "valves": valves,
            "plc": _plc_with_paths_from(line, folder),
            "detector": line.detector.model_copy(update={"bundle": folder / bundle}),
            "tracker": line.tracker.model_copy(update={"mass_model": masses and folder / masses}),
        }
    )


def _camera_from(camera: CameraConfig, folder: Path) -> CameraConfig:
    if isinstance(camera, VideoCamera | ImagesCamera):
        return camera.model_copy(update={"path": folder / camera.path})
    return camera


def _plc_with_paths_from(line: LineFile, folder: Path) -> PlcSection:
    if isinstance(line.plc, tuple):
        return tuple(transports_from(plc, folder) for plc in line.plc)
    if isinstance(line.plc, DirectConfig):
        return transports_from(line.plc, folder)
    return transports_from(line.plc, folder)


def budgets(line: LineFile, calibration: LineCalibration) -> tuple[LatencyBudget, ...]:
    """Return the latency budget of every station.

    Raises:
        ConfigError: a decision cannot reach a station in time; the arithmetic is shown.
    """
    found = latency_budgets(
        line.stations,
        line.recipe,
        line.limits,
        view_s_max_mm=calibration.view_s_max_mm,
        speed_mm_per_s=line.line.belt_speed_mm_per_s,
        exposure_ms=max(camera.exposure_ms for camera in line.cameras) / 2,
        transfer_ms=max(camera.transfer_ms for camera in line.cameras),
        inference_ms=line.limits.inference_ms,
        planning_ms=line.limits.planning_ms,
        frame_period_ms=line.limits.frame_period_ms,
        pairing_ms=pairing_ms(line.cameras, line.limits),
    )
    if problems := impossible(found):
        raise ConfigError([f"stations: {problem}" for problem in problems])
    hazards = hazards_budget(line, calibration)
    if hazards is not None and (problem := hazards.problem) is not None:
        raise ConfigError([problem])
    return found


def hazards_budget(line: LineFile, calibration: LineCalibration) -> HazardBudget | None:
    """Return the time that a hazard's answer may take, None for a line without jets."""
    limits = line.limits
    return hazard_budget(
        line.stations,
        view_s_min_mm=calibration.view_s_min_mm,
        speed_mm_per_s=line.line.belt_speed_mm_per_s,
        confirm_views=line.tracker.confirm_views,
        frame_period_ms=limits.frame_period_ms,
        rest_ms=max(camera.exposure_ms for camera in line.cameras) / 2
        + max(camera.transfer_ms for camera in line.cameras)
        + pairing_ms(line.cameras, limits)
        + limits.inference_ms
        + limits.planning_ms
        + limits.command_lead_ms,
    )
