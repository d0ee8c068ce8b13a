"""What a valve test found, as text for the technician and as JSON for machines."""

from typing import Any, Final

from calibration.valve_response import BarResponse, ValveHealth, ValveResponse
from controller.stations import JetBarConfig
from controller.valve_test import ValveTestResult

_FINDINGS: Final = {
    ValveHealth.OK: "ok",
    ValveHealth.SLOW: "slow: fired earlier until it is changed",
    ValveHealth.DEAD: "dead: no air, and no valve beside it can stand in",
    ValveHealth.WIDENED_BY_NEIGHBOURS: "dead: no air; the valves beside it open in its place",
}


def printed(station: JetBarConfig, valve: int) -> int:
    """Return the number printed on the bar beside a valve."""
    return station.first_printed + valve


def report_lines(station: JetBarConfig, bar: BarResponse) -> tuple[str, ...]:
    """Return the report of one bar, line by line, what is to be done first."""
    ok, slow = (
        sum(v.health is health for v in bar.valves) for health in (ValveHealth.OK, ValveHealth.SLOW)
    )
    count, dead = len(bar.valves), len(bar.silent)
    head = (
        f"station {station.name}: {count} valves, {ok} ok, {slow} slow, {dead} dead",
        f"  tested {bar.measured_at_utc} by {bar.measured_by}, by {bar.method}",
    )
    bad = [valve for valve in bar.valves if valve.health is not ValveHealth.OK]
    orders = tuple(
        f"  CHANGE valve {printed(station, v.valve)} at {_place_mm(station, v):.0f} mm from the "
        f"belt's left edge: {_FINDINGS[v.health]}{_lag(v)}"
        for v in bad
    )
    return (*head, *(orders or ("  no valve needs to be changed",)))


def table_lines(station: JetBarConfig, bar: BarResponse) -> tuple[str, ...]:
    """Return a line for every valve of a bar that was ever tested."""
    untested = sum(valve.shots == 0 for valve in bar.valves)
    rest = (f"  {untested} valves were never tested: as the line file says",) if untested else ()
    head = "  valve  place mm   open lag ms   close lag ms     jitter ms  strength  shots  health"
    return (
        head,
        *(
            f"  {printed(station, v.valve):5d}  {_place_mm(station, v):8.1f}  "
            f"{_pm(v.open_lag_ms, v.open_lag_sd_ms)}  {_pm(v.close_lag_ms, v.close_lag_sd_ms)}  "
            f"{_pm(v.jitter_ms, v.jitter_sd_ms)}  {v.strength:8.2f}  {v.shots:5d}  {v.health.value}"
            for v in bar.valves
            if v.shots
        ),
        *rest,
    )


def report_document(
    station: JetBarConfig, bar: BarResponse, result: ValveTestResult | None = None
) -> dict[str, Any]:
    """Return the report of one bar for `--json`.

    Args:
        station: the bar.
        bar: what is stored.
        result: of the test just made, for its curves.
    """
    curves = {} if result is None else dict(result.curves)
    document: dict[str, Any] = {
        "station": station.name,
        "tested_at_utc": bar.measured_at_utc,
        "tested_by": bar.measured_by,
        "method": bar.method,
        "valves": [_valve(station, valve, curves) for valve in bar.valves],
        "change": [
            {
                "station": station.name,
                "valve": v.valve,
                "printed": printed(station, v.valve),
                "place_mm": _place_mm(station, v),
                "finding": _FINDINGS[v.health],
            }
            for v in bar.valves
            if v.health is not ValveHealth.OK
        ],
    }
    if result is not None:
        document["sensor_delay_ms"] = round(result.delay.onset_ms, 3)
        document["sensor_tau_ms"] = round(result.delay.tau_ms, 3)
        document["tested_valves"] = list(result.tested)
    return document


def _valve(
    station: JetBarConfig,
    v: ValveResponse,
    curves: dict[int, tuple[tuple[float, float], ...]],
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "valve": v.valve,
        "printed": printed(station, v.valve),
        "place_mm": _place_mm(station, v),
        "health": v.health.value,
        "shots": v.shots,
        "open_lag_ms": v.open_lag_ms,
        "open_lag_sd_ms": v.open_lag_sd_ms,
        "close_lag_ms": v.close_lag_ms,
        "close_lag_sd_ms": v.close_lag_sd_ms,
        "jitter_ms": v.jitter_ms,
        "jitter_sd_ms": v.jitter_sd_ms,
        "strength": v.strength,
    }
    if v.valve in curves:
        document["curve"] = [
            {"open_ms": open_ms, "answer": answer} for open_ms, answer in curves[v.valve]
        ]
    return document


def _place_mm(station: JetBarConfig, valve: ValveResponse) -> float:
    return station.valve_map.centre_x_mm(valve.valve)


def _lag(valve: ValveResponse) -> str:
    if not valve.health.blows:
        return ""
    return f" (opens after {valve.open_lag_ms:.1f} +- {2 * valve.open_lag_sd_ms:.1f} ms)"


def _pm(value: float, sd: float) -> str:
    return f"{value:6.2f} ±{2 * sd:5.2f}"
