"""What changed between two calibrations, in words, millimetres and milliseconds."""

import math

import numpy as np

from calibration.belt_plane import Float64Array
from calibration.line_calibration import LineCalibration
from calibration.station import MeasuredStation

_SAME_MM = 0.005
"""Smaller changes than this are below what any procedure resolves."""
_SAME_MS = 0.005
_SAME_LIGHT = 0.01
"""A grey card shown twice agrees by about a level."""


def differences(old: LineCalibration, new: LineCalibration) -> tuple[str, ...]:
    """Return what changed, one sentence each, empty where nothing did.

    Args:
        old: what was in force.
        new: what is.
    """
    return (
        *_identities(old, new),
        *_plane(old, new),
        *_travel(old, new),
        *_delay(old, new),
        *_light(old, new),
        *_height(old, new),
        *_stations(old, new),
    )


def place_change_mm(old: LineCalibration, new: LineCalibration) -> Float64Array:
    """Return how far the same pixels lie apart under two calibrations.

    Returns:
        (k, 2) new minus old x_mm, s_mm on a grid over the image of `old`.
    """
    plane = old.plane
    u, v = np.meshgrid(
        np.linspace(0, plane.image_width_px, 9), np.linspace(0, plane.image_height_px, 7)
    )
    grid = np.column_stack((u.ravel(), v.ravel()))
    return np.asarray(new.plane.to_machine_mm(grid) - plane.to_machine_mm(grid))


def _identities(old: LineCalibration, new: LineCalibration) -> list[str]:
    return [
        f"{words} changed from {getattr(old, name)} to {getattr(new, name)}"
        for name, words in (("camera_id", "the camera"), ("belt_id", "the belt"))
        if getattr(old, name) != getattr(new, name)
    ]


def _plane(old: LineCalibration, new: LineCalibration) -> list[str]:
    sizes = [(c.plane.image_width_px, c.plane.image_height_px) for c in (old, new)]
    if sizes[0] != sizes[1]:
        (w0, h0), (w1, h1) = sizes
        return [f"the image changed from {w0} x {h0} px to {w1} x {h1} px"]
    change = place_change_mm(old, new)
    size = np.hypot(*change.T)
    if float(size.max()) < _SAME_MM:
        return []
    dx, ds = change.mean(axis=0)
    words = [
        (
            f"places on the belt moved by {math.sqrt(float((size**2).mean())):.2f} mm (rms), "
            f"{size.max():.2f} mm at most; on average {abs(dx):.2f} mm to the "
            f"{'right' if dx > 0 else 'left'} and {abs(ds):.2f} mm "
            f"{'downstream' if ds > 0 else 'upstream'}"
        )
    ]
    turned = _turn_mm_per_m(old, new)
    if abs(turned) >= 0.01:
        words.append(
            f"a line across the image lies {abs(turned):.2f} mm per metre farther "
            f"{'downstream' if turned > 0 else 'upstream'} at its right end"
        )
    return words


def _turn_mm_per_m(old: LineCalibration, new: LineCalibration) -> float:
    """Return how much farther downstream the right end of the image's middle row came to lie."""
    plane = old.plane
    middle = plane.image_height_px / 2
    ends = np.array([[0.0, middle], [float(plane.image_width_px), middle]])
    slopes = []
    for calibration in (old, new):
        one, other = calibration.plane.to_machine_mm(ends)
        left, right = (one, other) if one[0] < other[0] else (other, one)
        slopes.append((right[1] - left[1]) / (right[0] - left[0]))
    return float(slopes[1] - slopes[0]) * 1000.0


def _travel(old: LineCalibration, new: LineCalibration) -> list[str]:
    before, after = old.travel.mm_per_tick, new.travel.mm_per_tick
    change = after / before - 1.0
    if abs(change) * 1000.0 < _SAME_MM:
        return []
    return [
        (
            f"belt travel per tick went from {before:.6g} to {after:.6g} mm: "
            f"{abs(change) * 1000:.2f} mm {'more' if change > 0 else 'less'} on each metre"
        )
    ]


def _delay(old: LineCalibration, new: LineCalibration) -> list[str]:
    change_ms = new.camera_delay_ms - old.camera_delay_ms
    if abs(change_ms) < _SAME_MS:
        return []
    return [
        (
            f"the camera delay went from {old.camera_delay_ms:.2f} to "
            f"{new.camera_delay_ms:.2f} ms: {abs(change_ms):.2f} mm on each m/s of belt speed"
        )
    ]


def _light(old: LineCalibration, new: LineCalibration) -> list[str]:
    if new.light is None or old.light is None:
        if new.light is old.light:
            return []
        return ["light and colour are evened out " + ("no more" if new.light is None else "now")]
    change = float(np.abs(new.light.gain / old.light.gain - 1.0).max())
    colours = [
        f"{name} {after / before - 1.0:+.0%}"
        for name, before, after in zip(
            ("blue", "green", "red"), old.light.white_balance, new.light.white_balance, strict=True
        )
        if abs(after / before - 1.0) >= _SAME_LIGHT
    ]
    words = []
    if change >= _SAME_LIGHT:
        words.append(f"the evenness of the light changed by up to {change:.0%}")
    return words + ([f"the white balance changed: {', '.join(colours)}"] if colours else [])


def _height(old: LineCalibration, new: LineCalibration) -> list[str]:
    if (old.camera_mm is None) == (new.camera_mm is None):
        return []
    if new.camera_mm is None:
        return ["items of known height are placed as if they were flat: show the block again"]
    return ["items of known height are placed by their feet now"]


def _stations(old: LineCalibration, new: LineCalibration) -> list[str]:
    before = {station.name: station for station in old.stations}
    after = {station.name: station for station in new.stations}
    words = [f"station {name} is no longer measured" for name in before if name not in after]
    for name, station in after.items():
        if name not in before:
            words.append(
                f"station {name} is measured for the first time: {station.distance_mm:.1f} mm "
                f"downstream, tilted by {station.tilt_mm_per_m:.1f} mm per metre"
            )
        else:
            words += _station(before[name], station)
    return words


def _station(old: MeasuredStation, new: MeasuredStation) -> list[str]:
    words = []
    for value, unit, what in (
        (new.distance_mm - old.distance_mm, "mm", "is {} farther downstream"),
        (new.first_valve_x_mm - old.first_valve_x_mm, "mm", "moved {} to the right"),
        (new.tilt_mm_per_m - old.tilt_mm_per_m, "mm per metre", "tilts {} more downstream"),
        (new.open_lag_ms - old.open_lag_ms, "ms", "opens {} later"),
    ):
        if abs(value) >= _SAME_MM:
            words.append(f"station {new.name} {what.format(f'{value:+.2f} {unit}')}")
    return words
