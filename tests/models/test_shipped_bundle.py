"""The bundle that ships: intact, measured, and able to see on scenes it was not trained on."""

import numpy as np
import pytest

from models.belts import render_belt
from models.evaluate import DEFAULT_BUNDLE
from models.library import load_sprites
from models.scene import ItemPool, SceneStyle, compose_scene
from models.scoring import iou_matrix
from vision.bundle import load_bundle
from vision.config import DetectorConfig
from vision.factory import open_detector
from vision.types import FRACTIONS, Fraction


@pytest.fixture(scope="module")
def manifest():
    return load_bundle(DEFAULT_BUNDLE).manifest


def test_it_knows_every_fraction_and_says_under_which_licence(manifest):
    assert manifest.classes == tuple(Fraction)
    assert manifest.licence == "AGPL-3.0-only"
    assert "AGPL-3.0-only" in (DEFAULT_BUNDLE / "LICENCE.md").read_text()


def test_its_figures_are_measured_on_rendered_items_and_on_photographs(manifest):
    for subset in ("test_rendered", "test_photo"):
        figures = manifest.metrics[subset]
        assert figures["items"] > 500
        assert 0 < figures["map50"] <= 1
    assert manifest.metrics["parity"]["score"] < 0.001


def test_it_carries_no_path_of_the_machine_it_was_made_on():
    for file in DEFAULT_BUNDLE.iterdir():
        assert b"/tmp/" not in file.read_bytes(), file.name


def test_it_finds_most_items_of_the_shipped_library():
    detector = open_detector(
        DetectorConfig(bundle=DEFAULT_BUNDLE, backend="onnxruntime", threads=1), (320, 320)
    )
    rng = np.random.default_rng(11)
    pool, belt = ItemPool(load_sprites(), 0.0), render_belt(rng)
    style = SceneStyle(occupancy=(0.08, 0.08), mm_per_px=(2.5, 3.1), clean=True)
    items = found = named = 0
    for _ in range(30):
        scene = compose_scene(rng, pool, belt, style)
        detections = detector.detect(scene.bgr)
        for label in scene.labels:
            box = np.array([[label.x0_px, label.y0_px, label.x1_px, label.y1_px]], np.float32)
            overlap = iou_matrix(box, detections.boxes_px)[0]
            items += 1
            hit = np.flatnonzero(overlap >= 0.5)
            found += hit.size > 0
            named += FRACTIONS.index(label.fraction) in detections.scores[hit].argmax(axis=1)
    assert found > 0.8 * items
    assert named > 0.5 * items
