import numpy as np
import pytest

from models.evaluate import choose_thresholds, lamp_figures, read_labels, subset_figures
from models.scoring import Picture, best_threshold, class_result, iou_matrix, wilson_lower
from vision.types import FRACTIONS, Fraction

LAMP = FRACTIONS.index(Fraction.MERCURY_LAMP)


def picture(truths, found):
    """Truths as (class, box), detections as (class, score, box)."""
    scores = np.zeros((len(found), len(FRACTIONS)), np.float32)
    for row, (index, score, _) in enumerate(found):
        scores[row, index] = score
    return Picture(
        truth_px=np.array([box for _, box in truths], np.float32).reshape(-1, 4),
        truth_class=np.array([index for index, _ in truths], np.intp),
        boxes_px=np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        scores=scores,
    )


BOX, FAR = (10, 10, 30, 30), (100, 100, 120, 120)


def test_perfect_detections_score_one():
    result = class_result([picture([(0, BOX), (0, FAR)], [(0, 0.9, BOX), (0, 0.8, FAR)])], 0)
    assert result.ap50 == pytest.approx(1.0)
    assert result.ap50_95 == pytest.approx(1.0)
    assert result.at(0.5) == (1.0, 1.0)


def test_a_double_detection_counts_once():
    result = class_result([picture([(0, BOX)], [(0, 0.9, BOX), (0, 0.8, BOX)])], 0)
    assert result.at(0.5) == (0.5, 1.0)


def test_a_missed_item_halves_recall():
    result = class_result([picture([(0, BOX), (0, FAR)], [(0, 0.9, BOX)])], 0)
    assert result.at(0.5) == (1.0, 0.5)
    assert result.ap50 == pytest.approx(0.5, abs=0.01)


def test_a_wrong_class_finds_nothing():
    result = class_result([picture([(0, BOX)], [(1, 0.9, BOX)])], 0)
    assert result.at(0.1) == (1.0, 0.0)


def test_a_loose_box_counts_at_half_but_not_at_ninety_percent():
    loose = (10, 10, 30, 26)
    result = class_result([picture([(2, BOX)], [(2, 0.9, loose)])], 2)
    assert result.ap50 == pytest.approx(1.0)
    assert result.ap50_95 == pytest.approx(0.7, abs=0.11)


def test_overlap_of_boxes():
    overlap = iou_matrix(np.array([BOX], np.float32), np.array([BOX, (20, 10, 40, 30)], np.float32))
    assert overlap[0] == pytest.approx([1.0, 1 / 3])


def test_the_threshold_lies_between_false_and_true_scores():
    pictures = [picture([(0, BOX)], [(0, 0.7, BOX), (0, 0.3, FAR)]) for _ in range(5)]
    assert 0.3 < best_threshold(class_result(pictures, 0), recall_weight=1.0) <= 0.7


def test_recall_weight_lowers_the_threshold():
    hard = picture([(LAMP, BOX)], [(LAMP, 0.2, BOX), (LAMP, 0.3, FAR)])
    easy = picture([(LAMP, BOX)], [(LAMP, 0.8, BOX)])
    result = class_result([hard, hard, easy, easy], LAMP)
    even, recall_first = (best_threshold(result, recall_weight=w) for w in (0.5, 3.0))
    assert recall_first < even


def test_lamp_figures_count_misses_and_false_alarms():
    pictures = [
        picture([(LAMP, BOX), (0, FAR)], [(LAMP, 0.9, BOX), (LAMP, 0.8, FAR)]),
        picture([(LAMP, BOX)], []),
    ]
    figures = lamp_figures(pictures, 0.5)
    assert figures["items"] == 2
    assert figures["recall_per_view"] == 0.5
    assert figures["false_alarms"] == 1
    assert figures["false_per_5000"] == 5000


def test_subset_figures_leave_out_absent_classes():
    thresholds = choose_thresholds([picture([(0, BOX)], [(0, 0.9, BOX)])])
    figures = subset_figures([picture([(0, BOX)], [(0, 0.9, BOX)])], thresholds)
    assert list(figures["per_class"]) == ["plastic"]
    assert figures["map50"] == 1.0


def test_the_interval_of_a_perfect_record_is_not_one():
    assert wilson_lower(100, 100) == pytest.approx(0.963, abs=0.001)
    assert wilson_lower(0, 0) == 0.0


def test_labels_are_read_back_in_pixels(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("4 0.5 0.5 0.25 0.5\n")
    boxes, classes = read_labels(file, 320, 160)
    assert boxes.tolist() == [[120, 40, 200, 120]]
    assert classes.tolist() == [4]
    file.write_text("")
    assert read_labels(file, 320, 160)[0].shape == (0, 4)
