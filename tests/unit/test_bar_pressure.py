"""The twin's bar pressure: one valve draws it down, many never below nothing, dead ones not."""

from calibration.units import MonotonicNs
from twin.config import AirConfig
from twin.soft_plc.bar_pressure import SUPPLY_KPA, BarPressure

AIR = AirConfig(jitter_ms=0.0, dead_valves=(3,))


def pressure(open_valves, *, ms: float = 60.0, nozzle_mm: float = 1.5) -> float:
    """Return what the sensor shows after the valves have been on for a while."""
    bar = BarPressure(
        air=AIR, valve_counts=(80, 1), nozzles_mm=(nozzle_mm, 0.0), seed=1, flap_travel_ms=100.0
    )
    for at_ms in range(int(ms)):
        bar.update([open_valves, set()], MonotonicNs(at_ms * 1_000_000))
    assert bar.pressure_kpa(1) == 0.0
    return bar.pressure_kpa(0)


def test_one_valve_draws_the_bar_down_by_about_a_tenth_and_a_dead_one_not_at_all() -> None:
    assert abs(pressure({7}) - SUPPLY_KPA / 1.1) < 3.0
    assert abs(pressure({3}) - SUPPLY_KPA) < 3.0


def test_nothing_falls_before_the_valves_lag() -> None:
    assert abs(pressure({7}, ms=4.0) - SUPPLY_KPA) < 3.0
    assert pressure({7}, ms=7.0) < SUPPLY_KPA - 12.0


def test_a_whole_bar_of_large_nozzles_stays_above_nothing_and_fits_its_register() -> None:
    shown = pressure(set(range(80)), nozzle_mm=3.0)
    assert 0.0 < shown < SUPPLY_KPA


def test_a_pulse_too_short_for_its_valve_leaves_nothing_open() -> None:
    air = AirConfig(jitter_ms=0.0, slow_valves=(2,))
    bar = BarPressure(air=air, valve_counts=(8,), nozzles_mm=(1.5,), seed=1, flap_travel_ms=100.0)
    for at_ms in range(400):
        bar.update([{2} if at_ms < 3 else set()], MonotonicNs(at_ms * 1_000_000))
    assert abs(bar.pressure_kpa(0) - SUPPLY_KPA) < 3.0
