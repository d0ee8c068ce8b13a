"""Bundles are loaded whole and unaltered, or refused with the file's name and a remedy."""

import json
from pathlib import Path

import pytest

from tests.support.cell_network import cell_network, manifest_of, write_bundle
from vision.bundle import load_bundle
from vision.errors import BundleError
from vision.types import Fraction


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle")


def test_bundle_is_loaded_with_its_identity(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.network == (folder / "network.onnx").read_bytes()
    assert bundle.bundle_id == f"cells-{bundle.manifest.network.sha256[:12]}"
    assert bundle.manifest.classes[0] is Fraction.WEEE


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere: no such bundle folder"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["manifest.json", "network.onnx"])
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: cannot be read .*export the bundle again"):
        load_bundle(folder)


def test_altered_network_is_refused(folder: Path) -> None:
    network = bytearray((folder / "network.onnx").read_bytes())
    network[100] ^= 1
    (folder / "network.onnx").write_bytes(bytes(network))
    with pytest.raises(BundleError, match=r"network\.onnx: SHA-256 .* altered or cut short"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": 2}, "format"),
        ({"classes": ["plastic", "plastic"]}, "class named twice: plastic"),
        ({"classes": ["plastic", "gold"]}, "classes.1"),
        ({"classes": []}, "classes"),
        ({"thresholds": {"plastic": 0.5}}, "exactly the classes"),
        ({"thresholds": dict.fromkeys(("weee", "plastic", "food", "paper"), 1.5)}, "thresholds"),
        ({"decode": {"layout": "xyxy", "needs_nms": False}}, "decode.layout"),
        ({"surprise": 1}, "surprise"),
        (
            {"network": {"file": "../network.onnx", "sha256": "0" * 64, "family": "cells"}},
            "network.file",
        ),
    ],
)
def test_unusable_manifest_is_refused_by_key(
    folder: Path, changes: dict[str, object], complaint: str
) -> None:
    document = manifest_of(cell_network(), **changes)
    (folder / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(BundleError, match=complaint) as caught:
        load_bundle(folder)
    assert "manifest.json" in str(caught.value)


def test_every_fault_of_a_manifest_is_reported_at_once(folder: Path) -> None:
    document = manifest_of(cell_network(), format=7, licence="", name="with space")
    (folder / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(BundleError, match=r"format.*name.*licence"):
        load_bundle(folder)


def test_manifest_that_is_not_json_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match=r"manifest\.json: document: Invalid JSON"):
        load_bundle(folder)
