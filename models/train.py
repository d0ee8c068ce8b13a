"""Train a detector on a composed data set through Ultralytics, from scratch, resumable."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import TrainingError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

FAMILIES = ("yolo26n", "yolo11n")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOrder:
    """What to train.

    Attributes:
        dataset: folder with data.yaml.
        out: run folder; `weights/last.pt` appears in it.
        family: network architecture.
        minutes: wall time to spend.
        epochs: number of epochs, for runs limited by work; 0 lets the time decide.
        epoch_scenes: scenes drawn per epoch.
        batch: scenes per step.
        long_side_px: input size.
        optimiser: name Ultralytics knows.
        learning_rate: first learning rate.
        seed: decides initial weights and order.
        threads: torch threads.
        start: checkpoint of another run to begin with, None for random weights.
    """

    dataset: Path
    out: Path
    family: str
    minutes: float
    epochs: int
    epoch_scenes: int
    batch: int
    long_side_px: int
    optimiser: str
    learning_rate: float
    seed: int
    threads: int
    start: Path | None = None


def train(order: TrainOrder) -> Path:
    """Train, or go on where `out/weights/last.pt` stopped.

    Returns:
        The last checkpoint (averaged weights inside).

    Raises:
        TrainingError: no data set or start weights, or torch is not installed here.
    """
    if order.start is not None and not order.start.is_file():
        raise TrainingError(f"{order.start} is no file; name the weights/last.pt of a finished run")
    if not (order.dataset / "data.yaml").is_file():
        raise TrainingError(f"{order.dataset} has no data.yaml; make one: python -m models compose")
    last = order.out / "weights" / "last.pt"
    try:
        fit, fit_on = _torch_parts(order.threads)
    except ImportError as error:
        msg = f"training needs torch, torchvision and ultralytics ({error}); see docs/training.md"
        raise TrainingError(msg) from error
    before_s = float(_read_record(order.out).get("seconds", 0.0)) or _seconds_before(order)
    started_s = time.monotonic()

    def record() -> None:
        _write_record(order, before_s + time.monotonic() - started_s)

    if last.is_file():
        fit_on(last, order.minutes, order.epoch_scenes, record)
    else:
        fit(_settings(order), order.epoch_scenes, record)
    return last


def _torch_parts(
    threads: int,
) -> tuple[Callable[..., None], Callable[..., None]]:
    import torch  # noqa: PLC0415 - an optional install

    from models.torchvision_shim import install  # noqa: PLC0415 - needs torch

    install()
    from models.trainer import fit, fit_on  # noqa: PLC0415 - needs the shim in place

    torch.set_num_threads(threads)
    return fit, fit_on


def _settings(order: TrainOrder) -> dict[str, object]:
    """Ultralytics' options; scenes come composed, so only light and mirroring are varied."""
    limit: dict[str, object] = {"epochs": order.epochs or 1000}
    if not order.epochs:
        limit["time"] = order.minutes / 60
    return limit | {
        "model": str(order.start) if order.start else f"{order.family}.yaml",
        "data": str(order.dataset / "data.yaml"),
        "project": str(order.out.parent),
        "name": order.out.name,
        "exist_ok": True,
        "imgsz": order.long_side_px,
        "batch": order.batch,
        "nbs": order.batch,
        "device": "cpu",
        "pretrained": order.start is not None,
        "optimizer": order.optimiser,
        "lr0": order.learning_rate,
        "lrf": 0.02,
        "cos_lr": True,
        "warmup_epochs": 1.0,
        "warmup_bias_lr": 0.0,
        "amp": False,
        "mosaic": 0.0,
        "close_mosaic": 0,
        "degrees": 0.0,
        "translate": 0.0,
        "scale": 0.0,
        "erasing": 0.0,
        "fliplr": 0.5,
        "flipud": 0.5,
        "hsv_h": 0.015,
        "hsv_s": 0.4,
        "hsv_v": 0.3,
        "plots": False,
        "val": False,
        "patience": 1000,
        "seed": order.seed,
        "deterministic": False,
    }


def _seconds_before(order: TrainOrder) -> float:
    """Return the training time that is already in the start weights."""
    if order.start is None:
        return 0.0
    return float(_read_record(order.start.parent.parent).get("seconds", 0.0))


def _read_record(out: Path) -> dict[str, Any]:
    path = out / "order.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content


def _write_record(order: TrainOrder, seconds: float) -> None:
    """Keep the run's record current; export copies it into the manifest."""
    entry = {
        "family": order.family,
        "seconds": round(seconds),
        "batch": order.batch,
        "long_side_px": order.long_side_px,
        "optimiser": order.optimiser,
        "learning_rate": order.learning_rate,
        "epoch_scenes": order.epoch_scenes,
        "seed": order.seed,
        "threads": order.threads,
    }
    path = order.out / "order.json"
    path.write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `train` command."""
    parser.add_argument("--dataset", type=Path, required=True, help="composed data set")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumes if it has one")
    parser.add_argument("--family", choices=FAMILIES, default=FAMILIES[0], help="architecture")
    parser.add_argument("--start", type=Path, help="begin with another run's weights/last.pt")
    parser.add_argument("--minutes", type=float, default=60.0, help="wall time (default 60)")
    parser.add_argument("--epochs", type=int, default=0, help="most epochs instead of a time")
    parser.add_argument("--epoch-scenes", type=int, default=4000, help="scenes per epoch")
    parser.add_argument("--batch", type=int, default=16, help="scenes per step (default 16)")
    parser.add_argument("--size", type=int, default=320, help="input size in px (default 320)")
    parser.add_argument("--optimiser", default="MuSGD", help="MuSGD (default), AdamW or SGD")
    parser.add_argument("--learning-rate", type=float, default=0.01, help="first learning rate")
    parser.add_argument("--seed", type=int, default=1, help="initial weights and order")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="torch threads")


def run(arguments: argparse.Namespace) -> int:
    """Train and print where the checkpoint lies."""
    order = TrainOrder(
        dataset=arguments.dataset,
        out=arguments.out.resolve(),
        family=arguments.family,
        minutes=arguments.minutes,
        epochs=arguments.epochs,
        epoch_scenes=arguments.epoch_scenes,
        batch=arguments.batch,
        long_side_px=arguments.size,
        optimiser=arguments.optimiser,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
        threads=arguments.threads,
        start=arguments.start,
    )
    sys.stdout.write(f"{train(order)}\n")
    return 0
