"""Physics of the jets: what leaves, what stays, and by how much."""

import numpy as np
import pytest

from calibration.nozzle import jet_thrust_n
from calibration.valve_map import ValveMap
from twin.air import (
    blown_s,
    chords_mm,
    impulse_n_s,
    jet_sd_mm,
    pressure_share,
    settle_s,
)
from twin.config import AirConfig
from twin.flight import lift_mm, needed_lift_mm
from twin.jet_bar import JetBar
from twin.passage import TOUCH_S

_SPEED_MM_PER_S = 2800.0
_STEADY = AirConfig(jitter_ms=0.0, supply_nozzles=1e6)
_PLATE_MM = np.array([[-40.0, -40.0], [40.0, -40.0], [40.0, 40.0], [-40.0, 40.0]])


def _travel_mm(at_ns):
    return _SPEED_MM_PER_S * at_ns * 1e-9


def _bar(config=_STEADY):
    return JetBar(
        config=config,
        index=0,
        nozzle_mm=1.5,
        valve_map=ValveMap(count=80, pitch_mm=12.5, first_centre_x_mm=6.25),
        distance_mm=600.0,
        seed=(1,),
    )


def _fire(bar, valves, *, arrival_mm, length_mm, lag_ms=4.0):
    """Blow while [arrival - length / 2, arrival + length / 2] of travel passes the bar."""
    for edge, opened in ((-0.5, True), (0.5, False)):
        at_s = (arrival_mm + edge * length_mm) / _SPEED_MM_PER_S - lag_ms * 1e-3
        for valve in valves:
            bar.switch(valve=valve, opened=opened, at_ns=round(at_s * 1e9))


def _impulse(bar, outline, x_mm, arrival_mm):
    now_ns = round((arrival_mm + 300) / _SPEED_MM_PER_S * 1e9)
    bar.advance(now_ns, _travel_mm)
    return bar.impulse_on(
        outline + np.array((x_mm, arrival_mm - 600.0)),
        now_ns=now_ns,
        now_travel_mm=_travel_mm(now_ns),
    )


def _thrust_n(config=_STEADY):
    return jet_thrust_n(nozzle_mm=1.5, nozzle_kpa=config.nozzle_kpa)


def test_thrust_grows_with_the_nozzle_and_with_pressure():
    assert jet_thrust_n(nozzle_mm=2.0, nozzle_kpa=400.0) == pytest.approx(1.68, abs=0.02)
    assert jet_thrust_n(nozzle_mm=4.0, nozzle_kpa=400.0) == pytest.approx(4 * 1.68, abs=0.08)
    assert _thrust_n() == pytest.approx(0.72, abs=0.02)


def test_chords_of_a_square_are_its_sides_inside_and_nothing_outside():
    lowest, highest = chords_mm(_PLATE_MM, np.array([0.0, 39.0, 41.0]))
    assert lowest[:2].tolist() == [-40.0, -40.0]
    assert highest[:2].tolist() == [40.0, 40.0]
    assert lowest[2] > highest[2]


def test_a_jet_gives_thrust_times_the_time_the_item_covers_it():
    bar = _bar()
    _fire(bar, [40], arrival_mm=1500.0, length_mm=200.0)
    expected = _thrust_n() * 80.0 / _SPEED_MM_PER_S
    assert _impulse(bar, _PLATE_MM, 506.25, 1500.0) == pytest.approx(expected, rel=1e-6)


def test_an_item_beside_the_jets_is_not_touched():
    bar = _bar()
    _fire(bar, range(37, 44), arrival_mm=1500.0, length_mm=200.0)
    assert _impulse(bar, _PLATE_MM, 506.25 + 100.0, 1500.0) == 0.0


def test_an_item_that_came_before_or_after_the_pulse_is_not_touched():
    bar = _bar()
    _fire(bar, range(37, 44), arrival_mm=1500.0, length_mm=80.0)
    assert _impulse(bar, _PLATE_MM, 506.25, 1400.0) == 0.0
    assert _impulse(bar, _PLATE_MM, 506.25, 1600.0) < TOUCH_S * bar.thrust_n


def test_a_light_item_in_open_jets_leaves_and_a_heavy_one_stays():
    bar = _bar()
    _fire(bar, range(37, 44), arrival_mm=1500.0, length_mm=100.0)
    impulse = _impulse(bar, _PLATE_MM, 506.25, 1500.0)
    flight_s = _STEADY.splitter_distance_mm / _SPEED_MM_PER_S
    light = lift_mm(impulse / 0.03, mass_g=30.0, area_mm2=6400.0, flight_s=flight_s)
    heavy = lift_mm(impulse / 0.4, mass_g=400.0, area_mm2=6400.0, flight_s=flight_s)
    needed = needed_lift_mm(splitter_rise_mm=_STEADY.splitter_rise_mm, flight_s=flight_s)
    assert needed == pytest.approx(200.0, rel=0.02)
    assert light > needed
    assert heavy < needed / 2


def test_film_flies_less_far_than_a_bottle_of_the_same_speed():
    film = lift_mm(10.0, mass_g=2.0, area_mm2=20000.0, flight_s=0.14)
    bottle = lift_mm(10.0, mass_g=20.0, area_mm2=10000.0, flight_s=0.14)
    assert film < bottle


def test_a_dead_valve_blows_nothing():
    bar = _bar(_STEADY.model_copy(update={"dead_valve_share": 1.0}))
    _fire(bar, [40], arrival_mm=1500.0, length_mm=200.0)
    assert _impulse(bar, _PLATE_MM, 506.25, 1500.0) == 0.0


def test_a_slow_valve_comes_late():
    late = _STEADY.model_copy(update={"slow_valve_share": 1.0})
    prompt_bar, late_bar = _bar(), _bar(late)
    for bar in (prompt_bar, late_bar):
        _fire(bar, [40], arrival_mm=1500.0, length_mm=80.0)
    prompt = _impulse(prompt_bar, _PLATE_MM, 506.25, 1500.0)
    missed = _thrust_n() * late.slow_valve_lag_ms * 1e-3
    assert _impulse(late_bar, _PLATE_MM, 506.25, 1500.0) == pytest.approx(prompt - missed, rel=0.02)


def test_many_open_valves_share_the_pressure():
    sagging = _STEADY.model_copy(update={"supply_nozzles": 40.0})
    bar = _bar(sagging)
    _fire(bar, range(30, 51), arrival_mm=1500.0, length_mm=200.0)
    whole = _bar()
    _fire(whole, range(30, 51), arrival_mm=1500.0, length_mm=200.0)
    share = _impulse(bar, _PLATE_MM, 506.25, 1500.0) / _impulse(whole, _PLATE_MM, 506.25, 1500.0)
    assert 0.8 < share < 0.95
    assert pressure_share(21, supply_nozzles=40.0) == pytest.approx(0.886, abs=0.001)
    assert pressure_share(1, supply_nozzles=40.0) == 1.0


def test_a_pulse_too_short_for_its_valve_lets_no_air_out_and_does_not_leave_it_open():
    bar = _bar(_STEADY.model_copy(update={"slow_valve_share": 1.0}))
    bar.switch(valve=3, opened=True, at_ns=1_000_000)
    bar.switch(valve=3, opened=False, at_ns=9_000_000)
    bar.advance(500_000_000, _travel_mm)
    assert bar.air_open_s == 0.0
    assert _impulse(bar, _PLATE_MM, 43.75, 1500.0) == 0.0


def test_an_open_jet_under_a_standing_item_acts_all_the_time():
    impulse = impulse_n_s(
        _PLATE_MM,
        jet_x_mm=np.array([0.0]),
        open_mm=np.array([10.0]),
        close_mm=np.array([10.0]),
        open_s=np.array([0.1]),
        thrust_n=np.array([1.5]),
        sd_mm=jet_sd_mm(nozzle_mm=1.5, nozzle_distance_mm=60.0),
        settle_s=settle_s(nozzle_mm=1.5, passage_mm3=350.0),
    )
    assert impulse == pytest.approx(0.15)


def test_pressure_follows_a_small_nozzle_in_a_millisecond_and_loses_no_air():
    tau_s = settle_s(nozzle_mm=1.5, passage_mm3=350.0)
    assert tau_s == pytest.approx(1.0e-3, rel=0.02)
    open_s = np.array(8e-3)
    times_s = np.array([-1e-3, 0.0, tau_s, 8e-3, 1.0])
    blown = blown_s(times_s, open_s=open_s, settle_s=tau_s)
    assert blown[:2].tolist() == [0.0, 0.0]
    assert blown[2] == pytest.approx(tau_s / np.e)
    assert blown[3] == pytest.approx(8e-3 - tau_s, rel=1e-3)
    assert blown[4] == pytest.approx(8e-3)


def test_a_jet_reaches_beside_its_axis_as_far_as_it_spreads():
    sd_mm = jet_sd_mm(nozzle_mm=1.5, nozzle_distance_mm=60.0)
    shares = []
    for beside_mm in (-2 * sd_mm, -0.5 * sd_mm, 0.5 * sd_mm, 2 * sd_mm):
        bar = _bar()
        _fire(bar, [40], arrival_mm=1500.0, length_mm=200.0)
        shares.append(_impulse(bar, _PLATE_MM, 506.25 + 40.0 + beside_mm, 1500.0))
    assert shares[0] > shares[1] > shares[2] > shares[3] == 0.0


def test_what_lies_between_takes_the_air():
    for shade_mm, expected in ((40.0, 0.0), (0.0, 0.5)):
        bar = _bar()
        _fire(bar, [40], arrival_mm=1500.0, length_mm=200.0)
        bar.advance(1_000_000_000, _travel_mm)
        place = np.array((506.25, 900.0))
        lower = _PLATE_MM * 1.0
        lower[:, 1] = np.minimum(lower[:, 1], shade_mm)
        whole = bar.impulse_on(_PLATE_MM + place, now_ns=1_000_000_000, now_travel_mm=2800.0)
        shaded = bar.impulse_on(
            _PLATE_MM + place,
            now_ns=1_000_000_000,
            now_travel_mm=2800.0,
            shades_mm=[lower + place],
        )
        assert shaded == pytest.approx(expected * whole, abs=1e-9)
