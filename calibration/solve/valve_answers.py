"""From test shots to lag, jitter, strength and health of every valve of a bar.

A pressure sensor does not see air at once: the manifold's pressure falls with a time constant, and
the PLC notes the fall when it has reached a share of the supply. Pulses of different lengths show
that time constant, so that it can be taken off. With D the fall of a long pulse, d that of a pulse
of length L and p the share of the supply that counts as an answer:

    d = D (1 - exp(-L / tau))          response = lag + tau ln(1 / (1 - p supply / D))
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calibration.errors import ProcedureError
from calibration.valve_response import BarResponse, ValveHealth, ValveResponse, covered
from calibration.valve_shot import ValveShot

ANSWER_SHARE: Final = 0.02
"""Fall of the pressure that the PLC takes for an answer, share of the supply (register map)."""
_ONSET_ERROR: Final = 0.2
"""Relative error granted to the sensor's own delay, common to all valves of a bar."""
_DEEP_ENOUGH: Final = 0.98
"""A pulse whose fall comes this near to the longest one's tells nothing of the time constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRules:
    """When a valve counts as slow or dead.

    Attributes:
        slow_ms: later than the bar's median valve by more than this, sure by three standard
            errors, is slow. 3 ms are 8 mm of belt at 2.8 m/s, more than half a nozzle pitch.
        dead_strength: air below this share of the median valve's is none.
        answered_share: a valve that answers less often than this is dead: nobody can aim with it.
    """

    slow_ms: float = 3.0
    dead_strength: float = 0.2
    answered_share: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorDelay:
    """How the sensor's view lags behind the air.

    Attributes:
        tau_ms: time constant of the answer, 0 where it could not be told.
        onset_ms: from air to answer.
        scan_ms: time between two looks at the sensor.
    """

    tau_ms: float
    onset_ms: float
    scan_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    answered: float
    open_lag_ms: float
    open_sd_ms: float
    close_lag_ms: float
    close_sd_ms: float
    jitter_ms: float
    jitter_sd_ms: float
    answer: float
    shots: int


def sensor_delay(
    shots: Mapping[int, Sequence[ValveShot]], *, scan_ms: float, pressure: bool
) -> SensorDelay:
    """Tell the sensor's delay from how the answer grows with the pulse's length.

    Args:
        shots: of every valve.
        scan_ms: time between two looks at the sensor.
        pressure: a pressure sensor looked; a camera sees the strip move at once.
    """
    every = [shot for of_valve in shots.values() for shot in of_valve]
    if not pressure:
        return SensorDelay(tau_ms=0.0, onset_ms=0.0, scan_ms=scan_ms)
    falls = answer_curve(every)
    deepest = max(falls.values(), default=0.0)
    taus = [
        -length / math.log1p(-fall / deepest)
        for length, fall in falls.items()
        if 0.0 < fall < _DEEP_ENOUGH * deepest
    ]
    supply_kpa = float(np.median([shot.supply_kpa for shot in every])) if every else 0.0
    share = ANSWER_SHARE * supply_kpa / deepest if deepest > 0 else 1.0
    if not taus or share >= 1.0:
        return SensorDelay(tau_ms=0.0, onset_ms=0.0, scan_ms=scan_ms)
    tau_ms = float(np.median(taus))
    return SensorDelay(tau_ms=tau_ms, onset_ms=-tau_ms * math.log1p(-share), scan_ms=scan_ms)


def answer_curve(shots: Sequence[ValveShot]) -> dict[float, float]:
    """Return the median answer by length of pulse, ms, of the shots that were answered."""
    lengths = sorted({shot.open_ms for shot in shots})
    answered = {
        length: [s.answer for s in shots if s.open_ms == length and s.response_ms is not None]
        for length in lengths
    }
    return {length: float(np.median(a)) for length, a in answered.items() if a}


def bar_response(
    shots: Mapping[int, Sequence[ValveShot]],
    delay: SensorDelay,
    *,
    station: str,
    method: str,
    by: str,
    at_utc: str,
    rules: HealthRules | None = None,
    known: Sequence[ValveResponse],
) -> BarResponse:
    """Judge every valve of a bar.

    Args:
        shots: by valve; the valves that were tested.
        delay: of the sensor.
        station: name of the bar.
        method: pressure or camera.
        by: who did the test.
        at_utc: ISO date and time.
        rules: when a valve counts as slow or dead.
        known: every valve of the bar as known before; those not tested now stay as they were.

    Raises:
        ProcedureError: no valve answered.
    """
    rules = rules or HealthRules()
    figures = {valve: _figures(list(own), delay) for valve, own in shots.items()}
    alive = [f for f in figures.values() if f.answered >= rules.answered_share]
    if not alive:
        raise ProcedureError(
            f"no valve of station {station!r} answered",
            "check the main air valve, the bar's supply and the sensor; nothing was stored",
        )
    usual = float(np.median([f.answer for f in alive]))
    lag_ms = float(np.median([f.open_lag_ms for f in alive]))
    judged = {
        valve: _valve(valve, own, rules, usual=usual, lag_ms=lag_ms)
        for valve, own in figures.items()
    }
    valves = [judged.get(valve.valve, valve) for valve in known]
    return _with_cover(station, at_utc, by, method, valves)


def _with_cover(
    station: str, at_utc: str, by: str, method: str, valves: Sequence[ValveResponse]
) -> BarResponse:
    plain = tuple(v.health if v.health.blows else ValveHealth.DEAD for v in valves)
    return BarResponse(
        station=station,
        measured_at_utc=at_utc,
        measured_by=by,
        method=method,
        valves=tuple(
            replace(valve, health=health)
            for valve, health in zip(valves, covered(plain), strict=True)
        ),
    )


def _figures(shots: Sequence[ValveShot], delay: SensorDelay) -> _Figures:
    responses = np.array([s.response_ms for s in shots if s.response_ms is not None])
    lengths = sorted({s.open_ms for s in shots})
    n = len(responses)
    # The shortest pulse in which air flowed ends while the answer grows, so its end can be told.
    air_ms = float(responses.mean()) - delay.onset_ms if n else math.inf
    ended = next((length for length in lengths if length > air_ms + delay.scan_ms), None)
    ends = np.array(
        [s.end_ms - s.open_ms for s in shots if s.end_ms is not None and s.open_ms == ended]
    )
    longest = [s.answer for s in shots if s.open_ms == lengths[-1] and s.response_ms is not None]
    half_scan, scan_var = delay.scan_ms / 2, delay.scan_ms**2 / 12
    spread = float(responses.std(ddof=1)) if n > 1 else 0.0
    jitter = math.sqrt(max(spread**2 - scan_var, 0.0))
    onset_sd = _ONSET_ERROR * delay.onset_ms
    return _Figures(
        answered=n / len(shots) if len(shots) else 0.0,
        open_lag_ms=max(float(responses.mean()) - delay.onset_ms - half_scan, 0.0) if n else 0.0,
        open_sd_ms=math.hypot(math.sqrt((spread**2 + scan_var) / n), onset_sd) if n else 0.0,
        close_lag_ms=max(float(ends.mean()) + half_scan, 0.0) if len(ends) else 0.0,
        close_sd_ms=(
            math.sqrt((float(ends.std()) ** 2 + scan_var) / len(ends)) if len(ends) else 0.0
        ),
        jitter_ms=jitter,
        jitter_sd_ms=max(jitter, delay.scan_ms / math.sqrt(12)) / math.sqrt(2 * max(n - 1, 1)),
        answer=float(np.median(longest)) if longest else 0.0,
        shots=len(shots),
    )


def _valve(
    valve: int, own: _Figures, rules: HealthRules, *, usual: float, lag_ms: float
) -> ValveResponse:
    strength = own.answer / usual if usual > 0 else 0.0
    dead = own.answered < rules.answered_share or strength < rules.dead_strength
    later_ms = own.open_lag_ms - lag_ms
    slow = later_ms > rules.slow_ms and later_ms > 3.0 * own.open_sd_ms
    health = ValveHealth.DEAD if dead else ValveHealth.SLOW if slow else ValveHealth.OK
    return ValveResponse(
        valve=valve,
        health=health,
        shots=own.shots,
        open_lag_ms=0.0 if dead else own.open_lag_ms,
        open_lag_sd_ms=0.0 if dead else own.open_sd_ms,
        close_lag_ms=0.0 if dead else own.close_lag_ms,
        close_lag_sd_ms=0.0 if dead else own.close_sd_ms,
        jitter_ms=0.0 if dead else own.jitter_ms,
        jitter_sd_ms=0.0 if dead else own.jitter_sd_ms,
        strength=0.0 if dead else strength,
    )
