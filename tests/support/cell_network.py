"""A small real network for detector tests: coloured cells of the belt become boxes.

Each 32 px cell is one candidate; its class scores are a linear map of its mean colour, so wrong
channel order, scale, letterbox or class order all show. Height and width are dynamic.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("weee", "plastic", "food", "paper")
"""In an order of its own, with two fractions missing."""
CELL_PX = 32


def cell_network() -> bytes:
    """Return the ONNX file: (1, 3, h, w) RGB 0..1 to (1, 4 + 4, cells)."""
    weights = np.array(
        [[0.5, 0.5, -1.0], [1.0, -0.5, -0.5], [-0.5, -0.5, 1.0], [-0.5, 1.0, -0.5]], np.float32
    ).reshape(4, 3, 1, 1)
    constants = {
        "weights": weights,
        "zero": np.zeros((), np.float32),
        "one": np.ones((), np.float32),
        "row_axis": np.array(2, np.int64),
        "column_axis": np.array(3, np.int64),
        "pick": np.array([[[[1.0]], [[0.0]], [[0.0]]]], np.float32),
        "half": np.array(0.5, np.float32),
        "cell": np.array(CELL_PX, np.float32),
        "flat": np.array([1, 4 + len(CLASSES), -1], np.int64),
    }
    size = {"kernel_shape": [CELL_PX, CELL_PX], "strides": [CELL_PX, CELL_PX]}
    nodes = [
        helper.make_node("AveragePool", ["images"], ["mean"], **size),
        helper.make_node("Conv", ["mean", "weights"], ["raw"], kernel_shape=[1, 1]),
        helper.make_node("Clip", ["raw", "zero", "one"], ["scores"]),
        helper.make_node("Conv", ["mean", "pick"], ["channel"], kernel_shape=[1, 1]),
        helper.make_node("Mul", ["channel", "zero"], ["nought"]),
        helper.make_node("Add", ["nought", "one"], ["ones"]),
        helper.make_node("CumSum", ["ones", "column_axis"], ["column"]),
        helper.make_node("CumSum", ["ones", "row_axis"], ["row"]),
        helper.make_node("Sub", ["column", "half"], ["column_centre"]),
        helper.make_node("Sub", ["row", "half"], ["row_centre"]),
        helper.make_node("Mul", ["column_centre", "cell"], ["cx"]),
        helper.make_node("Mul", ["row_centre", "cell"], ["cy"]),
        helper.make_node("Mul", ["ones", "cell"], ["side"]),
        helper.make_node("Concat", ["cx", "cy", "side", "side", "scores"], ["all"], axis=1),
        helper.make_node("Reshape", ["all", "flat"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "cells",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 4 + len(CLASSES), "n"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def manifest_of(network_file: bytes, /, **changes: Any) -> dict[str, Any]:
    """Return a valid manifest document for `network_file`, with top-level keys replaced."""
    document: dict[str, Any] = {
        "format": 1,
        "name": "cells",
        "created_at_utc": "2026-11-23T00:00:00Z",
        "licence": "Apache-2.0",
        "classes": list(CLASSES),
        "network": {
            "file": "network.onnx",
            "sha256": hashlib.sha256(network_file).hexdigest(),
            "family": "cells",
            "stride": 32,
        },
        "input": {"long_side_px": 320, "colour": "rgb", "scale": 1 / 255, "fill": 114},
        "decode": {"layout": "cxcywh_scores", "needs_nms": False, "nms_iou": 0.6},
        "thresholds": dict.fromkeys(CLASSES, 0.3),
        "training": {},
        "metrics": {},
    }
    return document | changes


def write_bundle(folder: Path, **changes: Any) -> Path:
    """Write a bundle of the cell network into `folder` and return the folder."""
    network = cell_network()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.onnx").write_bytes(network)
    (folder / "manifest.json").write_text(json.dumps(manifest_of(network, **changes)))
    return folder
