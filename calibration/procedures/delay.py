"""Camera delay: the board in view while the belt starts, several times."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.bench import Bench, Photograph, Task, TaskKind
from calibration.board.sighting import BoardSighting, find_board
from calibration.board.spec import BoardSpec
from calibration.errors import ProcedureError
from calibration.procedures.steps import Mark, Step, Tell, must_have_run
from calibration.solve.delay import DelayFit, MarkerTrack, fit_delay

NAME: Final = "delay"
_STARTS: Final = 3
_FILM_S: Final = 0.5
"""From rest a belt gathers over a metre per second while the board crosses half a metre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayOutcome:
    """The delay and what it was fitted to.

    Attributes:
        track: sightings of the board.
        fit: the delay.
    """

    track: MarkerTrack
    fit: DelayFit


def calibrate_delay(
    bench: Bench, spec: BoardSpec, plane: BeltPlane, mm_per_tick: float, tell: Tell
) -> DelayOutcome:
    """Film the board while the belt starts from rest, and fit the delay of the stamps.

    Raises:
        ProcedureError: the board is not seen, or the belt does not start.
    """
    places: list[tuple[float, float, float, int]] = []
    for start in range(_STARTS):
        words = (
            f"start {start + 1} of {_STARTS}: lay the board flat at the upstream end of the view, "
            "arrow downstream"
        )
        bench.ask(Task(kind=TaskKind.LAY_BOARD, words=words, lane=0.5))
        film = bench.film(_FILM_S)
        must_have_run(film[0].tick, film[-1].tick)
        seen = [(shot, found) for shot in film if (found := _see(shot, spec)) is not None]
        for shot, found in seen:
            s_mm = _board_s_mm(found, spec, plane)
            places.append((s_mm, shot.tick, shot.ticks_per_s, start))
        words = f"start {start + 1}: the board is found in {len(seen)} of {len(film)} photographs"
        shown = seen[-1] if seen else None
        tell(
            Step(
                procedure=NAME,
                words=words,
                share=(start + 1) / _STARTS,
                image=film[-1].image if shown is None else shown[0].image,
                marks=() if shown is None else (Mark(points_px=shown[1].corners_px),),
            )
        )
    if not places:
        msg = "the board was in none of the photographs"
        raise ProcedureError(msg, "lay it flat at the upstream end of the view, face up")
    columns = np.array(places)
    track = MarkerTrack(
        s_mm=columns[:, 0],
        tick=columns[:, 1],
        ticks_per_s=columns[:, 2],
        passage=columns[:, 3].astype(np.intp),
    )
    fit = fit_delay(track, mm_per_tick=mm_per_tick)
    tell(Step(procedure=NAME, words=words_of(fit), share=1.0))
    return DelayOutcome(track=track, fit=fit)


def words_of(fit: DelayFit) -> str:
    """Return the delay, for people."""
    return (
        f"camera delay {fit.delay_ms:.2f} +- {fit.sd_ms:.2f} ms from {fit.sightings} sightings, "
        f"{fit.scatter_mm:.2f} mm scatter"
    )


def _see(shot: Photograph, spec: BoardSpec) -> BoardSighting | None:
    found = find_board(shot.image, spec)
    return found if isinstance(found, BoardSighting) else None


def _board_s_mm(found: BoardSighting, spec: BoardSpec, plane: BeltPlane) -> float:
    """Return where along the belt the middle of the board is, however much of it is seen."""
    on_board = spec.corners_mm()[found.ids]
    on_belt = plane.to_machine_mm(found.corners_px)
    matrix, _ = cv2.estimateAffinePartial2D(on_board, on_belt, method=cv2.LMEDS)
    turn = np.asarray(matrix, dtype=np.float64)[:, :2]
    turn /= np.hypot(*turn[:, 0])
    middle: Float64Array = np.array(spec.size_mm) / 2
    shift = on_belt.mean(axis=0) - turn @ on_board.mean(axis=0)
    return float((turn @ middle + shift)[1])
