"""What every detector backend promises, on a small real network."""

import importlib
import json
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.cell_network import manifest_of, write_bundle
from vision.config import DetectorConfig
from vision.errors import BundleError, DetectorError
from vision.factory import open_detector
from vision.ports import Detector
from vision.types import FRACTIONS, Fraction

Image = npt.NDArray[np.uint8]
Backend = Literal["openvino", "onnxruntime"]
RED, GREEN, BLUE, YELLOW = (0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 255, 255)


def image_with(*patches: tuple[tuple[int, int], tuple[int, int, int]]) -> Image:
    """A black 640 x 320 px image with 64 px patches at (u, v): one cell each at 320 px input."""
    image = np.zeros((320, 640, 3), dtype=np.uint8)
    for (u, v), colour in patches:
        image[v : v + 64, u : u + 64] = colour
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles") / "cells")


@pytest.fixture(params=["openvino", "onnxruntime"])
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = request.param
    return chosen


@pytest.fixture
def detector(folder: Path, backend: Backend) -> Detector:
    return open_detector(DetectorConfig(bundle=folder, backend=backend), (320, 640))


class TestDetectorContract:
    """Run against every backend."""

    def test_boxes_are_in_raw_image_px_and_scores_in_order_of_fractions(
        self, detector: Detector
    ) -> None:
        found = detector.detect(
            image_with(((64, 0), RED), ((0, 128), GREEN), ((576, 256), BLUE), ((320, 64), YELLOW))
        )
        by_box = {
            tuple(box): FRACTIONS[s.argmax()]
            for box, s in zip(found.boxes_px.tolist(), found.scores, strict=True)
        }
        assert by_box == {
            (64.0, 0.0, 128.0, 64.0): Fraction.PLASTIC,
            (0.0, 128.0, 64.0, 192.0): Fraction.PAPER,
            (576.0, 256.0, 640.0, 320.0): Fraction.FOOD,
            (320.0, 64.0, 384.0, 128.0): Fraction.WEEE,
        }
        assert found.boxes_px.dtype == found.scores.dtype == np.float32

    def test_classes_that_the_bundle_lacks_score_zero(self, detector: Detector) -> None:
        found = detector.detect(image_with(((64, 0), RED)))
        lacking = [FRACTIONS.index(f) for f in (Fraction.MERCURY_LAMP, Fraction.OTHER)]
        assert (found.scores[:, lacking] == 0).all()

    def test_whole_score_vector_comes_with_each_box(self, detector: Detector) -> None:
        found = detector.detect(image_with(((64, 0), (0, 128, 255))))
        scores = dict(zip(FRACTIONS, found.scores[0], strict=True))
        assert scores[Fraction.PLASTIC] == pytest.approx(1 - 0.5 * 128 / 255, abs=1e-5)
        assert scores[Fraction.WEEE] == pytest.approx(0.5 + 0.5 * 128 / 255, abs=1e-5)

    def test_empty_belt_gives_no_boxes(self, detector: Detector) -> None:
        found = detector.detect(image_with())
        assert len(found) == 0
        assert found.scores.shape == (0, 6)

    def test_same_image_gives_the_same_bits(
        self, folder: Path, backend: Backend, detector: Detector
    ) -> None:
        random = np.random.default_rng(7)
        image = random.integers(0, 256, (320, 640, 3), dtype=np.uint8)
        config = DetectorConfig(bundle=folder, backend=backend)
        again = open_detector(config, (320, 640)).detect(image)
        detector.detect(image_with(((0, 0), RED)))
        first = detector.detect(image)
        assert first.boxes_px.tobytes() == again.boxes_px.tobytes()
        assert first.scores.tobytes() == again.scores.tobytes()

    def test_detections_outlive_the_next_call(self, detector: Detector) -> None:
        first = detector.detect(image_with(((64, 0), RED)))
        kept = first.boxes_px.copy(), first.scores.copy()
        detector.detect(image_with(((128, 64), BLUE), ((256, 64), GREEN)))
        assert np.array_equal(first.boxes_px, kept[0])
        assert np.array_equal(first.scores, kept[1])
        assert not first.boxes_px.flags.writeable

    def test_min_score_raises_the_bundles_thresholds(self, folder: Path, backend: Backend) -> None:
        image = image_with(((64, 0), (0, 0, 150)), ((128, 128), (0, 0, 255)))
        config = DetectorConfig(bundle=folder, backend=backend, min_score=0.8)
        assert len(open_detector(config, (320, 640)).detect(image)) == 1

    def test_other_input_size_gives_the_same_places(self, folder: Path, backend: Backend) -> None:
        config = DetectorConfig(bundle=folder, backend=backend, input_px=640)
        found = open_detector(config, (320, 640)).detect(image_with(((64, 0), RED)))
        assert len(found) == 4
        assert found.boxes_px[:, :2].min(axis=0).tolist() == [64.0, 0.0]
        assert found.boxes_px[:, 2:].max(axis=0).tolist() == [128.0, 64.0]

    def test_boxes_are_clipped_to_an_image_of_awkward_size(
        self, folder: Path, backend: Backend
    ) -> None:
        config = DetectorConfig(bundle=folder, backend=backend)
        image = np.full((333, 601, 3), RED, dtype=np.uint8)
        found = open_detector(config, (333, 601)).detect(image)
        assert found.boxes_px.min() >= 0
        assert found.boxes_px[:, 2].max() == pytest.approx(601)
        assert found.boxes_px[:, 3].max() <= 333

    def test_image_of_another_size_is_refused(self, detector: Detector) -> None:
        with pytest.raises(DetectorError, match=r"expected \(320, 640, 3\)"):
            detector.detect(np.zeros((240, 320, 3), dtype=np.uint8))

    def test_bundle_with_more_rows_than_classes_is_refused(
        self, tmp_path: Path, backend: Backend
    ) -> None:
        folder = write_bundle(tmp_path, classes=["plastic"], thresholds={"plastic": 0.3})
        with pytest.raises(BundleError, match="manifest names 1 classes"):
            open_detector(DetectorConfig(bundle=folder, backend=backend), (320, 640))

    def test_bundle_id_names_the_weights(self, detector: Detector) -> None:
        assert detector.bundle_id.startswith("cells-")


def test_backends_agree(folder: Path) -> None:
    random = np.random.default_rng(3)
    image = random.integers(0, 256, (40, 80, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    found = [
        open_detector(
            DetectorConfig(bundle=folder, backend=backend, min_score=0.05), (320, 640)
        ).detect(image)
        for backend in ("openvino", "onnxruntime")
    ]
    order = [np.lexsort(f.boxes_px.T) for f in found]
    assert np.array_equal(found[0].boxes_px[order[0]], found[1].boxes_px[order[1]])
    assert np.allclose(found[0].scores[order[0]], found[1].scores[order[1]], atol=2e-5)


def test_bf16_needs_openvino(folder: Path) -> None:
    config = DetectorConfig(bundle=folder, backend="onnxruntime", precision="bf16")
    with pytest.raises(DetectorError, match="backend = openvino"):
        open_detector(config, (320, 640))


def test_openvino_sends_no_usage_reports(folder: Path) -> None:
    open_detector(DetectorConfig(bundle=folder), (320, 640))
    reporter = importlib.import_module("openvino.tools.ovc.telemetry_utils").tm
    assert reporter.__name__ == "openvino.tools.ovc.telemetry_stub"


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_network_that_no_library_reads_is_refused(tmp_path: Path, backend: Backend) -> None:
    folder = write_bundle(tmp_path)
    garbage = b"not a network"
    (folder / "network.onnx").write_bytes(garbage)
    (folder / "manifest.json").write_text(json.dumps(manifest_of(garbage)))
    with pytest.raises(DetectorError, match="cannot run this network"):
        open_detector(DetectorConfig(bundle=folder, backend=backend), (320, 640))


def test_automatic_precision_runs_on_any_processor(folder: Path) -> None:
    config = DetectorConfig(bundle=folder, precision="auto")
    found = open_detector(config, (320, 640)).detect(image_with(((64, 0), RED)))
    assert found.boxes_px.tolist() == [[64.0, 0.0, 128.0, 64.0]]
