"""Two valves measured by tape, as they are given on the command line."""

import re

from calibration.procedures.tape_valves import TapedValves
from calibration.station import MeasuredStation
from controller.config_report import UsageError
from controller.line_file import LineFile
from controller.stations import JetBarConfig

_FORM = re.compile(r"(?P<station>[^:]+):(\d+)=([-+\d.]+),(\d+)=([-+\d.]+)")
FORM_WORDS = "STATION:VALVE=MM,VALVE=MM"


def taped_of(text: str, line: LineFile) -> tuple[TapedValves, MeasuredStation]:
    """Return the two valves, and their bar as the line file draws it.

    Raises:
        UsageError: not of the form, no such bar, or no such valve.
    """
    match = _FORM.fullmatch(text)
    bars = {s.name: s for s in line.stations if isinstance(s, JetBarConfig)}
    try:
        if match is None:
            raise ValueError
        index0, x0, index1, x1 = match.groups()[1:]
        taped = TapedValves(
            station=match["station"],
            first=(int(index0), float(x0)),
            second=(int(index1), float(x1)),
        )
    except ValueError as error:
        msg = f"--two-valves {text}: write {FORM_WORDS}, as in plastic:0=6.5,79=993.5"
        raise UsageError(msg) from error
    bar = bars.get(taped.station)
    if bar is None:
        known = ", ".join(bars) or "none"
        msg = f"--two-valves: the line has no jet bar {taped.station!r}; its bars are: {known}"
        raise UsageError(msg)
    if max(taped.first[0], taped.second[0]) >= bar.valve_count:
        msg = f"--two-valves: bar {bar.name} has valves 0 to {bar.valve_count - 1}"
        raise UsageError(msg)
    return taped, _drawn(bar)


def _drawn(bar: JetBarConfig) -> MeasuredStation:
    return MeasuredStation(
        name=bar.name,
        distance_mm=bar.distance_mm,
        middle_x_mm=bar.middle_x_mm,
        tilt_mm_per_m=bar.tilt_mm_per_m,
        first_valve_x_mm=bar.first_valve_x_mm,
        valve_pitch_mm=bar.valve_pitch_mm,
        open_lag_ms=bar.valve_open_lag_ms,
        hit_sd_ms=bar.valve_jitter_ms,
        position_sd_mm=0.0,
    )
