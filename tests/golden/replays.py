"""Recorded scenes: what the pipeline was shown and what it decided, as text that can be diffed.

A scene's `.jsonl` holds the frames as the detector gave them (boxes, classes, outlines, no picture)
and the line's status; its `.txt` holds every decision and pulse. `make golden` accepts what the
pipeline does now as what it shall do; the difference is then read and committed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.line_calibration import LineCalibration
from calibration.units import MonotonicNs
from controller.core import intervene
from controller.pipeline import SortingPipeline
from controller.step import DecidedItem, Intervention, LineStatus, StepResult
from controller.types import DecisionReason
from tests.support.lockstep_rig import MM_PER_TICK, shipped_line
from twin.assembly import SimulatedLine
from twin.viewpoint import true_calibration
from vision.outline import DIRECTIONS
from vision.types import FRACTIONS, Detections, FrameStamp, Track

SCENES = Path(__file__).parent / "scenes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the pipeline was told at one frame."""

    stamp: FrameStamp
    detections: Detections
    status: LineStatus
    interventions: tuple[Intervention, ...] = ()


def own_pipeline(line: SimulatedLine, calibration: LineCalibration) -> SortingPipeline:
    """Return the line's pipeline, freshly built."""
    return SortingPipeline(
        calibration=calibration,
        stations=line.stations,
        recipe=line.recipe,
        limits=line.limits,
        tracker=line.tracker,
    )


class RecordingPipeline:
    """The line's own pipeline, which also writes down what it is told."""

    def __init__(self, line: SimulatedLine, calibration: LineCalibration) -> None:
        self._own = own_pipeline(line, calibration)
        self._pending: list[Intervention] = []
        self.steps: list[Step] = []
        self.live_tracks = self._own.live_tracks

    def step(
        self, stamp: FrameStamp, detections: Detections, status: LineStatus, *more: Any
    ) -> StepResult:
        step = _rounded(Step(stamp=stamp, detections=detections, status=status))
        self.steps.append(
            Step(
                stamp=step.stamp,
                detections=step.detections,
                status=step.status,
                interventions=tuple(self._pending),
            )
        )
        self._pending.clear()
        return self._own.step(step.stamp, step.detections, step.status)

    def hazards_removed(self) -> tuple[DecidedItem, ...]:
        self._pending.append(Intervention.HAZARDS_REMOVED)
        return self._own.hazards_removed()

    def give_up(self, reason: DecisionReason) -> tuple[DecidedItem, ...]:
        self._pending.append(Intervention.GIVEN_UP)
        return self._own.give_up(reason)


def _rounded(step: Step) -> Step:
    """Return the step as a file gives it back, so that recording and replay see the same."""
    return _read_step(json.loads(_as_line(step)))


def _as_line(step: Step) -> str:
    seen, status = step.detections, step.status
    outlines = seen.outlines_px
    document = {
        "seq": step.stamp.seq,
        "ns": int(step.stamp.exposed_ns),
        "tick": round(step.stamp.tick, 2),
        "status": [
            int(status.may_fire),
            round(status.now_tick, 1),
            round(status.tick_sd, 3),
            round(status.ticks_per_s, 1),
            round(status.frame_age_ms, 2),
        ],
        "boxes": [[round(float(v), 1) for v in box] for box in seen.boxes_px],
        "scores": [
            [int(row.argmax()), round(float(row.max()), 3), round(float(row.min()), 3)]
            for row in seen.scores
        ],
        "outlines": None
        if outlines is None
        else [[round(float(v)) for v in outline.ravel()] for outline in outlines],
    }
    if step.interventions:
        document["interventions"] = [i.value for i in step.interventions]
    return json.dumps(document, separators=(",", ":"))


def _read_step(document: dict[str, Any]) -> Step:
    n = len(document["boxes"])
    scores = np.zeros((n, len(FRACTIONS)), dtype=np.float32)
    for row, (best, high, low) in enumerate(document["scores"]):
        scores[row], scores[row, best] = low, high
    may_fire, now_tick, tick_sd, ticks_per_s, age_ms = document["status"]
    outlines = document["outlines"]
    return Step(
        stamp=FrameStamp(
            seq=document["seq"], exposed_ns=MonotonicNs(document["ns"]), tick=document["tick"]
        ),
        detections=Detections(
            boxes_px=np.array(document["boxes"], dtype=np.float32).reshape(n, 4),
            scores=scores,
            outlines_px=None
            if outlines is None
            else np.array(outlines, dtype=np.float32).reshape(n, DIRECTIONS, 2),
        ),
        status=LineStatus(
            may_fire=bool(may_fire),
            now_tick=now_tick,
            tick_sd=tick_sd,
            ticks_per_s=ticks_per_s,
            frame_age_ms=age_ms,
        ),
        interventions=tuple(Intervention(i) for i in document.get("interventions", [])),
    )


def write_scene(name: str, line: str, steps: list[Step]) -> None:
    """Write the frames of a scene; the first line says which line file it was."""
    body = [json.dumps({"line": line}), *(_as_line(step) for step in steps)]
    (SCENES / f"{name}.jsonl").write_text("\n".join(body) + "\n", encoding="utf-8")


def read_scene(path: Path) -> tuple[str, Iterator[Step]]:
    """Return a scene's line and its steps."""
    head, *body = path.read_text(encoding="utf-8").splitlines()
    return json.loads(head)["line"], (_read_step(json.loads(text)) for text in body)


def replayed(path: Path) -> str:
    """Return what the pipeline decides on a scene today, as text."""
    name, steps = read_scene(path)
    line, world = shipped_line(name)
    pipeline = own_pipeline(line, true_calibration(world, mm_per_tick=MM_PER_TICK))
    lines: list[str] = []
    for step in steps:
        for intervention in step.interventions:
            lines += (_told(step, item) for item in intervene(pipeline, intervention))
        result = pipeline.step(step.stamp, step.detections, step.status)
        lines += (_told(step, item) for item in result.decided)
        lines += (f"frame {step.stamp.seq:4d}  HAZARD item {t.track_id}" for t in result.hazards)
        lines += (_pulse(step, planned) for planned in result.planned)
    return "\n".join(lines) + "\n"


def _told(step: Step, item: DecidedItem) -> str:
    track, decision = item.track, item.decision
    where = "stays" if decision.station is None else f"to station {decision.station}"
    pulses = ",".join(str(p.pulse_id) for p in item.pulses)
    return (
        f"frame {step.stamp.seq:4d}  item {track.track_id:3d}  {_place(track)}  "
        f"{decision.fraction.value} {decision.confidence:.2f}  {where}: {decision.reason.value}"
        + (f"  pulses {pulses}" if pulses else "")
    )


def _place(track: Track) -> str:
    size = f"{track.width_mm:4.0f}x{track.length_mm:<4.0f}"
    return f"x {track.x_mm:6.1f} y {track.y_mm:8.1f} mm {size}"


def _pulse(step: Step, planned: Any) -> str:
    command = planned.command
    items = ",".join(str(track_id) for track_id in planned.track_ids)
    return (
        f"frame {step.stamp.seq:4d}    pulse {command.pulse_id:3d}  station {command.station} "
        f"valves {command.valves.first:2d}-{command.valves.last:<2d} "
        f"ticks {command.open_tick}-{command.close_tick}  for item {items}"
    )
