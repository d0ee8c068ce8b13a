"""The line file: one TOML that holds every package's section, checked all at once.

The sections that sort are here; `telemetry` and `twin` belong to packages above this one and are
checked beside them by the composition root.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from calibration import line_calibration
from calibration.errors import CalibrationError
from calibration.line_calibration import LineCalibration
from calibration.nominal import nominal_calibration
from calibration.section import Section
from controller.config import LimitsConfig, RecipeConfig, SitePolicy
from controller.config_check import mass_problems, station_problems
from controller.config_report import ConfigError, problems_of
from controller.hazard_budget import HazardBudget, hazard_budget
from controller.latency_budget import LatencyBudget, impossible, latency_budgets
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


class NominalCalibration(Section):
    """No measurement: the belt's width fills the image."""

    kind: Literal["nominal"]
    belt_width_mm: Annotated[float, Field(gt=0)]
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
    own, problems = with_first_camera(whole)
    if problems:
        return None, problems
    own = with_kinds({k: v for k, v in own.items() if k not in SECTIONS_ABOVE})
    try:
        line = _with_paths_from(LineFile.model_validate(own), folder)
    except ValidationError as error:
        return None, problems_of(error, own)
    problems += station_problems(line.stations, line.recipe, line.site)
    problems += mass_problems(line.tracker)
    problems += plc_problems(line.plcs, line.encoder, line.stations)
    if line.camera.stall_after_ms < line.limits.max_frame_age_ms:
        msg = (
            f"camera.stall_after_ms: {line.camera.stall_after_ms:g} is below limits."
            f"max_frame_age_ms {line.limits.max_frame_age_ms:g}: the line would stand while its "
            "frames are still young enough to act on"
        )
        problems += (msg,)
    return (None, problems) if problems else (line, ())


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


def _with_paths_from(line: LineFile, folder: Path) -> LineFile:
    """Return the line with its relative paths made to start at the file's folder."""
    camera, calibration = line.camera, line.calibration
    if isinstance(camera, VideoCamera | ImagesCamera):
        camera = camera.model_copy(update={"path": folder / camera.path})
    if isinstance(calibration, MeasuredCalibration):
        calibration = calibration.model_copy(update={"path": folder / calibration.path})
    bundle, valves, masses = line.detector.bundle, line.valves, line.tracker.mass_model
    if valves is not None:
        valves = valves.model_copy(update={"folder": (folder / valves.folder).resolve()})
    return line.model_copy(
        update={
            "camera": camera,
            "calibration": calibration,
            "valves": valves,
            "plc": _plc_with_paths_from(line, folder),
            "detector": line.detector.model_copy(update={"bundle": folder / bundle}),
            "tracker": line.tracker.model_copy(update={"mass_model": masses and folder / masses}),
        }
    )


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
        exposure_ms=line.camera.exposure_ms / 2,
        transfer_ms=line.camera.transfer_ms,
        inference_ms=line.limits.inference_ms,
        planning_ms=line.limits.planning_ms,
        frame_period_ms=line.limits.frame_period_ms,
    )
    if problems := impossible(found):
        raise ConfigError([f"stations: {problem}" for problem in problems])
    hazards = hazards_budget(line, calibration)
    if hazards is not None and (problem := hazards.problem) is not None:
        raise ConfigError([problem])
    return found


def hazards_budget(line: LineFile, calibration: LineCalibration) -> HazardBudget | None:
    """Return the time that a hazard's answer may take, None for a line without jets."""
    limits, camera = line.limits, line.camera
    return hazard_budget(
        line.stations,
        view_s_min_mm=calibration.view_s_min_mm,
        speed_mm_per_s=line.line.belt_speed_mm_per_s,
        confirm_views=line.tracker.confirm_views,
        frame_period_ms=limits.frame_period_ms,
        rest_ms=camera.exposure_ms / 2
        + camera.transfer_ms
        + limits.inference_ms
        + limits.planning_ms
        + limits.command_lead_ms,
    )


def load_calibration(line: LineFile, image_shape: tuple[int, int]) -> LineCalibration:
    """Return the calibration of a line whose camera is not the twin's.

    Args:
        line: the checked line file.
        image_shape: (height, width) px of the camera's images.

    Raises:
        CalibrationError: the file is missing, altered, of another camera, belt or image size.
        ConfigError: the line has the twin's calibration, which no real camera has.
    """
    config, (height_px, width_px) = line.calibration, image_shape
    if isinstance(config, NominalCalibration):
        return nominal_calibration(
            camera_id=line.camera.camera_id,
            belt_id=line.line.belt_id,
            image_width_px=width_px,
            image_height_px=height_px,
            belt_width_mm=config.belt_width_mm,
            mm_per_tick=config.mm_per_tick,
        )
    if isinstance(config, TwinCalibration):
        msg = (
            'calibration.kind: "twin" goes with camera.source "twin" only; use "file" or "nominal"'
        )
        raise ConfigError([msg])
    calibration = line_calibration.load(
        config.path, camera_id=line.camera.camera_id, belt_id=line.line.belt_id
    )
    plane = calibration.plane
    if (plane.image_height_px, plane.image_width_px) != image_shape:
        msg = (
            f"{config.path}: taken at {plane.image_width_px}x{plane.image_height_px} px, the "
            f"camera delivers {width_px}x{height_px}; set the camera back or calibrate again"
        )
        raise CalibrationError(msg)
    return calibration
