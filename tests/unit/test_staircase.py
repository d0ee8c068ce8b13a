"""Few pulses for many valves: every valve's own times are covered, air is spent sparingly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controller.staircase import staircase


def _air(windows):
    return sum((w.last - w.first + 1) * (w.close_tick - w.open_tick) for w in windows)


times = st.lists(st.tuples(st.integers(0, 300), st.integers(50, 300)), min_size=1, max_size=20)


@given(times)
def test_every_valve_is_covered_by_at_most_three_pulses(times):
    opened = np.array([a for a, _ in times])
    closed = opened + np.array([b for _, b in times])
    windows = staircase(5, opened, closed, slack_tick=0.0)
    assert len(windows) <= 3
    assert [w.first for w in windows] == [5, *(w.last + 1 for w in windows[:-1])]
    assert windows[-1].last == 5 + len(times) - 1
    for window in windows:
        mine = slice(window.first - 5, window.last - 4)
        assert window.open_tick == opened[mine].min()
        assert window.close_tick == closed[mine].max()


def test_a_straight_edge_needs_one_pulse_and_a_step_two():
    flat = np.full(6, 100)
    assert len(staircase(0, flat, flat + 80, slack_tick=5.0)) == 1
    step = np.array([100, 100, 100, 300, 300, 300])
    windows = staircase(0, step, step + 80, slack_tick=5.0)
    assert [(w.first, w.last) for w in windows] == [(0, 2), (3, 5)]


def test_a_slanted_bar_costs_far_less_air_than_its_box():
    opened = np.arange(100, 400, 25)
    windows = staircase(0, opened, opened + 60, slack_tick=5.0)
    assert _air(windows) < 0.55 * len(opened) * (opened[-1] + 60 - opened[0])
