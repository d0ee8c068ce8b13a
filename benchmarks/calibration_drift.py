"""How soon each kind of drift is found: everything happens to a rig, one after the other.

Whatever happens is half again as large as what its limit allows, since a drift that costs less than
its limit is not to be told.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.calibration_calm import false_alarms_per_30_days
from calibration.drift.alarm import DriftKind
from calibration.drift.cost import ACROSS_COST, ALONG_COST, BLUR_COST, DARK_COST, limit_of
from calibration.drift.monitor import DriftMonitor
from calibration.drift.reference import take_reference
from calibration.units import BeltTick, MonotonicNs
from controller.bar_miss import BarMissTest
from controller.delay_watch import DelayWatch
from controller.valves_config import ValvesConfig
from plc.clock_fit import ClockEstimate
from plc.frame_latch import FrameLatch
from plc.types import TriggerLatch
from twin.rig.drift_scene import LOOK_S, DriftScene, Misfortune
from twin.rig.truth import RigTruth, random_rig

_OVER = 1.5
"""Times its limit that each misfortune is large."""
_LEARN, _CALM, _LONGEST = 41, 41, 60
_BLOWN_PER_S = 3.0
"""Items that a bar blows at each second on a line at half its load."""
_LATE_MISS_SHARE = 0.3
"""Of the items that a bar whose air is late by some nozzle pitches does not blow off."""
_NEVER_S = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFigures:
    """What the drift watch came to.

    Attributes:
        slowest_s: belt time until the slowest kind was found; a very long time where one never was.
        false_per_30_days: alarms of a healthy line.
        notes: each kind's time, in words.
    """

    slowest_s: float
    false_per_30_days: float
    notes: tuple[str, ...]


def drift_figures(*, quick: bool) -> DriftFigures:
    """Let everything happen to a rig, one after the other, and count chance alarms."""
    truth = random_rig(5)
    found = [(words, time_to_find(truth, kind, what)) for kind, words, what in misfortunes(truth)]
    found += [
        ("delay", delay_time_s(truth)),
        ("valves switched late", switching_time_s(truth)),
        ("air late", air_time_s()),
    ]
    times = ", ".join(f"{words} {seconds:.0f} s" for words, seconds in found)
    calm = false_alarms_per_30_days(truth, monitor_of, quick=quick)
    return DriftFigures(
        slowest_s=max(seconds for _, seconds in found),
        false_per_30_days=calm.alarms,
        notes=(
            f"drift of {_OVER:g} times its limit, one look a second, found after: {times}",
            calm.words,
        ),
    )


def misfortunes(truth: RigTruth) -> Iterator[tuple[DriftKind, str, Misfortune]]:
    """Return what can happen to camera, light and encoder, each beyond its limit."""
    height_mm = float(np.linalg.norm(truth.turn.T @ truth.shift_mm))
    along = math.degrees(_OVER * limit_of(ALONG_COST) / height_mm)
    across = math.degrees(_OVER * limit_of(ACROSS_COST) / height_mm)
    moved, dark = DriftKind.CAMERA_MOVED, min(_OVER * limit_of(DARK_COST), 0.9)
    yield moved, "knocked along", Misfortune(tilt_deg=(along, 0.0, 0.0))
    yield moved, "knocked across", Misfortune(tilt_deg=(0.0, across, 0.0))
    # Errors of so much at the belt's edges, half a metre from its middle.
    yield (
        moved,
        "turned",
        Misfortune(tilt_deg=(0.0, 0.0, math.degrees(_OVER * limit_of(ALONG_COST) / 500.0))),
    )
    yield moved, "knocked hard", Misfortune(tilt_deg=(4.0, 0.0, 0.0))
    yield DriftKind.FOCUS_LOST, "focus", Misfortune(blur_px=_OVER * limit_of(BLUR_COST))
    yield DriftKind.WINDOW_DIRTY, "dirt", Misfortune(dirt=(500.0, 80.0, 60.0, max(dark, 0.4)))
    yield DriftKind.LIGHT_FAILING, "lamp", Misfortune(lamp=(1, dark))
    slip = _OVER * limit_of(ALONG_COST) / truth.stations[0].distance_mm
    yield DriftKind.ENCODER_SLIP, "slip", Misfortune(slip_share=slip)


def monitor_of(truth: RigTruth, scene: DriftScene) -> DriftMonitor:
    """Return a monitor that learned its reference from a scene."""
    images = [scene.single() for _ in range(_LEARN)]
    reference, _ = take_reference(images, truth.plane, truth.belt_width_mm)
    return DriftMonitor(
        reference,
        truth.plane,
        mm_per_tick=truth.mm_per_tick,
        bar_distance_mm=truth.stations[0].distance_mm,
        lamps=scene.lamps,
    )


def time_to_find(truth: RigTruth, kind: DriftKind, what: Misfortune) -> float:
    """Return the belt time from a misfortune to its alarm."""
    scene = DriftScene(truth, seed=2)
    monitor = monitor_of(truth, scene)
    for _ in range(_CALM):
        _look(monitor, scene, kind)
    scene.happen(what)
    for look in range(1, _LONGEST + 1):
        _look(monitor, scene, kind)
        if any(finding.kind is kind for finding in monitor.findings()):
            return look * LOOK_S
    return _NEVER_S


def _look(monitor: DriftMonitor, scene: DriftScene, kind: DriftKind) -> None:
    """Show one look; only slip needs the second frame of the pair."""
    if kind is DriftKind.ENCODER_SLIP:
        for image, tick in scene.pair():
            monitor.look(image, tick)
    else:
        monitor.look(scene.single(), math.nan)


def _late_ms(truth: RigTruth) -> float:
    return _OVER * 1000.0 * limit_of(ALONG_COST) / truth.speed_mm_per_s


def _clock(at_s: float, ticks_per_s: float) -> ClockEstimate:
    return ClockEstimate(
        newest_ns=MonotonicNs(round(at_s * 1e9)),
        tick=at_s * ticks_per_s,
        ticks_per_s=ticks_per_s,
        half_acceleration=0.0,
        covariance=(0.0,) * 6,
        acceleration_sd=0.0,
    )


def delay_time_s(truth: RigTruth) -> float:
    """Return the time until stamps that came to be late are found against latched triggers."""
    rng = np.random.default_rng(11)
    ticks_per_s = truth.speed_mm_per_s / truth.mm_per_tick
    latch, watch = FrameLatch(), DelayWatch({}, mm_per_tick=truth.mm_per_tick)
    for frame in range(int((_CALM + _LONGEST) * truth.frames_per_s)):
        at_s = frame / truth.frames_per_s
        late_ms = _late_ms(truth) if at_s > _CALM else 0.0
        latch.add([TriggerLatch(number=700 + frame, tick=BeltTick(round(at_s * ticks_per_s)))])
        stamp_s = at_s + (late_ms + float(rng.normal(0, 0.2))) / 1000.0
        latch.tick_of(frame, fit_tick=stamp_s * ticks_per_s, sd_tick=0.5, lead_tick=0.0)
        if latch.late_tick is not None:
            watch.frame(latch.late_tick, _clock(at_s, ticks_per_s), exact=True)
        if late_ms and watch.findings():
            return at_s - _CALM
    return _NEVER_S


def switching_time_s(truth: RigTruth) -> float:
    """Return the time until a PLC that comes to open a bar's valves late is found."""
    rng = np.random.default_rng(12)
    ticks_per_s = truth.speed_mm_per_s / truth.mm_per_tick
    watch = DelayWatch({0: "plastic"}, mm_per_tick=truth.mm_per_tick)
    for pulse in range(int((_CALM + _LONGEST) * _BLOWN_PER_S)):
        at_s = pulse / _BLOWN_PER_S
        # Scans of a millisecond find a pulse due up to that much late.
        late_ms = float(rng.uniform(0, 1)) + (_late_ms(truth) if at_s > _CALM else 0.0)
        watch.pulse(
            0,
            late_tick=round(late_ms * ticks_per_s / 1000.0),
            at_tick=round(at_s * ticks_per_s),
            ticks_per_s=ticks_per_s,
        )
        if at_s > _CALM and watch.findings():
            return at_s - _CALM
    return _NEVER_S


def air_time_s() -> float:
    """Return the time until a bar whose air comes late is found by what stays on the belt."""
    rng, rules = np.random.default_rng(14), ValvesConfig.model_fields
    test = BarMissTest(
        "plastic",
        usual_share=float(rules["usual_miss_share"].default),
        false_alarm=float(rules["miss_false_alarm"].default),
    )
    for item in range(int(_LONGEST * _BLOWN_PER_S)):
        test.add(missed=bool(rng.uniform() < _LATE_MISS_SHARE))
        if test.finding is not None:
            return (item + 1) / _BLOWN_PER_S
    return _NEVER_S
