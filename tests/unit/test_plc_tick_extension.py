"""The encoder's 32-bit count followed across wraps, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plc.errors import EncoderError
from plc.tick_extension import TickExtension

MS = 1_000_000


def extension():
    return TickExtension(max_ticks_per_s=8000, stall_ms=500)


def test_the_first_count_is_taken_as_it_is():
    assert extension().extend(4_000_000_000, read_ns=0, belt_driven=True) == 4_000_000_000


def test_counting_goes_on_past_the_wrap():
    ticks = extension()
    ticks.extend(2**32 - 10, read_ns=0, belt_driven=True)
    assert ticks.extend(20, read_ns=10 * MS, belt_driven=True) == 2**32 + 20


def test_a_small_rock_back_across_the_wrap_is_tolerated():
    ticks = extension()
    ticks.extend(2, read_ns=0, belt_driven=False)
    assert ticks.extend(2**32 - 3, read_ns=10 * MS, belt_driven=False) == -3


@given(st.lists(st.integers(1, 80), max_size=60), st.integers(0, 2**32 - 1))
def test_any_plausible_run_is_followed_exactly(steps, start):
    ticks, at = extension(), start
    ticks.extend(at, read_ns=0, belt_driven=True)
    for index, step in enumerate(steps):
        at += step
        read_ns = (index + 1) * 10 * MS
        assert ticks.extend(at % 2**32, read_ns=read_ns, belt_driven=True) == at


def test_a_jump_is_refused_with_figures_and_told_once():
    ticks = extension()
    ticks.extend(1000, read_ns=0, belt_driven=True)
    with pytest.raises(EncoderError, match=r"jumped by 5000 ticks in 110\.0 ms"):
        ticks.extend(6000, read_ns=10 * MS, belt_driven=True)
    assert ticks.extend(6050, read_ns=20 * MS, belt_driven=True) == 6050


def test_what_the_time_of_reading_leaves_open_is_no_jump():
    ticks = extension()
    ticks.extend(1000, read_ns=0, belt_driven=True)
    assert ticks.extend(2500, read_ns=1, belt_driven=True, uncertain_ns=100 * MS) == 2500


def test_a_slow_reversal_is_noticed():
    ticks = extension()
    ticks.extend(1000, read_ns=0, belt_driven=True)
    for step in range(1, 9):
        ticks.extend(1000 - step, read_ns=step * 10 * MS, belt_driven=True)
    with pytest.raises(EncoderError, match="backwards by 9 ticks"):
        ticks.extend(991, read_ns=90 * MS, belt_driven=True)


def test_a_dead_encoder_under_a_driven_belt_is_noticed():
    ticks = extension()
    ticks.extend(1000, read_ns=0, belt_driven=True)
    for step in range(1, 51):
        ticks.extend(1000, read_ns=step * 10 * MS, belt_driven=True)
    with pytest.raises(EncoderError, match="stood still at 1000 for 510 ms"):
        ticks.extend(1000, read_ns=510 * MS, belt_driven=True)


def test_a_resting_belt_is_no_fault():
    ticks = extension()
    for step in range(200):
        assert ticks.extend(1000, read_ns=step * 10 * MS, belt_driven=False) == 1000


def test_nearest_finds_the_tick_of_a_count_on_either_side():
    ticks = extension()
    ticks.extend(2**32 - 10, read_ns=0, belt_driven=True)
    assert ticks.nearest(5) == 2**32 + 5
    assert ticks.nearest(2**32 - 500) == 2**32 - 500


def test_nearest_needs_a_count():
    with pytest.raises(EncoderError, match="no encoder count"):
        extension().nearest(5)


def test_after_a_restart_the_next_count_is_taken_as_it_is():
    ticks = extension()
    ticks.extend(1_000_000, read_ns=0, belt_driven=True)
    ticks.restart()
    assert ticks.extend(3, read_ns=10 * MS, belt_driven=True) == 3
