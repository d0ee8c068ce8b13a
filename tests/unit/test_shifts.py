"""Shifts: days and nights, pauses, a clock set back over midnight and over a shift change."""

from datetime import datetime, time, timedelta

import pytest
from pydantic import ValidationError

from telemetry.ledger.identity import bin_problem
from telemetry.ledger.shifts import ShiftCalendar, ShiftPattern
from tests.support.plant import ALMATY, BIN

CALENDAR = ShiftCalendar()


def at(day, hour, minute=0):
    return datetime(2026, 10, day, hour, minute, tzinfo=ALMATY)


@pytest.mark.parametrize(
    ("instant", "shift_id"),
    [
        (at(5, 8), "2026-10-05/A"),
        (at(5, 19, 59), "2026-10-05/A"),
        (at(5, 20), "2026-10-05/B"),
        (at(6, 0), "2026-10-05/B"),
        (at(6, 7, 59), "2026-10-05/B"),
        (at(6, 8), "2026-10-06/A"),
    ],
)
def test_a_shift_belongs_to_the_day_on_which_it_starts(instant, shift_id):
    assert CALENDAR.at(instant).shift_id == shift_id


def test_what_comes_in_a_pause_belongs_to_the_shift_that_ended_last():
    calendar = ShiftCalendar(shifts=(ShiftPattern(name="day", start=time(8), hours=8),))
    assert calendar.at(at(6, 3)).shift_id == "2026-10-05/day"


def test_a_clock_set_back_over_a_shift_change_does_not_return_to_the_shift_before():
    night = CALENDAR.running(CALENDAR.at(at(5, 19)), at(5, 20, 5))
    assert night.shift_id == "2026-10-05/B"
    assert CALENDAR.running(night, at(5, 19, 5)) == night
    assert CALENDAR.running(night, at(6, 8)).shift_id == "2026-10-06/A"


def test_a_clock_set_back_over_midnight_stays_in_the_night_shift():
    night = CALENDAR.at(at(6, 0, 5))
    assert CALENDAR.running(night, at(5, 23, 5)) == night


def test_a_shift_keeps_its_hours_over_a_change_of_the_zone_s_offset():
    calendar = ShiftCalendar(time_zone="Europe/Berlin")
    last_saturday = calendar.of_day(datetime(2026, 10, 24, tzinfo=ALMATY).date())
    assert last_saturday[1].hours == 12
    assert last_saturday[1].end.isoformat() == "2026-10-25T07:00:00+01:00"


def test_almaty_is_five_hours_ahead_since_march_2024():
    assert CALENDAR.at(at(5, 9)).start.utcoffset() == timedelta(hours=5)


@pytest.mark.parametrize(
    ("shifts", "words"),
    [
        ([("A", 8, 12), ("B", 19, 12)], "A runs 12 h and overlaps"),
        ([("A", 8, 12), ("B", 20, 13)], "B runs 13 h and overlaps"),
        ([("A", 8, 4), ("A", 20, 4)], "same name"),
    ],
)
def test_overlapping_shifts_are_refused(shifts, words):
    patterns = [{"name": n, "start": time(h), "hours": d} for n, h, d in shifts]
    with pytest.raises(ValidationError, match=words):
        ShiftCalendar.model_validate({"shifts": patterns})


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ValidationError, match="write one like Asia/Almaty"):
        ShiftCalendar(time_zone="Asia/Almatty")


@pytest.mark.parametrize("shift_id", ["2026-10-05", "2026-10-05/C", "2026-13-05/A", ""])
def test_an_unknown_shift_id_is_refused_with_the_right_form(shift_id):
    with pytest.raises(ValueError, match="write it like 2026-10-05/A"):
        CALENDAR.find(shift_id)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BIN[:-1], "has 11 digits"),
        (BIN + "0", "has 13 digits"),
        (BIN[:-1] + "3", "last digit does not fit"),
        (BIN[:-2] + "O2", "must consist of 12 digits"),
        ("", "must consist of 12 digits"),
    ],
)
def test_a_wrong_bin_is_told_what_is_wrong_with_it(text, words):
    assert words in bin_problem(text)


def test_nearly_every_single_mistyped_digit_of_a_bin_is_found():
    assert bin_problem(BIN) == ""
    changed = {BIN[:n] + digit + BIN[n + 1 :] for n in range(12) for digit in "0123456789"} - {BIN}
    found = sum(bool(bin_problem(text)) for text in changed)
    assert len(changed) == 108
    # A sum modulo 11 with the weight 11, and a second sum where the first gives 10, miss a few.
    assert 0.9 < found / len(changed) < 1.0
