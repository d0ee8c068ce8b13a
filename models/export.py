"""Export a trained network to a bundle: ONNX, manifest, licence; parity proven or refused."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from models import parity
from models.classes import CLASS_NAMES
from models.errors import ExportError
from vision.manifest import (
    MANIFEST_FILE,
    BundleManifest,
    DecodeSpec,
    InputSpec,
    NetworkSpec,
)
from vision.types import Fraction

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import ModuleType

    from models.parity import F32

_NETWORK_FILE = "network.onnx"
_WEIGHTS_FILE = "weights.pt"
"""For comparison and further training with Ultralytics; the line never opens it."""

_OPSET = 17
_FIRST_THRESHOLD = 0.25
"""Until `evaluate` chooses thresholds on the validation scenes."""

_SOURCES = [
    "rendered items and belts: this repository (Apache-2.0)",
    "TrashNet photographs (Thung & Yang 2017), MIT",
    "EcoEra E-waste set (Roboflow), CC BY 4.0",
    "belt photographs, MIT",
]
_LICENCE_NOTE = """# Licence of these weights

`network.onnx` and `weights.pt` were trained with Ultralytics, whose licence is AGPL-3.0, and carry
that licence: AGPL-3.0-only. The code around them is Apache-2.0. Whoever ships or serves a product
with these weights takes on the duties of AGPL-3.0 for it, or trains weights with a differently
licensed framework, or holds an Ultralytics licence.

Training data: TrashNet photographs (MIT), EcoEra E-waste set (CC BY 4.0), belt photographs (MIT),
and items rendered by this repository. `manifest.json` says what, how much and how long.
"""


class Head(StrEnum):
    """Which of a two-headed network's outputs is exported."""

    ONE_TO_ONE = "one_to_one"
    ONE_TO_MANY = "one_to_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOrder:
    """What to export where.

    Attributes:
        checkpoint: `last.pt` of a run made here.
        out: bundle folder; replaced as a whole.
        name: the bundle's name.
        head: output to use where the network has two.
        dataset: data set it was trained on, for the record.
    """

    checkpoint: Path
    out: Path
    name: str
    head: Head
    dataset: Path | None


def export(order: ExportOrder) -> BundleManifest:
    """Write a bundle.

    Raises:
        ExportError: no checkpoint, torch is missing, or the export is not the trained network.
    """
    if not order.checkpoint.is_file():
        msg = f"{order.checkpoint}: no checkpoint; make one: python -m models train"
        raise ExportError(msg)
    torch_part = _decoded_module()
    network, family, needs_nms = torch_part.load_decoded(
        order.checkpoint, one_to_one=order.head is Head.ONE_TO_ONE
    )
    with tempfile.TemporaryDirectory(dir=_parent(order.out)) as scratch:
        folder = Path(scratch) / "bundle"
        folder.mkdir()
        torch_part.write_onnx(network, folder / _NETWORK_FILE, _OPSET)
        found = parity.measure(
            partial(torch_part.run_torch, network), onnx_runner(folder / _NETWORK_FILE)
        )
        parity.require(found)
        manifest = _manifest(order, folder, family, needs_nms=needs_nms)
        manifest = manifest.model_copy(
            update={"metrics": {"parity": {"box_px": found.box_px, "score": found.score}}}
        )
        write_manifest(manifest, folder)
        torch_part.write_weights(
            order.checkpoint, folder / _WEIGHTS_FILE, manifest.input.long_side_px
        )
        (folder / "LICENCE.md").write_text(_LICENCE_NOTE, encoding="utf-8")
        if order.out.exists():
            shutil.rmtree(order.out)
        shutil.copytree(folder, order.out)
    sys.stderr.write(
        f"parity over {found.scenes} scenes: boxes {found.box_px:.4f} px, "
        f"scores {found.score:.6f}\n"
    )
    return manifest


def _parent(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.parent


def write_manifest(manifest: BundleManifest, folder: Path) -> None:
    """Write `manifest.json` into a bundle folder."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, sort_keys=False)
    (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")


def _decoded_module() -> ModuleType:
    try:
        from models.torchvision_shim import install  # noqa: PLC0415 - needs torch

        install()
        from models import decoded  # noqa: PLC0415 - needs the shim in place
    except ImportError as error:
        msg = f"export needs torch and ultralytics ({error}); see docs/training.md"
        raise ExportError(msg) from error
    return decoded


def onnx_runner(path: Path) -> Callable[[F32], F32]:
    """ONNX Runtime on the CPU as a function from (1, 3, h, w) to (1, 4 + classes, n)."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(tensor: F32) -> F32:
        return np.asarray(session.run(None, {name: tensor})[0], np.float32)

    return run


def _manifest(order: ExportOrder, folder: Path, family: str, *, needs_nms: bool) -> BundleManifest:
    content = (folder / _NETWORK_FILE).read_bytes()
    run = _read_json(order.checkpoint.parent.parent / "order.json")
    return BundleManifest(
        format=1,
        name=order.name,
        created_at_utc=datetime.now(UTC).replace(microsecond=0),
        licence="AGPL-3.0-only",
        classes=tuple(Fraction(name) for name in CLASS_NAMES),
        network=NetworkSpec(
            file=_NETWORK_FILE, sha256=hashlib.sha256(content).hexdigest(), family=family
        ),
        input=InputSpec(
            long_side_px=int(str(run.get("long_side_px", 320))),
            colour="rgb",
            scale=1 / 255,
            fill=114,
        ),
        decode=DecodeSpec(layout="cxcywh_scores", needs_nms=needs_nms, nms_iou=0.6),
        thresholds=dict.fromkeys(Fraction, _FIRST_THRESHOLD),
        training={
            "framework": "Ultralytics 8.4.190 (AGPL-3.0), from random weights",
            "sources": list(_SOURCES),
            "hardware": f"{platform.machine()} CPU, no accelerator",
            "head": order.head.value,
            "run": run,
            "scenes": _read_json(order.dataset / "order.json") if order.dataset else {},
        },
        metrics={},
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `export` command."""
    parser.add_argument("--checkpoint", type=Path, required=True, help="RUN/weights/last.pt")
    parser.add_argument("--out", type=Path, required=True, help="bundle folder, replaced")
    parser.add_argument("--name", default="sortline-waste", help="bundle name")
    parser.add_argument("--head", type=Head, choices=list(Head), default=Head.ONE_TO_ONE)
    parser.add_argument("--dataset", type=Path, help="data set trained on, for the record")


def run(arguments: argparse.Namespace) -> int:
    """Export and say where the bundle is."""
    order = ExportOrder(
        checkpoint=arguments.checkpoint,
        out=arguments.out,
        name=arguments.name,
        head=arguments.head,
        dataset=arguments.dataset,
    )
    manifest = export(order)
    sys.stdout.write(f"{order.out} {manifest.network.sha256[:12]}\n")
    return 0
