"""Where a bar's valves are, from two of them measured by tape: for a bar that cannot be fired."""

import dataclasses
from dataclasses import dataclass
from typing import Final

from calibration.errors import ProcedureError
from calibration.kept.record import CalibrationRecord, Finding
from calibration.procedures.revise import revised
from calibration.procedures.whole import Signature
from calibration.solve.valves import valve_positions
from calibration.station import MeasuredStation

NAME: Final = "valves"
_TAPE_SD_MM: Final = 0.5
"""A steel tape read by eye, as in the encoder's procedure."""
_PITCH_TOLERANCE: Final = 0.1
"""A pitch farther than this share from the drawing's is a slip of the tape or of the counting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapedValves:
    """Two valves of a bar as measured from the belt's left edge, seen looking downstream.

    Attributes:
        station: name of the bar.
        first: (index, x in mm) of one valve.
        second: of another.
    """

    station: str
    first: tuple[int, float]
    second: tuple[int, float]


def with_taped_valves(
    before: CalibrationRecord, drawn: MeasuredStation, taped: TapedValves, signature: Signature
) -> CalibrationRecord:
    """Return a record in which one bar's valves are where the tape says.

    Distance, tilt, lag and spread stay as they were measured, or as drawn where they never were.

    Args:
        before: calibration in force.
        drawn: the bar by the line file.
        taped: the two valves.
        signature: for the provenance.

    Raises:
        ProcedureError: the same valve twice, a bar running backwards, or another pitch than drawn.
    """
    first_x_mm, pitch_mm = valve_positions(taped.first, taped.second)
    if abs(pitch_mm / drawn.valve_pitch_mm - 1.0) > _PITCH_TOLERANCE:
        msg = f"a pitch of {pitch_mm:.2f} mm by tape, {drawn.valve_pitch_mm:g} mm by the line file"
        raise ProcedureError(msg, "count the valves from 0 at the left edge and measure again")
    stations = {station.name: station for station in before.calibration.stations}
    known = stations.get(taped.station, drawn)
    # Extrapolated from two readings, the farthest valve errs by their error times its share.
    sd_mm = _TAPE_SD_MM * max(1.0, *_shares(taped, drawn))
    stations[taped.station] = dataclasses.replace(
        known, first_valve_x_mm=first_x_mm, valve_pitch_mm=pitch_mm, position_sd_mm=sd_mm
    )
    found = (
        Finding(
            procedure=NAME, name=f"{taped.station}_first_valve_x_mm", value=first_x_mm, sd=sd_mm
        ),
        Finding(procedure=NAME, name=f"{taped.station}_valve_pitch_mm", value=pitch_mm),
    )
    calibration = dataclasses.replace(before.calibration, stations=tuple(stations.values()))
    by_tape = ("bar by tape", taped.station)
    return revised(before, calibration, NAME, found, signature, devices=(by_tape,))


def _shares(taped: TapedValves, drawn: MeasuredStation) -> tuple[float, float]:
    """Return how far the bar's ends lie beyond the two valves, as shares of their distance."""
    (index0, _), (index1, _) = taped.first, taped.second
    last = round(2 * (drawn.middle_x_mm - drawn.first_valve_x_mm) / drawn.valve_pitch_mm)
    apart, middle = abs(index1 - index0), (index0 + index1) / 2
    return 2 * middle / apart, 2 * (last - middle) / apart
