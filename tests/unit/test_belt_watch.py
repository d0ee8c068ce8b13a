"""The encoder against the camera's view of the belt: every fault has its name."""

import numpy as np
import pytest

from controller.belt_watch import FIRES_BLIND, BeltTrouble, BeltWatch

STEP_MM = 56.0


def watched(pairs):
    watch = BeltWatch(mm_per_tick=0.5)
    for encoder_mm, camera_mm in pairs:
        watch.add(encoder_mm=encoder_mm, camera_mm=camera_mm)
    return watch


def noisy(count, *, encoder=1.0, camera=1.0, seed=1):
    noise = np.random.default_rng(seed).normal(0, 0.3, count)
    return [(STEP_MM * encoder, STEP_MM * camera + n) for n in noise]


def trouble(watch):
    return None if watch.finding is None else watch.finding.trouble


def test_a_healthy_belt_raises_nothing_at_any_speed_or_standing():
    for factor in (1.0, 0.1, 0.0):
        assert trouble(watched(noisy(400, encoder=factor, camera=factor))) is None


@pytest.mark.parametrize(
    ("encoder", "camera", "expected"),
    [
        (0.0, 1.0, BeltTrouble.STUCK),
        (1.0, 0.0, BeltTrouble.SLIP),
        (1.0, -1.0, BeltTrouble.REVERSED),
        (0.95, 1.0, BeltTrouble.MISSING_PULSES),
        (1.06, 1.0, BeltTrouble.SLIP),
    ],
)
def test_a_fault_after_a_healthy_start_is_named_within_a_dozen_looks(encoder, camera, expected):
    watch = watched(noisy(40) + noisy(12, encoder=encoder, camera=camera))
    assert trouble(watch) is expected
    assert watch.finding.trouble in FIRES_BLIND
    assert watch.finding.words


def test_a_fault_that_ends_is_forgotten():
    watch = watched(noisy(40) + noisy(12, encoder=0.9) + noisy(12))
    assert trouble(watch) is None


@pytest.mark.parametrize(("gained_mm", "word"), [(20.0, "gained"), (-15.0, "lost")])
def test_counts_that_come_or_go_at_once_are_glitches(gained_mm, word):
    pairs = noisy(40)
    pairs[-3] = (pairs[-3][0] + gained_mm, pairs[-3][1])
    watch = watched(pairs)
    assert trouble(watch) is BeltTrouble.GLITCHES
    assert word in watch.finding.words


def test_a_scale_that_was_wrong_from_the_start_is_told_with_the_right_one():
    watch = watched(noisy(200, camera=1.03))
    assert trouble(watch) is BeltTrouble.SCALE
    assert "0.5000 mm per tick, the camera sees 0.51" in watch.finding.words
    assert "(+3.0%)" in watch.finding.words
    assert watch.ratio == pytest.approx(1.03, abs=0.001)
    assert BeltTrouble.SCALE not in FIRES_BLIND


def test_a_scale_that_is_right_to_half_a_per_cent_passes():
    assert trouble(watched(noisy(400, camera=1.004))) is None


def test_a_reset_forgets():
    watch = watched(noisy(40) + noisy(12, encoder=0.0))
    watch.reset()
    assert watch.finding is None
    assert watch.ratio is None
