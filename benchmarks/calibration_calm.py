"""How often the drift watch of a healthy line raises an alarm by chance, in thirty days of looks.

Measurements are taken from rendered looks at a healthy line under light, usual and heavy loads of
items, and redrawn for as many days: the load changes every quarter of an hour, and the light swings
by two per cent over each day, as lamps do with the temperature of a hall. Every quantity is then
judged as the monitor judges it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter
from scipy.signal import lfilter

from calibration.drift.alarm import FALSE_ALARM_SIGMA, MEMORY
from calibration.drift.cost import ALONG_COST, limit_of
from calibration.drift.monitor import LIGHT_LOOKS, DriftMonitor
from calibration.drift.window import GRID, LightSplit
from controller.bar_miss import GAIN
from controller.valves_config import ValvesConfig
from twin.rig.drift_scene import LOOK_S, DriftScene
from twin.rig.truth import RigTruth

Float64Array = npt.NDArray[np.float64]
_DAYS, _QUICK_DAYS = 30, 1
_LOADS: Final = (1, 5, 12)
"""Items in view."""
_STRETCH_LOOKS: Final = int(900 / LOOK_S)
_SWING_SHARE: Final = 0.02
_DAY_LOOKS: Final = int(86400 / LOOK_S)
_BLOWN_PER_S: Final = 3.0
_SCAN_MS: Final = 1.0
_STAMP_SD_MS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class CalmFigures:
    """Chance alarms.

    Attributes:
        alarms: in thirty days.
        words: how they were counted.
    """

    alarms: float
    words: str


def false_alarms_per_30_days(
    truth: RigTruth,
    monitor_of: Callable[[RigTruth, DriftScene], DriftMonitor],
    *,
    quick: bool,
) -> CalmFigures:
    """Count the alarms of a healthy line over all quantities that are watched."""
    days, looks = (_QUICK_DAYS, 20) if quick else (_DAYS, 120)
    scene = DriftScene(truth, seed=3)
    monitor = monitor_of(truth, scene)
    healthy = [_measured(monitor, scene, load=load, looks=looks) for load in _LOADS]
    rng, count = np.random.default_rng(13), int(days * _DAY_LOOKS)
    load = np.repeat(rng.integers(0, len(_LOADS), count // _STRETCH_LOOKS + 1), _STRETCH_LOOKS)
    alarms, limits = 0, monitor.limits
    swing = _SWING_SHARE * np.sin(2 * np.pi * np.arange(count) / _DAY_LOOKS)
    cells: dict[str, Float64Array] = {}
    for name in sorted(set.intersection(*(set(values) for values in healthy))):
        series = _redrawn([values[name] for values in healthy], load[:count], rng)
        if name.startswith("cell"):
            cells[name] = (series + swing).astype(np.float32)
            alarms += _rises(_dark(series + swing, limits[name]))
        else:
            alarms += _rises(_beyond(series, limits[name]))
    alarms += _lamp_alarms(cells, LightSplit(truth.plane, scene.lamps), limits, scene)
    alarms += _delay_alarms(truth, count, rng) + _miss_alarms(count, rng)
    return CalmFigures(
        alarms=alarms * _DAYS / days,
        words=(
            f"chance alarms: {len(_LOADS) * looks} rendered looks at a healthy line with "
            f"{', '.join(map(str, _LOADS))} items in view, redrawn for {days} days of a look a "
            "second, load changing every 15 minutes, light swinging by 2 % a day; delays, "
            "switching and misses from their usual scatter"
        ),
    )


def _measured(
    monitor: DriftMonitor, scene: DriftScene, *, load: int, looks: int
) -> dict[str, Float64Array]:
    """Return what so many looks at the healthy line measured, by quantity and cell."""
    scene.items_in_view = load
    kept: dict[str, list[float]] = {}
    for _ in range(looks):
        for image, tick in scene.pair():
            for name, value in monitor.look(image, tick).items():
                kept.setdefault(name, []).append(value)
        for (row, column), change in np.ndenumerate(monitor.newest_change):
            kept.setdefault(f"cell {row} {column}", []).append(float(change))
    return {name: np.array(values) for name, values in kept.items()}


def _redrawn(
    by_load: list[Float64Array], load: npt.NDArray[np.int64], rng: np.random.Generator
) -> Float64Array:
    series = np.empty(len(load))
    for index, values in enumerate(by_load):
        here = load == index
        series[here] = rng.choice(values, int(here.sum()))
    return series


def _rises(beyond: npt.NDArray[np.bool_]) -> int:
    return int((beyond[1:] & ~beyond[:-1]).sum())


def _dark(series: Float64Array, limit: float) -> npt.NDArray[np.bool_]:
    """Judge a cell's brightness look by look as the monitor does."""
    spread = float(series.std()) * math.sqrt(math.pi / LIGHT_LOOKS)
    lost = 1.0 - np.exp(median_filter(series, LIGHT_LOOKS))
    return np.asarray(lost > max(limit, FALSE_ALARM_SIGMA * spread))


def _lamp_alarms(
    cells: Mapping[str, Float64Array],
    split: LightSplit,
    limits: Mapping[str, float],
    scene: DriftScene,
) -> int:
    """Judge the lamps once in each span of looks that a median goes back."""
    names = [f"cell {row} {column}" for row, column in np.ndindex(*GRID)]
    spans = len(cells[names[0]]) // LIGHT_LOOKS
    medians = np.stack(
        [
            np.median(cells[name][: spans * LIGHT_LOOKS].reshape(spans, LIGHT_LOOKS), axis=1)
            for name in names
        ],
        axis=1,
    )
    limit = min(limits[f"lamp {lamp.name}"] for lamp in scene.lamps)
    beyond = [
        max(loss for _, loss in split.split(median.reshape(GRID))[0]) > limit for median in medians
    ]
    return _rises(np.array(beyond))


def _beyond(series: Float64Array, limit: float) -> npt.NDArray[np.bool_]:
    """Judge a quantity's running mean look by look as `SteadyMean` does."""
    share = 1 / MEMORY
    mean = lfilter([share], [1, share - 1], series)
    off = series - np.concatenate(([series[0]], mean[:-1]))
    variance = lfilter([share * (1 - share)], [1, share - 1], off**2)
    sd = np.sqrt(variance * share / (2 - share))
    beyond = np.abs(mean) > np.maximum(limit, FALSE_ALARM_SIGMA * sd)
    beyond[: int(10 * MEMORY)] = False
    return np.asarray(beyond)


def _delay_alarms(truth: RigTruth, seconds: int, rng: np.random.Generator) -> int:
    """Judge second means of stamps against triggers, and of pulses found by scans."""
    limit_ms = 1000.0 * limit_of(ALONG_COST) / truth.speed_mm_per_s
    stamps = rng.normal(0, _STAMP_SD_MS / math.sqrt(truth.frames_per_s), seconds)
    few = int(_BLOWN_PER_S)
    switched = rng.uniform(-_SCAN_MS / 2, _SCAN_MS / 2, (few, seconds)).mean(axis=0)
    return _rises(_beyond(stamps, limit_ms)) + _rises(_beyond(switched, limit_ms))


def _miss_alarms(seconds: int, rng: np.random.Generator) -> int:
    """Run the whole-bar test over items of a sound bar."""
    usual = float(ValvesConfig.model_fields["usual_miss_share"].default)
    limit = -math.log(float(ValvesConfig.model_fields["miss_false_alarm"].default))
    missed = rng.uniform(size=int(seconds * _BLOWN_PER_S)) < usual
    raised = usual + GAIN
    steps = np.where(missed, math.log(raised / usual), math.log((1 - raised) / (1 - usual)))
    walk = np.cumsum(steps)
    # The sum that begins anew below nothing is the walk above its lowest point so far.
    total = walk - np.minimum(np.minimum.accumulate(walk), 0.0)
    return _rises(total >= limit)
