"""Camera, light, belt, encoder and valves, by what a bench on the running devices shows."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.bench import Bench, Shot
from calibration.errors import CalibrationError
from calibration.line_calibration import LineCalibration
from controller.doctor.verdict import Check, failed, passed, warned
from controller.stations import JetBarConfig
from vision.errors import VisionError

_DARK: Final = 25.0
_BURNT: Final = 252
_BURNT_SHARE: Final = 0.02
_DIM: Final = 40.0
_JOG_MM: Final = 1500.0
_SCALE_TOLERANCE: Final = 0.3
"""A belt on its ramps covers less than it would at speed."""
_AHEAD_TICK: Final = 200
_OPEN_TICK: Final = 60


def check_camera(
    glance: Callable[[], npt.NDArray[np.uint8]],
    calibration: LineCalibration | None,
    *,
    name: str = "",
) -> tuple[Check, Check]:
    """Look whether frames come and of which size, and whether there is light in them.

    Args:
        glance: returns a fresh frame or raises CalibrationError or VisionError.
        calibration: of the line, None where there is none.
        name: of the camera on a line of several.
    """
    part, light = f"camera {name}".strip(), f"light {name}".strip()
    try:
        image = glance()
    except (CalibrationError, VisionError) as error:
        nothing = "check its power, cable and address; run_line.py cameras finds what is connected"
        return (
            failed(part, str(error), nothing),
            warned(light, "not looked at: there is no frame", "mend the camera first"),
        )
    height, width = image.shape[:2]
    words = f"frames of {width} x {height} px"
    seen = passed(part, words)
    if calibration is not None:
        plane = calibration.plane
        if (plane.image_width_px, plane.image_height_px) != (width, height):
            seen = failed(
                part,
                f"{words}, calibrated at {plane.image_width_px} x {plane.image_height_px}",
                "set the camera back or calibrate the line again",
            )
    return seen, check_light(image, light)


def check_light(image: npt.NDArray[np.uint8], part: str = "light") -> Check:
    """Judge the exposure of a frame."""
    bright, burnt = float(np.percentile(image, 95)), float((image >= _BURNT).mean())
    words = f"brightest twentieth at grey level {bright:.0f} of 255, {burnt:.1%} burnt out"
    if bright < _DARK:
        return failed(part, words, "switch the lamps on, open the lens, take off its cap")
    if burnt > _BURNT_SHARE:
        return warned(part, words, "shorten the exposure or close the lens by a stop")
    if bright < _DIM:
        return warned(part, words, "lengthen the exposure, open the lens or add light")
    return passed(part, words)


def check_belt(bench: Bench, calibration: LineCalibration | None) -> tuple[Check, Check]:
    """Let the belt run a little way and look whether belt and encoder did what they were told."""
    try:
        before = bench.photograph().tick
        bench.jog(_JOG_MM)
        counted = bench.photograph().tick - before
    except CalibrationError as error:
        why = "check the drive's release, the emergency stop and the PLC's belt output"
        return failed("belt", str(error), why), warned("encoder", "not looked at", "mend the belt")
    if abs(counted) <= 1:
        why = "check the drive; if the belt did run, the encoder's coupling, cable and input"
        words = "the encoder counted nothing while the belt was told to run"
        return failed("belt", words, why), failed("encoder", words, why)
    ran = passed("belt", f"ran and stopped, {counted:+.0f} ticks")
    if counted < 0:
        words = f"counts backwards: {counted:+.0f} ticks"
        return ran, failed("encoder", words, "swap its channels A and B, or its sign in the PLC")
    if calibration is None:
        return ran, passed("encoder", f"counts upwards, {counted:.0f} ticks")
    way_mm = counted * calibration.travel.mm_per_tick
    words = f"counts upwards, {counted:.0f} ticks are {way_mm:.0f} mm by the calibration"
    if abs(way_mm / _JOG_MM - 1.0) > _SCALE_TOLERANCE:
        return ran, warned(
            "encoder",
            f"{words}, some {_JOG_MM:.0f} mm were expected",
            "check line.belt_speed_mm_per_s, or calibrate the encoder",
        )
    return ran, passed("encoder", words)


def check_valves(bench: Bench, bars: Sequence[tuple[int, JetBarConfig]]) -> Check:
    """Fire one valve of every bar at its tick and look whether the PLC says so."""
    try:
        tick = round(bench.photograph().tick)
        shots = tuple(
            Shot(
                station=index,
                valve=bar.valve_count // 2,
                open_tick=tick + _AHEAD_TICK * (order + 2),
                close_tick=tick + _AHEAD_TICK * (order + 2) + _OPEN_TICK,
            )
            for order, (index, bar) in enumerate(bars)
        )
        fired = bench.fire(shots)
    except CalibrationError as error:
        return failed("valves", str(error), "check the PLC's state and its safety circuit")
    late = [shot for shot in fired if abs(shot.open_tick - shot.shot.open_tick) > 1]
    words = f"{len(fired)} of {len(shots)} test pulses fired, {len(late)} off their tick"
    if len(fired) < len(shots) or late:
        return failed(
            "valves", words, "check the PLC's outputs; compare its pulse limits with ours"
        )
    return passed("valves", words)
