"""The Ultralytics trainer as used here: short epochs, and bfloat16 on CPUs that have it.

Importing this module needs torch; only `models.train` does so, after the shim is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import RandomSampler
from ultralytics import YOLO
from ultralytics.data.build import InfiniteDataLoader
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.torch_utils import strip_optimizer

from models.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UNPLANNED_EPOCHS = 1000
"""Placeholder until the first epoch has shown how many fit into the time."""


def _as_float(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.float()
    if isinstance(value, dict):
        return {key: _as_float(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_as_float(part) for part in value)
    return value


class BeltModel(DetectionModel):  # type: ignore[misc]
    """A detection network that trains its convolutions in bfloat16 and its losses in float32.

    Ultralytics allows bfloat16 on CUDA alone; on a CPU with AVX512-BF16 it doubles the training
    rate of YOLO26n.
    """

    half_precision = bool(
        torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001 - torch has no public query
    )

    def loss(self, batch: dict[str, Any], preds: Any = None) -> Any:
        """Loss of a batch, forward pass included when no predictions are given."""
        if preds is None:
            images = batch["img"]
            low = self.half_precision and self.training and images.device.type == "cpu"
            with torch.autocast(images.device.type, torch.bfloat16, enabled=low):
                preds = self.forward(images)
            preds = _as_float(preds)
        return super().loss(batch, preds)


class BeltTrainer(DetectionTrainer):  # type: ignore[misc]
    """Detection trainer whose epoch is a fresh random draw of `epoch_scenes` scenes.

    Ultralytics steps its learning rate and saves per epoch; short epochs make both fine-grained on
    a slow machine.
    """

    epoch_scenes = 4000

    def get_model(self, cfg: Any = None, weights: Any = None, **_: Any) -> DetectionModel:
        """Build the network, with weights when resuming."""
        model = BeltModel(cfg, nc=self.data["nc"], ch=self.data["channels"], verbose=False)
        if weights is not None:
            model.load(weights)
        return model

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        """Loader over the data set; the training one draws a part of it per epoch."""
        loader = super().get_dataloader(dataset_path, batch_size, rank, mode)
        if mode != "train" or rank != -1 or len(loader.dataset) <= self.epoch_scenes:
            return loader
        generator = torch.Generator()
        generator.manual_seed(self.args.seed)
        sampler = RandomSampler(loader.dataset, num_samples=self.epoch_scenes, generator=generator)
        return InfiniteDataLoader(
            dataset=loader.dataset,
            batch_size=batch_size,
            num_workers=loader.num_workers,
            sampler=sampler,
            collate_fn=loader.dataset.collate_fn,
            drop_last=True,
        )

    def validate(self) -> tuple[Any, None]:
        """Skip Ultralytics' validation: `models.evaluate` measures the exported network instead."""
        return self.metrics, None

    def final_eval(self) -> None:
        """Drop the optimiser from the last checkpoint; the run is over."""
        if self.last.exists():
            strip_optimizer(self.last)


def fit(settings: dict[str, object], epoch_scenes: int, on_save: Callable[[], None]) -> None:
    """Train from random weights.

    Args:
        settings: Ultralytics' options, `model` (an architecture file) among them.
        epoch_scenes: scenes drawn per epoch.
        on_save: called after each checkpoint.
    """
    BeltTrainer.epoch_scenes = epoch_scenes
    model = YOLO(str(settings["model"]))
    model.add_callback("on_model_save", lambda _: on_save())
    model.train(trainer=BeltTrainer, **settings)


def fit_on(last: Path, minutes: float, epoch_scenes: int, on_save: Callable[[], None]) -> None:
    """Finish the epochs planned before a stop; plan anew for `minutes` if none were.

    Raises:
        TrainingError: the run had already finished.
    """
    content = torch.load(last, map_location="cpu", weights_only=False)
    if content.get("optimizer") is None:
        msg = f"{last}: this run is finished; export it, or train into another --out"
        raise TrainingError(msg)
    planned = int(content["train_args"]["epochs"])
    limit = minutes / 60 if planned == UNPLANNED_EPOCHS else None
    BeltTrainer.epoch_scenes = epoch_scenes
    model = YOLO(str(last))
    model.add_callback("on_model_save", lambda _: on_save())
    model.train(trainer=BeltTrainer, resume=True, time=limit, val=False)
