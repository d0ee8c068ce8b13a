"""From a line without calibration to a record: all procedures in order, or some of them anew."""

import dataclasses
import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from calibration.belt_plane import BeltPlane
from calibration.bench import Bench, Task, TaskKind
from calibration.board.spec import BoardSpec
from calibration.errors import ProcedureError
from calibration.kept.record import CalibrationRecord, Finding, Provenance
from calibration.light_field import LightField
from calibration.line_calibration import LineCalibration
from calibration.procedures.belt import BeltOutcome, calibrate_belt
from calibration.procedures.camera import CameraOutcome, calibrate_camera
from calibration.procedures.delay import DelayOutcome, calibrate_delay
from calibration.procedures.encoder import EncoderOutcome, calibrate_encoder
from calibration.procedures.findings import (
    belt_findings,
    camera_findings,
    delay_findings,
    encoder_findings,
    light_findings,
    station_findings,
)
from calibration.procedures.light import LightOutcome, calibrate_light
from calibration.procedures.steps import Tell, comes_first
from calibration.procedures.valves import (
    BeltScale,
    HitCheck,
    NominalBar,
    calibrate_valves,
    check_hits,
)
from calibration.solve.belt import ReferencePlace
from calibration.solve.view_range import seen_across_mm, usable_view_mm
from calibration.station import MeasuredStation
from calibration.travel import BeltTravel

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST_OFFSET_MM: Final = 6.0
"""Half a usual nozzle pitch: jets that miss by more hit the neighbour."""


class Procedure(StrEnum):
    """What can be calibrated, in the order it has to be."""

    CAMERA = "camera"
    BELT = "belt"
    ENCODER = "encoder"
    DELAY = "delay"
    VALVES = "valves"
    LIGHT = "light"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineToCalibrate:
    """What a line file says of the line.

    Attributes:
        camera_id: of its camera.
        belt_id: of its belt.
        belt_width_mm: of its belt.
        speed_mm_per_s: it usually runs at.
        bars: its jet bars as drawn.
        board: that is used.
        place: where the board lies at its reference photograph.
    """

    camera_id: str
    belt_id: str
    belt_width_mm: float
    speed_mm_per_s: float
    bars: tuple[NominalBar, ...]
    board: BoardSpec
    place: ReferencePlace


@dataclass(slots=True)
class _Found:
    camera: CameraOutcome | None = None
    belt: BeltOutcome | None = None
    encoder: EncoderOutcome | None = None
    delay: DelayOutcome | None = None
    light: LightOutcome | None = None
    stations: list[tuple[MeasuredStation, HitCheck]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who calibrates, when and why.

    Attributes:
        by: who.
        at_utc: when.
        note: why.
    """

    by: str
    at_utc: datetime
    note: str


def calibrate(
    bench: Bench,
    line: LineToCalibrate,
    wanted: frozenset[Procedure],
    before: CalibrationRecord | None,
    signature: Signature,
    tell: Tell,
) -> CalibrationRecord:
    """Run procedures and return the record they make together with what was kept before.

    Args:
        bench: the line.
        line: what its file says.
        wanted: procedures to run; camera and belt always go together, for they are solved
            together.
        before: calibration in force, whose other parts are carried over; None for a new line.
        signature: for the provenance.
        tell: shows the steps.

    Raises:
        ProcedureError: a procedure has no result, or needs one that was never run.
    """
    run = _Run(bench, line, before, tell)
    chosen = wanted | {Procedure.CAMERA} if Procedure.BELT in wanted else wanted
    chosen = chosen | {Procedure.BELT} if Procedure.CAMERA in chosen else chosen
    done = [procedure for procedure in Procedure if procedure in chosen]
    for procedure in done:
        run.do(procedure)
    return run.record(tuple(done), signature)


class _Run:
    def __init__(
        self, bench: Bench, line: LineToCalibrate, before: CalibrationRecord | None, tell: Tell
    ) -> None:
        self._bench, self._line, self._before, self._tell = bench, line, before, tell
        self._found = _Found()
        self._steps: dict[Procedure, Callable[[], None]] = {
            Procedure.CAMERA: self._camera,
            Procedure.BELT: self._belt,
            Procedure.ENCODER: self._encoder,
            Procedure.DELAY: self._delay,
            Procedure.VALVES: self._valves,
            Procedure.LIGHT: self._light,
        }

    def do(self, procedure: Procedure) -> None:
        self._steps[procedure]()

    def _camera(self) -> None:
        self._found.camera = calibrate_camera(self._bench, self._line.board, self._tell)

    def _belt(self) -> None:
        if self._found.camera is None:
            raise comes_first(Procedure.BELT, Procedure.CAMERA)
        self._found.belt = calibrate_belt(
            self._bench, self._line.board, self._found.camera, self._line.place, self._tell
        )

    def _encoder(self) -> None:
        plane, scale, spread = self._plane(Procedure.ENCODER)
        self._found.encoder = calibrate_encoder(self._bench, plane, scale, spread, self._tell)

    def _delay(self) -> None:
        plane, _, _ = self._plane(Procedure.DELAY)
        self._found.delay = calibrate_delay(
            self._bench, self._line.board, plane, self._mm_per_tick(), self._tell
        )

    def _valves(self) -> None:
        plane, _, _ = self._plane(Procedure.VALVES)
        left_mm, right_mm = seen_across_mm(plane, self._line.belt_width_mm)
        belt = BeltScale(
            plane=plane,
            mm_per_tick=self._mm_per_tick(),
            width_mm=right_mm - left_mm,
            speed_mm_per_s=self._line.speed_mm_per_s,
            left_mm=left_mm,
        )
        for bar in self._line.bars:
            measured = calibrate_valves(self._bench, bar, belt, self._tell)
            hits = check_hits(self._bench, bar, belt, measured, self._delay_ms(), self._tell)
            if abs(hits.offset_mm) > _LARGEST_OFFSET_MM:
                msg = f"station {bar.name}: aimed jets hit {hits.offset_mm:+.1f} mm off"
                raise ProcedureError(
                    msg, "calibrate delay and valves again; see that the strip does not slip"
                )
            spread = max(measured.hit_sd_ms, hits.sd_ms)
            measured = dataclasses.replace(measured, hit_sd_ms=spread)
            self._found.stations.append((measured, hits))
        self._bench.ask(Task(kind=TaskKind.CLEAR_BELT, words="clear the belt"))

    def _light(self) -> None:
        self._found.light = calibrate_light(self._bench, self._tell)

    def _plane(self, asking: Procedure) -> tuple[BeltPlane, float, float]:
        """Return the belt plane, and the scale with which the board came to it."""
        if self._found.belt is not None:
            fit = self._found.belt.fit
            return fit.plane, fit.mm_per_tick, fit.mm_per_tick_sd
        if self._before is None:
            raise comes_first(asking, Procedure.BELT)
        scale = self._before.calibration.travel.mm_per_tick
        return self._before.calibration.plane, scale, scale * 1e-3

    def _mm_per_tick(self) -> float:
        if self._found.encoder is not None:
            return self._found.encoder.scale.mm_per_tick
        if self._before is not None and self._found.belt is None:
            return self._before.calibration.travel.mm_per_tick
        return self._plane(Procedure.ENCODER)[1]

    def _delay_ms(self) -> float:
        if self._found.delay is not None:
            return self._found.delay.fit.delay_ms
        return 0.0 if self._before is None else self._before.calibration.camera_delay_ms

    def record(self, done: tuple[Procedure, ...], signature: Signature) -> CalibrationRecord:
        before, line = self._before, self._line
        calibration = self._calibration(signature)
        devices = (
            ("camera", line.camera_id),
            ("belt", line.belt_id),
            ("board", f"{line.board.name}, squares of {line.board.square_mm:g} mm"),
            *(("bar", bar.name) for bar in line.bars),
        )
        fresh = self._findings()
        names = {(found.procedure, found.name) for found in fresh}
        kept = () if before is None else before.findings
        return CalibrationRecord(
            calibration=calibration,
            provenance=Provenance(
                measured_at_utc=signature.at_utc,
                measured_by=signature.by,
                note=signature.note,
                devices=devices,
                based_on="" if before is None else before.sha256,
                procedures=tuple(procedure.value for procedure in done),
            ),
            findings=(*(f for f in kept if (f.procedure, f.name) not in names), *fresh),
        )

    def _calibration(self, signature: Signature) -> LineCalibration:
        plane, _, _ = self._plane(Procedure.BELT)
        before = None if self._before is None else self._before.calibration
        view = usable_view_mm(plane, self._line.belt_width_mm)
        residual = math.inf if before is None else before.residual_mm
        if self._found.belt is not None:
            residual = self._found.belt.fit.residual_mm
        stations = {s.name: s for s in (() if before is None else before.stations)}
        stations |= {s.name: s for s, _ in self._found.stations}
        return LineCalibration(
            camera_id=self._line.camera_id,
            belt_id=self._line.belt_id,
            measured_on=signature.at_utc.date().isoformat(),
            plane=plane,
            travel=BeltTravel(mm_per_tick=self._mm_per_tick()),
            view_s_min_mm=view[0],
            view_s_max_mm=view[1],
            belt_width_mm=self._line.belt_width_mm,
            residual_mm=residual,
            camera_delay_ms=self._delay_ms(),
            stations=tuple(stations.values()),
            bars=() if before is None else before.bars,
            light=self._light_field(),
            # A plane that was solved anew needs its height checked anew.
            camera_mm=None if before is None or self._found.belt else before.camera_mm,
        )

    def _light_field(self) -> LightField | None:
        if self._found.light is not None:
            fit = self._found.light.fit
            return LightField(gain=fit.gain, white_balance=fit.white_balance)
        return None if self._before is None else self._before.calibration.light

    def _findings(self) -> tuple[Finding, ...]:
        found = self._found
        return (
            *(() if found.camera is None else camera_findings(found.camera)),
            *(() if found.belt is None else belt_findings(found.belt)),
            *(() if found.encoder is None else encoder_findings(found.encoder)),
            *(() if found.delay is None else delay_findings(found.delay)),
            *(() if found.light is None else light_findings(found.light)),
            *(
                finding
                for station, hits in found.stations
                for finding in station_findings(station, hits)
            ),
        )
