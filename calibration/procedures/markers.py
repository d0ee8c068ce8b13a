"""Belt plane from tags stuck onto the belt: no board is needed once the lens is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.bench import Bench, Photograph, Task, TaskKind
from calibration.board.sighting import find_small_tags
from calibration.errors import ProcedureError
from calibration.kept.record import CalibrationRecord, Finding
from calibration.procedures.revise import revised
from calibration.procedures.steps import Mark, Step, Tell
from calibration.procedures.whole import Signature
from calibration.solve.markers import (
    FEWEST,
    MarkersFit,
    direction_of,
    fit_markers,
    middle_px,
    too_few,
    turned,
)
from calibration.solve.view_range import usable_view_mm

NAME: Final = "markers"
_LOOKS: Final = 3
_STOPS: Final = 5
_JOG_MM: Final = 50.0
"""With the tags at the upstream half of a half-metre view, most are followed over five of these."""
_STANDS_MM: Final = 2.0
_LARGEST_TURN_DEG: Final = 5.0
_LARGEST_SCALE_ERROR: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkersOutcome:
    """What the tags came to.

    Attributes:
        fit: belt plane, turned into the belt's own direction.
        turn_deg: by which the tape's axes lay off the belt's direction, to the right.
    """

    fit: MarkersFit
    turn_deg: float


def calibrate_markers(
    bench: Bench,
    lens: BeltPlane,
    mm_per_tick: float,
    places_mm: Mapping[int, Float64Array],
    tell: Tell,
) -> MarkersOutcome:
    """Solve the belt plane from tags, and the belt's direction from how they move.

    Args:
        bench: the line.
        lens: camera model that is known.
        mm_per_tick: belt scale.
        places_mm: number to (2,) x, s of each tag's middle.
        tell: shows the steps.

    Raises:
        ProcedureError: a tag is missing or not where it should be, or the belt or encoder does not
            do what it should.
    """
    if len(places_mm) < FEWEST:
        raise too_few(len(places_mm))
    told = tuple((n, float(x), float(s)) for n, (x, s) in sorted(places_mm.items()))
    where = "; ".join(f"{n} at {x:g},{s:g}" for n, x, s in told)
    words = f"stick the tags flat onto the belt, face up, their middles (x,s in mm): {where}"
    bench.ask(Task(kind=TaskKind.LAY_MARKERS, words=words, places_mm=told))
    seen, tick = _first_look(bench, lens, set(places_mm), tell)
    fit = fit_markers(lens, seen, places_mm)
    tracks = {number: [seen[number]] for number in places_mm}
    for stop in range(1, _STOPS + 1):
        bench.jog(_JOG_MM)
        shot = bench.photograph()
        for number, middle in _middles(shot, lens, tell, 0.3 + 0.6 * stop / _STOPS).items():
            if number in tracks:
                tracks[number].append(middle)
        if stop == 1:
            _must_move(fit.plane, tracks, mm_per_tick * (shot.tick - tick))
    followed = [fit.plane.to_machine_mm(track) for track in tracks.values() if len(track) > 1]
    found = direction_of(followed, places_mm)
    if abs(np.degrees(found.seen_rad)) > _LARGEST_TURN_DEG:
        msg = f"the tags move {np.degrees(found.seen_rad):+.0f} degrees off the tape's direction"
        raise ProcedureError(msg, "measure x and s square to the belt's edge")
    about = np.mean(list(places_mm.values()), axis=0)
    outcome = MarkersOutcome(
        fit=replace(fit, plane=turned(fit.plane, found.angle_rad, about)),
        turn_deg=float(np.degrees(found.angle_rad)),
    )
    tell(Step(procedure=NAME, words=words_of(outcome), share=1.0))
    return outcome


def words_of(outcome: MarkersOutcome) -> str:
    """Return how good the belt plane is, for people."""
    fit = outcome.fit
    return (
        f"belt plane from tags: {fit.residual_mm:.2f} mm rms against the tape, tag {fit.worst} "
        f"{fit.worst_mm:.2f} mm off; the tape's axes were turned by {outcome.turn_deg:+.3f} "
        "degrees into the direction in which the belt moves"
    )


def with_markers(
    before: CalibrationRecord, outcome: MarkersOutcome, signature: Signature
) -> CalibrationRecord:
    """Return the record in which the belt plane is the tags'."""
    calibration, fit = before.calibration, outcome.fit
    view = usable_view_mm(fit.plane, calibration.belt_width_mm)
    changed = replace(
        calibration,
        plane=fit.plane,
        view_s_min_mm=view[0],
        view_s_max_mm=view[1],
        residual_mm=fit.residual_mm,
    )
    findings = (
        Finding(procedure=NAME, name="markers_residual_mm", value=fit.residual_mm),
        Finding(procedure=NAME, name="markers_worst_mm", value=fit.worst_mm),
        Finding(procedure=NAME, name="tape_turn_deg", value=outcome.turn_deg),
    )
    return revised(before, changed, NAME, findings, signature, devices=(("tags", "on the belt"),))


def _middles(
    shot: Photograph, lens: BeltPlane, tell: Tell, share: float
) -> dict[int, Float64Array]:
    tags = find_small_tags(shot.image)
    tell(
        Step(
            procedure=NAME,
            words=f"{len(tags)} tags in view, tick {shot.tick:.0f}",
            share=share,
            image=shot.image,
            marks=tuple(
                Mark(points_px=quad, label=f"{number}", joined=True)
                for number, quad in tags.items()
            ),
        )
    )
    return {number: middle_px(quad, lens) for number, quad in tags.items()}


def _first_look(
    bench: Bench, lens: BeltPlane, wanted: set[int], tell: Tell
) -> tuple[dict[int, Float64Array], float]:
    """Return all wanted tags' middles px and the tick; a tag may show in the second look only."""
    seen: dict[int, Float64Array] = {}
    tick = 0.0
    for look in range(_LOOKS):
        shot = bench.photograph()
        seen = _middles(shot, lens, tell, 0.1 * (look + 1)) | seen
        tick = shot.tick
        if wanted <= seen.keys():
            return seen, tick
    missing = sorted(wanted - seen.keys())
    msg = f"tag {' and '.join(str(number) for number in missing)} is not to be seen"
    raise ProcedureError(msg, "stick all named tags into the view, face up, nothing on them")


def _must_move(
    plane: BeltPlane, tracks: Mapping[int, Sequence[Float64Array]], counted_mm: float
) -> None:
    """Refuse what is no belt carrying tags past an encoder."""
    moved = [track for track in tracks.values() if len(track) > 1]
    if not moved:
        msg = "no tag is left in view after the belt moved"
        raise ProcedureError(msg, "stick the tags farther upstream")
    ways = plane.to_machine_mm([track[1] for track in moved]) - plane.to_machine_mm(
        [track[0] for track in moved]
    )
    across, along = (float(value) for value in ways.mean(axis=0))
    way_mm = float(np.hypot(across, along))
    if way_mm < _STANDS_MM:
        if abs(counted_mm) < _STANDS_MM:
            msg = "the belt did not move between the photographs"
            raise ProcedureError(msg, "start the belt; check its drive if it does not run")
        msg = f"the encoder counted {counted_mm:+.0f} mm while the tags stayed where they were"
        raise ProcedureError(msg, "stick the tags onto the belt itself, and look after slip")
    if along < 0:
        msg = "the tags travel against s: their places are given the wrong way round"
        raise ProcedureError(msg, "measure s positive downstream and x from the left edge")
    if counted_mm < _STANDS_MM:
        msg = f"the encoder counted {counted_mm:+.0f} mm while the belt ran {way_mm:.0f} mm"
        raise ProcedureError(msg, "swap the encoder's channels A and B, or check its coupling")
    if abs(way_mm / counted_mm - 1.0) > _LARGEST_SCALE_ERROR:
        msg = f"the belt moved {way_mm:.1f} mm by the tags and {counted_mm:.1f} mm by the encoder"
        raise ProcedureError(msg, "measure the tags' places again, or calibrate encoder first")
