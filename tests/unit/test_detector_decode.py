"""Decoding the network's output and fitting images into its input."""

import numpy as np
import pytest

from tests.support.cell_network import CLASSES, manifest_of
from vision.decode import MAX_ITEMS, Decoder
from vision.errors import BundleError, DetectorError
from vision.letterbox import Letterbox
from vision.manifest import BundleManifest
from vision.types import FRACTIONS, Fraction


def decoder(min_score: float = 0.0, **changes: object) -> Decoder:
    return Decoder(BundleManifest.model_validate(manifest_of(b"", **changes)), min_score)


def output_of(*candidates: tuple[tuple[float, ...], dict[str, float]]) -> np.ndarray:
    rows = np.zeros((1, 4 + len(CLASSES), len(candidates)), dtype=np.float32)
    for n, (box, scores) in enumerate(candidates):
        rows[0, :4, n] = box
        for name, score in scores.items():
            rows[0, 4 + CLASSES.index(name), n] = score
    return rows


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox((320, 640), 320, 114)


def test_each_class_has_its_own_threshold(letterbox: Letterbox) -> None:
    thresholds = {"weee": 0.9, "plastic": 0.2, "food": 0.5, "paper": 0.5}
    found = decoder(thresholds=thresholds).decode(
        output_of(((50, 50, 20, 20), {"weee": 0.8}), ((90, 50, 20, 20), {"plastic": 0.3})),
        letterbox,
    )
    assert [FRACTIONS[s.argmax()] for s in found.scores] == [Fraction.PLASTIC]


def test_boxes_come_best_first_and_ties_in_the_networks_order(letterbox: Letterbox) -> None:
    found = decoder().decode(
        output_of(
            ((10, 10, 10, 10), {"food": 0.5}),
            ((30, 10, 10, 10), {"paper": 0.9}),
            ((50, 10, 10, 10), {"plastic": 0.5}),
        ),
        letterbox,
    )
    assert found.boxes_px[:, 0].tolist() == [50.0, 10.0, 90.0]


def test_overlapping_boxes_of_one_item_are_suppressed_across_classes(letterbox: Letterbox) -> None:
    output = output_of(
        ((50, 50, 40, 40), {"plastic": 0.6}),
        ((52, 50, 40, 40), {"paper": 0.8}),
        ((120, 50, 40, 40), {"plastic": 0.7}),
    )
    manifest = {"layout": "cxcywh_scores", "needs_nms": True, "nms_iou": 0.6}
    assert len(decoder().decode(output, letterbox)) == 3
    found = decoder(decode=manifest).decode(output, letterbox)
    assert [FRACTIONS[s.argmax()] for s in found.scores] == [Fraction.PAPER, Fraction.PLASTIC]


def test_boxes_outside_the_image_are_dropped_and_others_clipped(letterbox: Letterbox) -> None:
    found = decoder().decode(
        output_of(((-30, 50, 20, 20), {"plastic": 0.6}), ((0, 0, 40, 40), {"plastic": 0.9})),
        letterbox,
    )
    assert found.boxes_px.tolist() == [[0.0, 0.0, 40.0, 40.0]]


def test_a_flood_of_candidates_is_cut_to_the_best(letterbox: Letterbox) -> None:
    random = np.random.default_rng(5)
    output = np.zeros((1, 8, 2000), dtype=np.float32)
    output[0, :2] = random.uniform(40, 150, (2, 2000))
    output[0, 2:4] = 10
    output[0, 5] = random.uniform(0.4, 1.0, 2000)
    found = decoder().decode(output, letterbox)
    assert len(found) == MAX_ITEMS
    assert found.scores.max(axis=1).min() == np.sort(output[0, 5])[-MAX_ITEMS]


def test_network_with_other_rows_than_classes_is_refused() -> None:
    with pytest.raises(BundleError, match=r"returns \(1, 300, 6\)"):
        decoder().check_rows((1, 300, 6))


@pytest.mark.parametrize(
    ("image_shape", "input_shape"),
    [
        ((320, 640), (160, 320)),
        ((640, 320), (320, 160)),
        ((480, 640), (256, 320)),
        ((1080, 1920), (192, 320)),
        ((320, 320), (320, 320)),
        ((90, 160), (192, 320)),
    ],
)
def test_input_follows_the_cameras_aspect_up_to_the_stride(
    image_shape: tuple[int, int], input_shape: tuple[int, int]
) -> None:
    assert Letterbox(image_shape, 320, 114).shape == input_shape


def test_border_is_filled_and_the_image_is_not() -> None:
    letterbox = Letterbox((480, 640), 320, 114)
    fitted = letterbox.fit(np.full((480, 640, 3), 200, dtype=np.uint8))
    assert (fitted[:240] == 200).all()
    assert (fitted[240:] == 114).all()


def test_letterboxed_box_goes_back_to_where_it_was() -> None:
    letterbox = Letterbox((333, 601), 320, 114)
    corners = np.array([[100.0, 50.0, 300.0, 200.0]], dtype=np.float32)
    inside = corners * np.tile([320 / 601, 177 / 333], 2).astype(np.float32)
    assert np.allclose(letterbox.to_image_px(inside), corners, atol=1e-3)


def test_image_without_pixels_is_refused() -> None:
    with pytest.raises(DetectorError, match="0 x 320 px"):
        Letterbox((320, 0), 320, 114)
