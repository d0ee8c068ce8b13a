"""A trained checkpoint as a plain network from image to decoded candidates, for export.

Importing this module needs torch; only `models.export` does so, after the shim is installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel


class DecodedNetwork(nn.Module):  # type: ignore[misc]
    """Backbone, neck and one head.

    Ends in (1, 4 + classes, n): cx, cy, w, h in input px, then sigmoid scores.
    """

    def __init__(self, model: Any) -> None:
        """Wrap a fused Ultralytics detection model in place."""
        super().__init__()
        self.model = model
        head = model.model[-1]
        head.dynamic = True
        head.export = True
        head.format = "onnx"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (1, 3, h, w) RGB in 0..1 to candidates."""
        candidates: torch.Tensor = self.model(images)
        return candidates


def load_decoded(checkpoint: Path, *, one_to_one: bool) -> tuple[DecodedNetwork, str, bool]:
    """Load averaged weights of a checkpoint made by `models.train`.

    Args:
        checkpoint: the file; unpickling runs code, so never one from a stranger.
        one_to_one: use the head that needs no suppression, where there is one.

    Returns:
        The network, its family, and whether its boxes need non-maximum suppression.
    """
    content = torch.load(checkpoint, map_location="cpu", weights_only=False)
    model = _averaged(content).float().eval()
    family = Path(str(model.yaml["yaml_file"])).stem
    head = model.model[-1]
    has_two = getattr(head, "one2one_cv2", None) is not None
    if has_two and one_to_one:
        head.cv2, head.cv3 = head.one2one_cv2, head.one2one_cv3
    if has_two:
        del head.one2one_cv2, head.one2one_cv3
    head.end2end = False
    model.fuse(verbose=False)
    return DecodedNetwork(model).eval(), family, not (has_two and one_to_one)


def write_onnx(network: DecodedNetwork, path: Path, opset: int) -> None:
    """Trace the network to ONNX with dynamic height and width."""
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, 320, 320),),
        str(path),
        opset_version=opset,
        input_names=["images"],
        output_names=["candidates"],
        dynamic_axes={"images": {2: "height", 3: "width"}, "candidates": {2: "n"}},
        dynamo=False,
    )


def write_weights(checkpoint: Path, path: Path, long_side_px: int) -> None:
    """Write the averaged weights as a plain Ultralytics checkpoint, free of paths and optimiser.

    Ultralytics opens it (`YOLO(path)`) without this package; the line never does.
    """
    model = _averaged(torch.load(checkpoint, map_location="cpu", weights_only=False)).half()
    model.__class__ = DetectionModel
    model.args = {"task": "detect", "imgsz": long_side_px}
    model.criterion, model.pt_path = None, None
    content = {"model": model, "ema": None, "train_args": dict(model.args)}
    torch.save(content, path)


def _averaged(content: dict[str, Any]) -> Any:
    return content.get("ema") or content["model"]


def run_torch(network: DecodedNetwork, tensor: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Run the trained network on (1, 3, h, w)."""
    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(tensor)).numpy(), np.float32)
