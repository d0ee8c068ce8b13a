"""Valve geometry and lag: a powdered strip rides under the bar at two speeds; then a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.bench import Bench, FiredShot, Photograph, Shot, Task, TaskKind
from calibration.board.strip import StripSighting, find_strip
from calibration.errors import ProcedureError
from calibration.procedures.steps import Mark, Step, Tell, must_have_run
from calibration.solve.valves import SpotTable, fit_station
from calibration.station import MeasuredStation

NAME: Final = "valves"
_SHOTS: Final = 15
"""Some 50 mm apart: no spot runs into its neighbour."""
_OPEN_MS: Final = 8.0
_EDGE_MM: Final = 130.0
"""From the belt's edges: there lie the strip's tags."""
SPEED_SHARES: Final = (0.25, 1.0, 1.0)
"""Of the belt's usual speed: a slow pass tells the places, where jitter moves spots by little; two
fast ones tell the lag and its spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NominalBar:
    """A bar as the drawing has it: where to look for it.

    Attributes:
        name: of the station.
        index: of the station.
        count: valves.
        pitch_mm: between valves.
        first_x_mm: place of valve 0.
        distance_mm: from the camera reference line.
    """

    name: str
    index: int
    count: int
    pitch_mm: float
    first_x_mm: float
    distance_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltScale:
    """What the valve procedure needs of the belt.

    Attributes:
        plane: camera and belt plane.
        mm_per_tick: belt scale.
        width_mm: of the belt, as far as the camera sees it.
        speed_mm_per_s: it usually runs at.
        left_mm: where what the camera sees of it begins, from the belt's left edge.
    """

    plane: BeltPlane
    mm_per_tick: float
    width_mm: float
    speed_mm_per_s: float
    left_mm: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HitCheck:
    """Where jets hit that were aimed with everything that was measured.

    Attributes:
        offset_mm: mean of hits minus aim along the belt, positive too late (upstream).
        sd_ms: spread of the hits, as time at the belt's speed.
        hits: how many.
    """

    offset_mm: float
    sd_ms: float
    hits: int


def calibrate_valves(bench: Bench, bar: NominalBar, belt: BeltScale, tell: Tell) -> MeasuredStation:
    """Blow spots into a strip at a slow speed and at the usual one and fit the bar.

    Raises:
        ProcedureError: no strip, no spots, or spots that make no bar.
    """
    tables = []
    for number, share in enumerate(SPEED_SHARES):
        speed = share * belt.speed_mm_per_s
        words = f"set the belt to {speed:.0f} mm/s"
        bench.ask(Task(kind=TaskKind.SET_SPEED, words=words, value=speed))
        laid = _lay_strip(bench, belt.plane)
        fired = bench.fire(_shots(bar, belt, _belt_y_mm(laid, belt), speed))
        must_have_run(laid[1].tick, bench.photograph().tick)
        seen = _bring_back(bench, bar, belt, tell, (number + 1) / len(SPEED_SHARES))
        tables.append(_table(bar, belt, laid, seen, fired))
    spots = SpotTable(
        **{
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in SpotTable.__dataclass_fields__
        }
    )
    station = fit_station(bar.name, spots, mm_per_tick=belt.mm_per_tick, valve_count=bar.count)
    tell(Step(procedure=NAME, words=words_of(station), share=1.0))
    return station


def check_hits(
    bench: Bench,
    bar: NominalBar,
    belt: BeltScale,
    measured: MeasuredStation,
    camera_delay_ms: float,
    tell: Tell,
) -> HitCheck:
    """Aim at a strip seen in motion with all that was measured, and see where the jets hit.

    The strip's place is taken from photographs of the running belt, so that the camera's delay
    takes part as it does in sorting.

    Raises:
        ProcedureError: the strip was not seen in motion, or not hit.
    """
    words = "lay the powdered strip across the belt at the upstream end of the view"
    bench.ask(Task(kind=TaskKind.LAY_STRIP, words=words))
    film = bench.film(_CHECK_FILM_S)
    y_mm, turn = _seen_in_motion(film, belt, camera_delay_ms)
    aim = MeasuredAim(station=measured, turn_rad=turn)
    shots = _shots(bar, belt, y_mm, belt.speed_mm_per_s, aim)
    fired = bench.fire(shots)
    seen = _bring_back(bench, bar, belt, tell, 1.0)
    speed = float(np.mean([shot.ticks_per_s for shot in fired])) * belt.mm_per_tick
    # Aimed for the usual speed; a belt that had not gathered it yet carried less during the lag.
    slower_mm = measured.open_lag_ms * (speed - belt.speed_mm_per_s) / 1000.0
    late_mm = -seen.spots_mm[:, 1] - slower_mm
    if len(late_mm) < len(fired) // 2:
        msg = f"{len(late_mm)} of {len(fired)} aimed jets hit the strip"
        raise ProcedureError(msg, "calibrate the valves again; check air pressure")
    check = HitCheck(
        offset_mm=float(late_mm.mean()),
        sd_ms=float(late_mm.std(ddof=1)) / speed * 1e3,
        hits=len(late_mm),
    )
    words = (
        f"end to end: {check.hits} jets hit {check.offset_mm:+.2f} mm from their aim on average, "
        f"spread {check.sd_ms:.2f} ms"
    )
    tell(Step(procedure=NAME, words=words, share=1.0))
    return check


_CHECK_FILM_S: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredAim:
    """A measured bar to aim with at a strip.

    Attributes:
        station: as measured.
        turn_rad: of the strip on the belt.
    """

    station: MeasuredStation
    turn_rad: float


def words_of(station: MeasuredStation) -> str:
    """Return where a bar is, for people."""
    return (
        f"station {station.name}: nozzle line at {station.distance_mm:.1f} mm, tilted by "
        f"{station.tilt_mm_per_m:+.1f} mm per metre; valve 0 at {station.first_valve_x_mm:.1f} mm, "
        f"pitch {station.valve_pitch_mm:.3f} mm; air {station.open_lag_ms:.2f} ms after its tick; "
        f"places known to {station.position_sd_mm:.2f} mm"
    )


def _lay_strip(bench: Bench, plane: BeltPlane) -> tuple[StripSighting, Photograph]:
    words = "lay the powdered strip across the belt in the middle of the view, both tags face up"
    bench.ask(Task(kind=TaskKind.LAY_STRIP, words=words))
    photograph = bench.photograph()
    return find_strip(photograph.image, plane), photograph


def _belt_y_mm(laid: tuple[StripSighting, Photograph], belt: BeltScale) -> float:
    return laid[1].tick * belt.mm_per_tick - float(laid[0].middle_mm[1])


def _bring_back(
    bench: Bench, bar: NominalBar, belt: BeltScale, tell: Tell, share: float
) -> StripSighting:
    words = "bring the strip back under the camera without touching its powder"
    bench.ask(Task(kind=TaskKind.RETURN_STRIP, words=words))
    image = bench.photograph().image
    seen = find_strip(image, belt.plane)
    if not len(seen.spots_mm):
        msg = f"station {bar.name}: no jet left a spot on the strip"
        raise ProcedureError(
            msg, "check that the air is on, the strip powdered and distance_mm roughly right"
        )
    words = f"{len(seen.spots_mm)} spots on the strip"
    marks = (Mark(points_px=belt.plane.to_image_px(_places(seen)), label="spots"),)
    tell(Step(procedure=NAME, words=words, share=share, image=image, marks=marks))
    return seen


def _places(seen: StripSighting) -> Float64Array:
    cos, sin = np.cos(seen.turn_rad), np.sin(seen.turn_rad)
    turned: Float64Array = seen.spots_mm @ np.array([[cos, sin], [-sin, cos]])
    return seen.middle_mm + turned


def _shots(
    bar: NominalBar,
    belt: BeltScale,
    y_mm: float,
    speed_mm_per_s: float,
    aim: MeasuredAim | None = None,
) -> tuple[Shot, ...]:
    """Return shots at the middle line of a strip, spread over the belt's width."""
    first = np.ceil((belt.left_mm + _EDGE_MM - bar.first_x_mm) / bar.pitch_mm)
    right_mm = belt.left_mm + belt.width_mm
    last = np.floor((right_mm - _EDGE_MM - bar.first_x_mm) / bar.pitch_mm)
    valves = np.unique(
        np.linspace(max(first, 0), min(last, bar.count - 1), _SHOTS).round().astype(int)
    )
    half = max(1, round(_OPEN_MS * speed_mm_per_s / belt.mm_per_tick / 2000.0))
    shots = []
    for valve in valves.tolist():
        way_mm = y_mm + bar.distance_mm
        if aim is not None:
            station = aim.station
            across = station.valve_x_mm(valve) - belt.left_mm - belt.width_mm / 2
            lag_mm = station.open_lag_ms * speed_mm_per_s / 1000.0
            way_mm = y_mm - np.tan(aim.turn_rad) * across + station.valve_s_mm(valve) - lag_mm
        middle = round(way_mm / belt.mm_per_tick)
        shots.append(
            Shot(
                station=bar.index,
                valve=valve,
                open_tick=middle - half,
                close_tick=middle + half,
            )
        )
    return tuple(shots)


def _table(
    bar: NominalBar,
    belt: BeltScale,
    laid: tuple[StripSighting, Photograph],
    seen: StripSighting,
    fired: Sequence[FiredShot],
) -> SpotTable:
    """Match spots to shots from left to right and put them where they were when they were blown."""
    sighting, _ = laid
    cos, sin = np.cos(sighting.turn_rad), np.sin(sighting.turn_rad)
    across, up = seen.spots_mm.T
    x = sighting.middle_mm[0] + cos * across - sin * up
    y = _belt_y_mm(laid, belt) - (sin * across + cos * up)
    rows, shots = _matched(bar, x, fired)
    return SpotTable(
        valve=np.array([shot.shot.valve for shot in shots], dtype=np.float64),
        x_mm=x[rows],
        y_mm=y[rows],
        middle_tick=np.array([(shot.open_tick + shot.close_tick) / 2 for shot in shots]),
        speed_mm_per_s=np.array([shot.ticks_per_s * belt.mm_per_tick for shot in shots]),
    )


def _matched(
    bar: NominalBar, x_mm: Float64Array, fired: Sequence[FiredShot]
) -> tuple[list[int], list[FiredShot]]:
    """Return spots and their shots: the nearest of each other where the drawing has the valves.

    A bar screwed on some pitches off shows in all spots alike, so the median offset is taken out.
    """
    expected = np.array([bar.first_x_mm + bar.pitch_mm * shot.shot.valve for shot in fired])
    apart = x_mm[:, None] - expected[None]
    nearest = apart[np.arange(len(x_mm)), np.abs(apart).argmin(axis=1)]
    offset = float(np.median(nearest))
    apart = np.abs(apart - offset)
    rows, shots = [], []
    for column, shot in enumerate(fired):
        row = int(apart[:, column].argmin())
        if apart[row, column] < 2 * bar.pitch_mm and int(apart[row].argmin()) == column:
            rows.append(row)
            shots.append(shot)
    return rows, shots


def _seen_in_motion(
    film: Sequence[Photograph], belt: BeltScale, camera_delay_ms: float
) -> tuple[float, float]:
    """Return the strip's belt coordinate and turn from photographs of the running belt."""
    found = []
    for shot in film:
        speed = shot.ticks_per_s * belt.mm_per_tick
        if speed < 0.2 * belt.speed_mm_per_s:
            continue
        try:
            seen = find_strip(shot.image, belt.plane)
        except ProcedureError:
            continue
        late_mm = speed * camera_delay_ms / 1000.0
        y_mm = shot.tick * belt.mm_per_tick - late_mm - float(seen.middle_mm[1])
        found.append((y_mm, seen.turn_rad))
    if not found:
        msg = "the strip was not seen while the belt ran"
        raise ProcedureError(msg, "lay it at the upstream end of the view, both tags face up")
    y_mm, turn = np.median(np.array(found), axis=0)
    return float(y_mm), float(turn)
