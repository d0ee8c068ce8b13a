"""The overlap index kept item by item is the one of the whole stretch of belt."""

from dataclasses import replace

import numpy as np
import pytest

from controller.overlap_watch import ITEMS_MAX, STRETCH_MM, OverlapWatch
from tests.support.telemetry_line import RecordSource
from vision.overlap_index import LIMIT, overlap_of

TRACK = RecordSource("s").next(1).track


def _watch(boxes: np.ndarray) -> OverlapWatch:
    watch = OverlapWatch()
    for x, y, width, length in boxes:
        watch.add(replace(TRACK, x_mm=x, y_mm=y, width_mm=width, length_mm=length))
    return watch


def _boxes(seed: int, n: int, belt_mm: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack(
        (
            rng.uniform(0, 800, n),
            np.sort(rng.uniform(0, belt_mm, n)),
            rng.uniform(30, 200, n),
            rng.uniform(30, 200, n),
        )
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [20, 120])
def test_item_by_item_it_is_the_index_of_the_whole(seed: int, n: int) -> None:
    boxes = _boxes(seed, n, 4000.0)
    whole = overlap_of(*boxes.T).index
    assert _watch(boxes).overlap.index == pytest.approx(whole, rel=0.01)


def test_apart_it_is_one_and_on_one_another_the_mass_is_invalid() -> None:
    apart = _watch(np.array([[100.0, 0.0, 90, 90], [300.0, 0.0, 90, 90]]))
    assert (apart.overlap.index, apart.overlap.valid) == (1.0, True)
    stacked = _watch(np.array([[100.0, 0.0, 90, 90]] * 2))
    assert (stacked.overlap.index, stacked.overlap.valid) == (2.0, False)
    assert stacked.overlap.limit == LIMIT


def test_what_lies_far_behind_is_forgotten() -> None:
    heap = np.array([[100.0, 0.0, 90, 90]] * 4)
    later = np.array([[100.0, STRETCH_MM + 100.0, 90, 90]])
    assert _watch(np.vstack((heap, later))).overlap.index == 1.0


def test_a_belt_that_stands_keeps_no_more_items_than_its_limit() -> None:
    n = ITEMS_MAX + 5
    heap = np.array([[100.0, 0.0, 90, 90]] * 5)
    apart = np.column_stack((np.arange(n) * 100.0, np.zeros(n), np.full(n, 90.0), np.full(n, 90.0)))
    assert _watch(np.vstack((heap, apart + np.array([1000.0, 0, 0, 0])))).overlap.index == 1.0


def test_an_empty_belt_overlaps_not_at_all() -> None:
    assert OverlapWatch().overlap.index == 1.0
