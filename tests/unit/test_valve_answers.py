"""From test shots to lags, jitter and health, with true valves that the solver does not know."""

import math

import numpy as np
import pytest

from calibration.errors import ProcedureError
from calibration.solve.valve_answers import bar_response, sensor_delay
from calibration.valve_response import ValveHealth, ValveResponse
from calibration.valve_shot import ValveShot

SUPPLY_KPA, DROP_KPA, TAU_MS, SCAN_MS = 600.0, 60.0, 3.0, 1.0
LENGTHS_MS = (10.0, 20.0, 40.0)


def shots_of(
    rng: np.random.Generator,
    *,
    open_ms: float = 4.0,
    close_ms: float = 4.0,
    jitter_ms: float = 0.6,
    drop_kpa: float = DROP_KPA,
    answers: float = 1.0,
    each: int = 8,
) -> list[ValveShot]:
    """Shots of one true valve, as a PLC with a scan of 1 ms would see them."""
    shots: list[ValveShot] = []
    for length in LENGTHS_MS:
        for _ in range(each):
            start = open_ms + jitter_ms * rng.normal()
            end = length + close_ms + jitter_ms * rng.normal()
            blown = max(end - start, 0.0)
            fall = drop_kpa * (1 - math.exp(-blown / TAU_MS))
            share = 0.02 * SUPPLY_KPA / drop_kpa if drop_kpa else 1.0
            crossed = start - TAU_MS * math.log1p(-share) if share < 1 else math.inf
            if rng.uniform() > answers or crossed > end:
                shots.append(
                    ValveShot(
                        open_ms=length,
                        response_ms=None,
                        end_ms=None,
                        answer=0.0,
                        supply_kpa=SUPPLY_KPA,
                    )
                )
                continue
            shots.append(
                ValveShot(
                    open_ms=length,
                    response_ms=math.ceil(crossed / SCAN_MS) * SCAN_MS,
                    end_ms=math.floor(end / SCAN_MS) * SCAN_MS,
                    answer=fall,
                    supply_kpa=SUPPLY_KPA,
                )
            )
    return shots


def known(count: int) -> list[ValveResponse]:
    return [
        ValveResponse(
            valve=valve,
            health=ValveHealth.OK,
            shots=0,
            open_lag_ms=4.0,
            open_lag_sd_ms=0.0,
            close_lag_ms=4.0,
            close_lag_sd_ms=0.0,
            jitter_ms=1.0,
            jitter_sd_ms=0.0,
            strength=1.0,
        )
        for valve in range(count)
    ]


def judge(shots: dict[int, list[ValveShot]], count: int | None = None) -> list[ValveResponse]:
    delay = sensor_delay(shots, scan_ms=SCAN_MS, pressure=True)
    response = bar_response(
        shots,
        delay,
        station="plastic",
        method="pressure",
        by="anna",
        at_utc="2026-01-05T08:00:00+00:00",
        known=known(count or len(shots)),
    )
    return list(response.valves)


def test_lags_and_jitter_are_found_within_their_stated_uncertainty() -> None:
    rng = np.random.default_rng(4)
    lags = rng.normal(4.0, 0.5, 40), rng.normal(4.5, 0.5, 40)
    found = judge(
        {v: shots_of(rng, open_ms=lags[0][v], close_ms=lags[1][v], each=10) for v in range(40)}
    )
    open_pull = [(f.open_lag_ms - lags[0][f.valve]) / f.open_lag_sd_ms for f in found]
    close_pull = [(f.close_lag_ms - lags[1][f.valve]) / f.close_lag_sd_ms for f in found]
    for pull in (open_pull, close_pull):
        assert np.mean(np.abs(pull) < 2.0) >= 0.85
    assert np.sqrt(np.mean([f.jitter_ms**2 for f in found])) == pytest.approx(0.6, abs=0.15)


def test_the_sensors_time_constant_is_told_from_pulses_of_different_length() -> None:
    rng = np.random.default_rng(5)
    delay = sensor_delay({v: shots_of(rng) for v in range(20)}, scan_ms=SCAN_MS, pressure=True)
    assert delay.tau_ms == pytest.approx(TAU_MS, rel=0.2)
    assert delay.onset_ms == pytest.approx(0.67, abs=0.2)


def test_dead_slow_and_sound_valves_are_told_apart() -> None:
    rng = np.random.default_rng(6)
    shots = {v: shots_of(rng) for v in range(12)}
    shots[3] = shots_of(rng, answers=0.0)
    shots[5] = shots_of(rng, open_ms=12.0)
    shots[7] = shots_of(rng, drop_kpa=14.0)
    shots[9] = shots_of(rng, answers=0.7)
    found = judge(shots)
    assert found[3].health is ValveHealth.WIDENED_BY_NEIGHBOURS
    assert found[5].health is ValveHealth.SLOW
    assert found[5].open_lag_ms == pytest.approx(12.0, abs=0.7)
    assert found[7].strength < 0.4
    others = set(range(12)) - {3, 5}
    assert all(found[v].health is ValveHealth.OK for v in others - {7})


def test_two_dead_valves_side_by_side_are_covered_from_their_outer_sides() -> None:
    rng = np.random.default_rng(7)
    shots = {v: shots_of(rng, answers=0.0 if v in (2, 3, 4) else 1.0) for v in range(8)}
    healths = [valve.health for valve in judge(shots)]
    assert healths[2] is healths[4] is ValveHealth.WIDENED_BY_NEIGHBOURS
    assert healths[3] is ValveHealth.DEAD


def test_a_bar_that_does_not_answer_at_all_is_no_bar_of_dead_valves() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(ProcedureError, match="check the main air valve"):
        judge({v: shots_of(rng, answers=0.0) for v in range(4)})


def test_valves_not_tested_now_stay_as_they_were_known() -> None:
    rng = np.random.default_rng(9)
    found = judge({2: shots_of(rng, open_ms=6.0)}, count=5)
    assert found[2].shots == 24
    assert found[0] == known(1)[0]
