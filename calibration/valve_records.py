"""Valve measurements as JSON, in calibration files and in the store of valve tests."""

from dataclasses import asdict
from typing import Any

from calibration.valve_response import BarResponse, ValveHealth, ValveResponse


def bars_to_json(bars: tuple[BarResponse, ...]) -> list[dict[str, Any]]:
    """Return valve measurements as a calibration file holds them."""
    return [asdict(bar) for bar in bars]


def bars_from_json(body: list[dict[str, Any]]) -> tuple[BarResponse, ...]:
    """Return the valve measurements of a calibration file.

    Raises:
        KeyError, TypeError, ValueError: incomplete or malformed.
    """
    return tuple(
        BarResponse(**{**bar, "valves": tuple(_valve(valve) for valve in bar["valves"])})
        for bar in body
    )


def _valve(body: dict[str, Any]) -> ValveResponse:
    return ValveResponse(**{**body, "health": ValveHealth(body["health"])})
