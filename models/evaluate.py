"""Evaluate a bundle on composed scenes with the runtime's own detector; choose its thresholds."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.card import model_card, table
from models.errors import DatasetError
from models.export import write_manifest
from models.progress import progress
from models.scoring import (
    ClassResult,
    Picture,
    best_threshold,
    class_result,
    iou_matrix,
    wilson_lower,
)
from vision.bundle import read_manifest
from vision.config import DetectorConfig
from vision.factory import open_detector
from vision.types import FRACTIONS, Fraction

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pydantic import JsonValue

    from vision.manifest import BundleManifest

DEFAULT_BUNDLE = Path(__file__).parent / "bundles" / "default"

_SUBSETS = ("test_rendered", "test_photo")
_FOUND_IOU, _ALARM_IOU = 0.5, 0.3
_FLOOR_SCORE = 0.01
_RECALL_WEIGHT = {Fraction.MERCURY_LAMP: 2.0}
"""Beta of the F measure; a missed lamp reaches the shredder; a false one costs a manual look."""


def load_truth(folder: Path, subset: str) -> list[tuple[Path, Path]]:
    """Image and label files of a subset.

    Raises:
        DatasetError: the subset is absent or empty.
    """
    images = sorted((folder / "images" / subset).glob("*.jpg"))
    if not images:
        msg = f"{folder} has no {subset} scenes; make them: python -m models compose --out {folder}"
        raise DatasetError(msg)
    return [(image, folder / "labels" / subset / f"{image.stem}.txt") for image in images]


def detect_subset(bundle: Path, folder: Path, subset: str) -> list[Picture]:
    """Run the runtime's detector over a subset, thresholds lowered so that curves can be drawn."""
    files = load_truth(folder, subset)
    first = _image(files[0][0])
    with tempfile.TemporaryDirectory() as scratch:
        open_bundle = _with_low_thresholds(bundle, Path(scratch) / "bundle")
        config = DetectorConfig(bundle=open_bundle, backend="onnxruntime", threads=1)
        detector = open_detector(config, (first.shape[0], first.shape[1]))
    pictures = []
    for image_path, label_path in progress(files, len(files), f"detect {subset}"):
        image = _image(image_path)
        found = detector.detect(image)
        truth_px, truth_class = read_labels(label_path, image.shape[1], image.shape[0])
        pictures.append(
            Picture(
                truth_px=truth_px,
                truth_class=truth_class,
                boxes_px=found.boxes_px,
                scores=found.scores,
            )
        )
    return pictures


def _image(path: Path) -> npt.NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{path} cannot be read as an image; compose the data set again"
        raise DatasetError(msg)
    return np.asarray(image, np.uint8)


def read_labels(
    path: Path, width_px: int, height_px: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """Boxes (m, 4) in px and class indices (m,) of a YOLO label file."""
    words = np.asarray(path.read_text(encoding="utf-8").split(), np.float32)
    rows = words.reshape(-1, 5)
    centre, half = rows[:, 1:3], rows[:, 3:5] / 2
    size = np.array([width_px, height_px] * 2, np.float32)
    corners = np.hstack((centre - half, centre + half)) * size
    return np.asarray(corners, np.float32), rows[:, 0].astype(np.intp)


def _with_low_thresholds(bundle: Path, folder: Path) -> Path:
    shutil.copytree(bundle, folder)
    manifest = read_manifest(bundle)
    low = dict.fromkeys(manifest.classes, _FLOOR_SCORE)
    write_manifest(manifest.model_copy(update={"thresholds": low}), folder)
    return folder


def choose_thresholds(pictures: Sequence[Picture]) -> dict[Fraction, float]:
    """Best F1 per class, and a recall-heavy F2 for mercury lamps."""
    return {
        fraction: best_threshold(
            class_result(pictures, k), recall_weight=_RECALL_WEIGHT.get(fraction, 1.0)
        )
        for k, fraction in enumerate(FRACTIONS)
    }


def subset_figures(
    pictures: Sequence[Picture], thresholds: dict[Fraction, float]
) -> dict[str, JsonValue]:
    """Per class and overall figures of a subset, ready for the manifest."""
    results = {f: class_result(pictures, k) for k, f in enumerate(FRACTIONS)}
    present = {f: result for f, result in results.items() if result.truths}
    per_class: dict[str, JsonValue] = {
        f.value: _class_figures(result, thresholds[f]) for f, result in present.items()
    }
    recalls = [result.at(thresholds[f])[1] for f, result in present.items()]
    return {
        "scenes": len(pictures),
        "items": sum(result.truths for result in present.values()),
        "map50": _mean([result.ap50 for result in present.values()]),
        "map50_95": _mean([result.ap50_95 for result in present.values()]),
        "macro_recall": _mean(recalls),
        "per_class": per_class,
        "lamps": lamp_figures(pictures, thresholds[Fraction.MERCURY_LAMP]),
    }


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4) if values else 0.0


def _class_figures(result: ClassResult, threshold: float) -> dict[str, JsonValue]:
    precision, recall = result.at(threshold)
    return {
        "items": result.truths,
        "ap50": round(result.ap50, 4),
        "ap50_95": round(result.ap50_95, 4),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
    }


def lamp_figures(pictures: Sequence[Picture], threshold: float) -> dict[str, JsonValue]:
    """Lamp recall per view with its lower 95 % bound, and false alarms per 5,000 other items."""
    lamp = FRACTIONS.index(Fraction.MERCURY_LAMP)
    lamps = found = alarms = others = 0
    for picture in pictures:
        named = picture.scores.argmax(axis=1) == lamp
        boxes = picture.boxes_px[named & (picture.scores[:, lamp] >= threshold)]
        truth = picture.truth_px[picture.truth_class == lamp]
        overlap = iou_matrix(boxes, truth)
        lamps += len(truth)
        others += len(picture.truth_class) - len(truth)
        found += int((overlap >= _FOUND_IOU).any(axis=0).sum())
        alarms += int((~(overlap >= _ALARM_IOU).any(axis=1)).sum())
    return {
        "items": lamps,
        "recall_per_view": round(found / max(lamps, 1), 4),
        "recall_per_view_lower": round(wilson_lower(found, lamps), 4),
        "false_alarms": alarms,
        "false_per_5000": round(alarms * 5000 / max(others, 1), 2),
    }


def evaluate(
    bundle: Path, dataset: Path, *, keep_thresholds: bool, notes: Sequence[str] = ()
) -> BundleManifest:
    """Choose thresholds on val, measure on the test subsets, write both into the manifest.

    Args:
        bundle: folder, its manifest is rewritten.
        dataset: composed data set.
        keep_thresholds: measure at the thresholds that the bundle has.
        notes: weaknesses seen by other means, for the model card; none keeps earlier ones.

    Raises:
        DatasetError: no validation scenes.
        BundleError: the bundle is missing or altered.
    """
    manifest = read_manifest(bundle)
    thresholds = dict(manifest.thresholds)
    if not keep_thresholds:
        thresholds = choose_thresholds(detect_subset(bundle, dataset, "val"))
    metrics = dict(manifest.metrics)
    for subset in _SUBSETS:
        if (dataset / "images" / subset).is_dir():
            figures = subset_figures(detect_subset(bundle, dataset, subset), thresholds)
            metrics[subset] = figures
    if notes:
        metrics["notes"] = list(notes)
    updated = manifest.model_copy(update={"thresholds": thresholds, "metrics": metrics})
    write_manifest(updated, bundle)
    return updated


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `evaluate` command."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="bundle folder")
    parser.add_argument("--dataset", type=Path, required=True, help="composed data set")
    parser.add_argument("--keep-thresholds", action="store_true", help="only measure")
    parser.add_argument(
        "--note", action="append", default=[], help="weakness for the model card; repeatable"
    )
    parser.add_argument("--card", type=Path, help="model card to write (docs/model-card.md)")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the table, and write the card if asked."""
    manifest = evaluate(
        arguments.bundle,
        arguments.dataset,
        keep_thresholds=arguments.keep_thresholds,
        notes=arguments.note,
    )
    sys.stdout.write(table(manifest))
    if arguments.card is not None:
        arguments.card.write_text(model_card(manifest), encoding="utf-8")
    return 0
