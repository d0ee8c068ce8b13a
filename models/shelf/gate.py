"""What a bundle must show before a line may load it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import numpy as np

from models.evaluate import detect_subset, lamp_figures
from models.scoring import Picture, class_result, wilson_interval
from vision.bundle import read_manifest
from vision.factory import open_detector
from vision.types import FRACTIONS, Fraction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from vision.config import DetectorConfig

_WARM_UP: Final = 10
_FRAMES: Final = 60
_LAMP: Final = Fraction.MERCURY_LAMP


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassStanding:
    """One fraction, as one bundle finds it at its own threshold.

    Attributes:
        items: of the fraction in the scenes.
        recall: share of them found and rightly named.
        recall_high: upper end of its 95 % interval.
        precision: share of what it names so that is so.
        precision_high: upper end of its 95 % interval.
    """

    items: int
    recall: float
    recall_high: float
    precision: float
    precision_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleStanding:
    """One bundle on one set of scenes.

    Attributes:
        classes: by fraction that occurs.
        lamp_recall: of mercury lamps, by views.
        lamp_false: alarms on other items.
        detect_p95_ms: of a whole detect call on this machine.
    """

    classes: Mapping[Fraction, ClassStanding]
    lamp_recall: float
    lamp_false: int
    detect_p95_ms: float


def measure(bundle: Path, dataset: Path, subset: str, config: DetectorConfig) -> BundleStanding:
    """Measure a bundle on scenes with the runtime's own detector.

    Args:
        bundle: folder.
        dataset: with labelled scenes.
        subset: of it.
        config: how the line runs its detector; its bundle is not looked at.

    Raises:
        DatasetError: no such scenes.
        vision.errors.VisionError: the bundle cannot be used.
    """
    pictures = detect_subset(bundle, dataset, subset)
    thresholds = read_manifest(bundle).thresholds
    classes = {
        fraction: _class_standing(pictures, index, thresholds[fraction])
        for index, fraction in enumerate(FRACTIONS)
        if fraction in thresholds and any((p.truth_class == index).any() for p in pictures)
    }
    lamps = lamp_figures(pictures, thresholds.get(_LAMP, 1.0))
    return BundleStanding(
        classes=classes,
        lamp_recall=float(str(lamps["recall_per_view"])),
        lamp_false=int(str(lamps["false_alarms"])),
        detect_p95_ms=detect_p95_ms(config.model_copy(update={"bundle": bundle})),
    )


def detect_p95_ms(config: DetectorConfig, shape: tuple[int, int] = (640, 640)) -> float:
    """Return the 95th percentile of a whole detect call on this machine, ms."""
    detector = open_detector(config, shape)
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (*shape, 3), dtype=np.uint8)
    times_ns = []
    for _ in range(_WARM_UP + _FRAMES):
        began_ns = perf_counter_ns()
        detector.detect(image)
        times_ns.append(perf_counter_ns() - began_ns)
    return float(np.percentile(times_ns[_WARM_UP:], 95)) / 1e6


def objections(
    candidate: BundleStanding, current: BundleStanding | None, *, budget_ms: float
) -> tuple[str, ...]:
    """Return why a candidate may not be promoted; none if it may.

    A fraction counts as worse where even the upper end of the candidate's interval lies below what
    the current bundle reached. Mercury lamps have no margin.

    Args:
        candidate: as measured.
        current: as measured on the same scenes, None where there is none.
        budget_ms: time that the line allows the detector.
    """
    found = []
    if candidate.detect_p95_ms > budget_ms:
        found.append(
            f"detecting takes {candidate.detect_p95_ms:.1f} ms (p95, this machine), the line "
            f"allows {budget_ms:g} ms"
        )
    if current is None:
        return tuple(found)
    for fraction, before in current.classes.items():
        after = candidate.classes.get(fraction)
        if after is None:
            found.append(f"{fraction.value}: the candidate does not know it")
            continue
        for name, high, was in (
            ("recall", after.recall_high, before.recall),
            ("precision", after.precision_high, before.precision),
        ):
            if high < was:
                found.append(f"{fraction.value}: {name} at most {high:.3f}, now {was:.3f}")
    return (*found, *_worse_on_lamps(candidate, current))


def _worse_on_lamps(candidate: BundleStanding, current: BundleStanding) -> Iterator[str]:
    if candidate.lamp_recall < current.lamp_recall:
        yield f"lamps: {candidate.lamp_recall:.4f} found, now {current.lamp_recall:.4f}"
    if candidate.lamp_false > current.lamp_false:
        yield f"lamps: {candidate.lamp_false} false alarms, now {current.lamp_false}"


def as_record(standing: BundleStanding) -> dict[str, JsonValue]:
    """Return a standing as the history keeps it."""
    return {
        "detect_p95_ms": round(standing.detect_p95_ms, 2),
        "lamp_recall": standing.lamp_recall,
        "lamp_false": standing.lamp_false,
        "classes": {
            fraction.value: {
                "items": c.items,
                "recall": round(c.recall, 4),
                "precision": round(c.precision, 4),
            }
            for fraction, c in standing.classes.items()
        },
    }


def _class_standing(pictures: Sequence[Picture], index: int, threshold: float) -> ClassStanding:
    result = class_result(pictures, index)
    named = int((result.score >= threshold).sum())
    right = int(result.hit[result.score >= threshold].sum())
    return ClassStanding(
        items=result.truths,
        recall=right / result.truths,
        recall_high=wilson_interval(right, result.truths)[1],
        precision=right / named if named else 1.0,
        precision_high=wilson_interval(right, named)[1],
    )
