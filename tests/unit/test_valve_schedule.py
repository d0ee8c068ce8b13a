import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.bar_aim import BarAim
from controller.jet_window import JetWindow, StationTiming, command_of
from controller.valve_schedule import SharedPulse, ValveSchedule, WantedWindow
from plc.types import EjectionCommand
from tests.support.belt_scenes import MM_PER_TICK, TICKS_PER_S, station
from tests.unit.test_bar_aim import response

STATION = station()
TIMING = StationTiming(STATION, mm_per_tick=MM_PER_TICK, ticks_per_s=TICKS_PER_S)
REST = TIMING.rest_tick


class Bar:
    """A schedule with running pulse ids."""

    def __init__(self, *, max_duty: float = 0.6) -> None:
        self.schedule = ValveSchedule(valve_count=80, max_duty=max_duty, duty_window_ms=1000.0)
        self._ids = itertools.count(1)

    def reserve(self, *windows: JetWindow) -> tuple[SharedPulse, ...]:
        wanted = [WantedWindow(track_id=i, window=w) for i, w in enumerate(windows, start=1)]
        return self.schedule.reserve(wanted, TIMING, self._make)

    def _make(self, window: JetWindow) -> EjectionCommand:
        return command_of(window, pulse_id=next(self._ids), station=0)


def window(first: int, last: int, open_tick: int, close_tick: int) -> JetWindow:
    return JetWindow(first=first, last=last, open_tick=open_tick, close_tick=close_tick)


def shapes(pulses: tuple[SharedPulse, ...]) -> list[tuple[int, int, int, int]]:
    commands = [p.command for p in pulses if p.new]
    return sorted((c.valves.first, c.valves.last, c.open_tick, c.close_tick) for c in commands)


def test_a_window_alone_becomes_one_pulse_as_wanted() -> None:
    (pulse,) = Bar().reserve(window(10, 15, 1000, 1200))
    assert pulse.new
    assert pulse.track_ids == (1,)
    assert shapes((pulse,)) == [(10, 15, 1000, 1200)]


def test_overlapping_windows_are_united_valve_by_valve_and_not_beyond() -> None:
    pulses = Bar().reserve(window(10, 12, 1000, 1200), window(12, 14, 1100, 1300))
    assert shapes(pulses) == [(10, 11, 1000, 1200), (12, 12, 1000, 1300), (13, 14, 1100, 1300)]
    by_valve = {p.command.valves.first: p.track_ids for p in pulses}
    assert by_valve == {10: (1,), 12: (1, 2), 13: (2,)}


def test_a_pause_too_short_for_the_valve_to_close_is_blown_through() -> None:
    pulses = Bar().reserve(window(10, 10, 1000, 1200), window(10, 10, 1200 + REST, 1400))
    assert shapes(pulses) == [(10, 10, 1000, 1400)]
    pulses = Bar().reserve(window(10, 10, 1000, 1200), window(10, 10, 1201 + REST, 1400))
    assert shapes(pulses) == [(10, 10, 1000, 1200), (10, 10, 1201 + REST, 1400)]


def test_a_window_meeting_a_pulse_already_sent_is_trimmed_and_shares_it() -> None:
    bar = Bar()
    bar.reserve(window(10, 12, 1000, 1200))
    pulses = bar.reserve(window(11, 13, 1100, 1400))
    assert shapes(pulses) == [(11, 12, 1200 + REST, 1400), (13, 13, 1100, 1400)]
    shared = [p for p in pulses if not p.new]
    assert [p.command.pulse_id for p in shared] == [1]


def test_a_window_wholly_inside_a_pulse_already_sent_needs_no_other() -> None:
    bar = Bar()
    bar.reserve(window(10, 12, 1000, 1200))
    (pulse,) = bar.reserve(window(11, 11, 1050, 1150))
    assert not pulse.new
    assert pulse.track_ids == (1,)


def test_a_window_around_a_pulse_already_sent_is_split_around_it() -> None:
    bar = Bar()
    bar.reserve(window(10, 10, 1000, 1200))
    pulses = bar.reserve(window(10, 10, 800, 1400))
    assert shapes(pulses) == [(10, 10, 800, 1000 - REST), (10, 10, 1200 + REST, 1400)]


def test_a_rest_too_short_for_the_valve_is_not_blown() -> None:
    bar = Bar()
    bar.reserve(window(10, 10, 1000, 1200))
    pulses = bar.reserve(window(10, 10, 1190, 1200 + REST + TIMING.min_open_tick - 1))
    assert shapes(pulses) == []
    assert [p.new for p in pulses] == [False]


def test_a_window_longer_than_the_longest_pulse_is_split_with_rests_between() -> None:
    longest = TIMING.max_open_tick
    pulses = Bar().reserve(window(10, 12, 0, 2 * longest))
    found = shapes(pulses)
    assert len(found) == 2
    assert found[0][2] == 0
    for (_, _, start, end), (_, _, follow, _) in itertools.pairwise(found):
        assert TIMING.min_open_tick <= end - start <= longest
        assert follow - end >= REST
    assert 2 * longest - found[-1][3] <= REST


def test_duty_counts_what_is_committed_before_and_after() -> None:
    bar = Bar(max_duty=0.5)
    half = int(0.5 * TICKS_PER_S)
    assert not bar.schedule.allows_duty(window(10, 10, 0, half + 10), TIMING)
    bar.reserve(window(10, 10, 0, half // 2), window(10, 10, 3000, 3000 + half // 4))
    assert bar.schedule.allows_duty(window(10, 10, 2000, 2000 + half // 5), TIMING)
    assert not bar.schedule.allows_duty(window(10, 10, 2000, 2000 + half // 3), TIMING)
    assert bar.schedule.allows_duty(window(11, 11, 2000, 2000 + half // 3), TIMING)
    assert bar.schedule.allows_duty(window(10, 10, 20000, 20000 + half - 10), TIMING)


def test_pulses_long_past_are_forgotten() -> None:
    bar = Bar()
    bar.reserve(window(10, 10, 0, 500))
    assert [p.pulse_id for p in bar.schedule.sent_after(400.0)] == [1]
    assert bar.schedule.sent_after(500.0) == ()
    far = 100_000
    bar.reserve(window(10, 10, far, far + 100))
    (pulse,) = bar.reserve(window(10, 10, 0, 500))
    assert pulse.new


@settings(max_examples=60, deadline=None)
@given(
    lags=st.lists(st.floats(0.0, 20.0), min_size=80, max_size=80),
    dead=st.sets(st.integers(0, 79), max_size=20),
    steps=st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 70), st.integers(0, 9), st.integers(0, 400), st.integers(60, 300)
            ),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_pulses_never_overlap_on_a_valve_however_unlike_the_valves_are(
    lags: list[float], dead: set[int], steps: list[list[tuple[int, int, int, int]]]
) -> None:
    measured = response(dead=tuple(dead), slow=dict(enumerate(lags)))
    timing = StationTiming(
        STATION,
        mm_per_tick=MM_PER_TICK,
        ticks_per_s=TICKS_PER_S,
        aim=BarAim(STATION, measured),
    )
    schedule = ValveSchedule(valve_count=80, max_duty=1.0, duty_window_ms=1000.0)
    ids, sent = itertools.count(1), list[EjectionCommand]()
    for step, wanted in enumerate(steps):
        windows = [
            WantedWindow(
                track_id=10 * step + at,
                window=window(
                    first,
                    first + width,
                    1000 + 250 * step + start,
                    1000 + 250 * step + start + long,
                ),
            )
            for at, (first, width, start, long) in enumerate(wanted)
        ]
        pulses = schedule.reserve(
            windows,
            timing,
            lambda w: command_of(w, pulse_id=next(ids), station=0),
            earliest_tick=900 + 250 * step,
        )
        sent += [pulse.command for pulse in pulses if pulse.new]
        assert all(p.command.open_tick >= 900 + 250 * step for p in pulses if p.new)
    for valve in range(80):
        own = sorted(
            (c.open_tick, c.close_tick) for c in sent if c.valves.first <= valve <= c.valves.last
        )
        assert valve not in dead or not own
        for (_, closed), (opened, _) in itertools.pairwise(own):
            assert closed < opened
