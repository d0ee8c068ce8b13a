"""A store with one calibration in it that is the twin's own truth: quicker than measuring it."""

from datetime import UTC, datetime
from pathlib import Path

from calibration.kept.record import CalibrationRecord, Provenance
from calibration.line_calibration import LineCalibration
from calibration.solve.view_range import usable_view_mm
from calibration.station import MeasuredStation
from calibration.travel import BeltTravel
from controller.stations import JetBarConfig
from twin.calibrated_camera import camera_of
from twin.rig.truth import rig_of
from twin.whole_line import load_line

MM_PER_TICK = 0.5


def keep_truth(line: Path, folder: Path, camera_name: str | None = None) -> None:
    """Keep the truth of a camera of a line of the twin's as version 1."""
    camera = camera_of(load_line(line), camera_name)
    whole = camera.whole
    bars = [s for s in whole.line.stations if isinstance(s, JetBarConfig)]
    truth = rig_of(whole.twin, bars, mm_per_tick=MM_PER_TICK, index=camera.index)
    view = usable_view_mm(truth.plane, truth.belt_width_mm)
    calibration = LineCalibration(
        camera_id=camera.camera_id,
        belt_id=whole.line.line.belt_id,
        measured_on="2026-11-25",
        plane=truth.plane,
        travel=BeltTravel(mm_per_tick=MM_PER_TICK),
        view_s_min_mm=view[0],
        view_s_max_mm=view[1],
        belt_width_mm=truth.belt_width_mm,
        residual_mm=0.0,
        stations=tuple(
            MeasuredStation(
                name=bar.name,
                distance_mm=bar.distance_mm,
                middle_x_mm=bar.first_x_mm + (bar.count - 1) * bar.pitch_mm / 2,
                tilt_mm_per_m=bar.tilt_mm_per_m,
                first_valve_x_mm=bar.first_x_mm,
                valve_pitch_mm=bar.pitch_mm,
                open_lag_ms=bar.lag_ms,
                hit_sd_ms=bar.jitter_ms,
                position_sd_mm=0.1,
            )
            for bar in truth.stations
        ),
    )
    provenance = Provenance(
        measured_at_utc=datetime(2026, 11, 25, tzinfo=UTC),
        measured_by="anna",
        note="",
        devices=(("camera", camera.camera_id),),
        based_on="",
        procedures=("camera", "belt"),
    )
    record = CalibrationRecord(calibration=calibration, provenance=provenance, findings=())
    camera.store(folder).keep(record)
