"""Lets Ultralytics import torchvision beside a CPU build of torch.

torchvision's wheels carry operators compiled against CUDA torch. Beside CPU torch they do not load,
and importing torchvision then stops at "operator torchvision::nms does not exist". The import needs
only the operators' schemas, and only non-maximum suppression is ever called here, for which
Ultralytics has a pure torch version. Importing this module needs torch.
"""

from __future__ import annotations

import functools
import os
import sys

import torch

_ARGUMENTS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@functools.cache
def install() -> object:
    """Define the missing operators and route non-maximum suppression to Ultralytics.

    Call it before anything imports torchvision or Ultralytics; later calls do nothing. Also keeps
    Ultralytics from installing packages or reaching the network.

    Returns:
        The library that holds the schemas; the cache keeps it, as torch drops an operator when its
        library is collected.
    """
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_OFFLINE", "true")
    library = torch.library.Library("torchvision", "FRAGMENT")
    if torch.version.cuda is None and "torchvision" not in sys.modules:
        for name in ("nms", "qnms"):
            library.define(name + _ARGUMENTS)
        # The schemas must exist before these two are first imported.
        import torchvision  # noqa: PLC0415
        from ultralytics.utils.nms import TorchNMS  # noqa: PLC0415

        torchvision.ops.nms = TorchNMS.nms
        torchvision.ops.boxes.nms = TorchNMS.nms
    return library
