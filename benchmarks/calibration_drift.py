"""How soon each kind of drift is found, and how often healthy lines raise one by chance."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter
from scipy.signal import lfilter

from calibration.drift.alarm import FALSE_ALARM_SIGMA, MEMORY, DriftKind
from calibration.drift.delay_lamp import DelayLampWatch
from calibration.drift.lag import LagWatch
from calibration.drift.monitor import LIGHT_LOOKS, DriftMonitor
from calibration.drift.reference import take_reference
from twin.rig.drift_scene import LOOK_S, DriftScene, Misfortune
from twin.rig.truth import RigTruth, random_rig

_MISFORTUNES: tuple[tuple[DriftKind, str, Misfortune], ...] = (
    (DriftKind.CAMERA_MOVED, "knocked along", Misfortune(tilt_deg=(0.3, 0.0, 0.0))),
    (DriftKind.CAMERA_MOVED, "knocked across", Misfortune(tilt_deg=(0.0, 0.3, 0.0))),
    (DriftKind.FOCUS_LOST, "focus", Misfortune(blur_px=1.3)),
    (DriftKind.WINDOW_DIRTY, "dirt", Misfortune(dirt=(500.0, 80.0, 60.0, 0.5))),
    (DriftKind.LIGHT_FAILING, "lamp", Misfortune(lamp=(1, 0.35))),
    (DriftKind.ENCODER_SLIP, "slip", Misfortune(slip_share=0.012)),
)
_LEARN, _CALM, _LONGEST = 41, 41, 60
_SLIP_MS = 3.0
"""Change of a delay that is to be found: some millimetres at the usual belt speed."""
_DAYS, _QUICK_DAYS = 30, 2
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
    found = [(words, _time_to_find(truth, kind, what)) for kind, words, what in _MISFORTUNES]
    found += [("delay", _delay_time_s(truth)), ("valve lag", _lag_time_s(truth))]
    healthy = _healthy_measurements(truth, looks=40 if quick else 240)
    monitor = _monitor(truth, DriftScene(truth, seed=3))
    days = _QUICK_DAYS if quick else _DAYS
    false = _false_alarms(healthy, monitor.limits, days=days)
    times = ", ".join(f"{words} {seconds:.0f} s" for words, seconds in found)
    return DriftFigures(
        slowest_s=max(seconds for _, seconds in found),
        false_per_30_days=false,
        notes=(
            f"drift found after: {times} of belt time, one look a second",
            (
                f"chance alarms: measurements of a healthy line with items, redrawn for {days} "
                "days of a look a second"
            ),
        ),
    )


def _monitor(truth: RigTruth, scene: DriftScene) -> DriftMonitor:
    images = [scene.single() for _ in range(_LEARN)]
    reference, _ = take_reference(images, truth.plane, truth.belt_width_mm)
    return DriftMonitor(
        reference,
        truth.plane,
        mm_per_tick=truth.mm_per_tick,
        bar_distance_mm=truth.stations[0].distance_mm,
        lamps=scene.lamps,
    )


def _time_to_find(truth: RigTruth, kind: DriftKind, what: Misfortune) -> float:
    """Return the belt time from a misfortune to its alarm."""
    scene = DriftScene(truth, seed=2)
    monitor = _monitor(truth, scene)
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


def _delay_time_s(truth: RigTruth) -> float:
    """Return the time until the lamp beside the belt shows that the stamps came to be late."""
    rng = np.random.default_rng(11)
    period_tick, frames_per_s = 80.0, truth.frames_per_s
    ticks_per_s = truth.speed_mm_per_s / truth.mm_per_tick
    watch = LagWatch(DriftKind.DELAY_CHANGED, "camera")
    lamp = DelayLampWatch(
        period_tick=period_tick, mm_per_tick=truth.mm_per_tick, memory=4 * frames_per_s
    )
    for frame in range(int((_CALM + _LONGEST) * frames_per_s)):
        at_s = frame / frames_per_s * 1.0017
        late_ms = _SLIP_MS if at_s > _CALM else 0.0
        true_tick = at_s * ticks_per_s
        on = (true_tick / period_tick) % 1.0 < 0.5
        stamp = true_tick + (late_ms + rng.normal(0, 0.2)) * ticks_per_s / 1000.0
        lamp.add(tick=stamp, brightness=float(on), ticks_per_s=ticks_per_s)
        if frame % round(frames_per_s) == 0 and lamp.settled:
            watch.add(lamp.delay_ms)
            if late_ms and watch.findings(truth.speed_mm_per_s):
                return at_s - _CALM
    return _NEVER_S


def _lag_time_s(truth: RigTruth) -> float:
    """Return the time until a bar that opens late is found from the hits of one valve a second."""
    rng = np.random.default_rng(12)
    watch = LagWatch(DriftKind.VALVE_LAG, "plastic")
    for second in range(_CALM + _LONGEST):
        late_ms = _SLIP_MS if second >= _CALM else 0.0
        watch.add(late_ms + float(rng.normal(0, truth.stations[0].jitter_ms)))
        if late_ms and watch.findings(truth.speed_mm_per_s):
            return float(second - _CALM + 1)
    return _NEVER_S


def _healthy_measurements(truth: RigTruth, *, looks: int) -> dict[str, npt.NDArray[np.float64]]:
    scene = DriftScene(truth, seed=3)
    monitor = _monitor(truth, scene)
    kept: dict[str, list[float]] = {}
    for _ in range(looks):
        for image, tick in scene.pair():
            for name, value in monitor.look(image, tick).items():
                kept.setdefault(name, []).append(value)
        for (row, column), change in np.ndenumerate(monitor.newest_change):
            kept.setdefault(f"cell {row} {column}", []).append(float(change))
    return {name: np.array(values) for name, values in kept.items()}


def _false_alarms(
    healthy: dict[str, npt.NDArray[np.float64]], limits: dict[str, float], *, days: float
) -> float:
    """Redraw measurements for so many days and count the alarms that would rise in thirty."""
    rng = np.random.default_rng(13)
    count = int(days * 86400 / LOOK_S)
    alarms = 0
    for name, values in healthy.items():
        series = rng.choice(values, count)
        judge = _dark_cells if name.startswith("cell") else _beyond
        beyond = judge(series, limits[name])
        alarms += int((beyond[1:] & ~beyond[:-1]).sum())
    return alarms * _DAYS / days


def _dark_cells(series: npt.NDArray[np.float64], limit: float) -> npt.NDArray[np.bool_]:
    """Judge a cell's brightness look by look as the monitor does."""
    spread = float(series.std()) * math.sqrt(math.pi / LIGHT_LOOKS)
    lost = 1.0 - np.exp(median_filter(series, LIGHT_LOOKS))
    return np.asarray(lost > max(limit, FALSE_ALARM_SIGMA * spread))


def _beyond(series: npt.NDArray[np.float64], limit: float) -> npt.NDArray[np.bool_]:
    """Judge a quantity's running mean look by look as `SteadyMean` does."""
    share = 1 / MEMORY
    mean = lfilter([share], [1, share - 1], series)
    off = series - np.concatenate(([series[0]], mean[:-1]))
    variance = lfilter([share * (1 - share)], [1, share - 1], off**2)
    sd = np.sqrt(variance * share / (2 - share))
    beyond = np.abs(mean) > np.maximum(limit, FALSE_ALARM_SIGMA * sd)
    beyond[: int(10 * MEMORY)] = False
    return np.asarray(beyond)
