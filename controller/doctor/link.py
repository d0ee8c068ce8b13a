"""The PLC: whether it answers, in which state, how quickly, and whether its clock can be fitted."""

from typing import Final

import numpy as np

from controller.doctor.verdict import Check, failed, passed, warned
from plc.types import PlcState, PlcStatus

_FEWEST: Final = 20
_SLOW_MS: Final = 20.0


def check_plc(statuses: list[PlcStatus], error: str | None, *, timeout_ms: float) -> Check:
    """Judge some seconds of readings.

    Args:
        statuses: read.
        error: what the link last complained of, None for nothing.
        timeout_ms: of the link.
    """
    if len(statuses) < _FEWEST:
        why = error or "it answers too seldom"
        return failed("plc", why, "check its power, its network and plc.transport in the line file")
    newest = statuses[-1]
    times_ms = np.array([status.round_trip_ns for status in statuses]) / 1e6
    words = (
        f"{newest.state.name.lower()}, answers in {np.median(times_ms):.1f} ms "
        f"({np.percentile(times_ms, 99):.1f} ms at most but for one in a hundred)"
    )
    if not newest.safety_ok:
        remedy = "release the emergency stop and close the guards, then reset the safety circuit"
        return failed("plc", f"{words}; the safety circuit is open", remedy)
    if newest.state is PlcState.SAFE:
        return failed("plc", words, "find out why it went to its safe state; then stop and start")
    if float(np.percentile(times_ms, 99)) > min(_SLOW_MS, timeout_ms / 2):
        return warned("plc", words, "give the PLC a network of its own, away from office traffic")
    return passed("plc", words)


def check_tick_clock(sd_tick: float | None, *, limit_tick: float, moving: bool) -> Check:
    """Judge the fit of PLC ticks to this computer's time.

    Args:
        sd_tick: standard deviation of the fit, None while there is none.
        limit_tick: `limits.max_tick_sd`.
        moving: the belt ran meanwhile.
    """
    if sd_tick is None:
        words = "no fit between PLC ticks and this computer's time"
        return failed("ticks", words, "look after the network to the PLC; readings must be regular")
    words = f"PLC ticks known to {sd_tick:.1f} ticks, {limit_tick:g} allowed"
    if sd_tick > limit_tick:
        return failed("ticks", words, "nothing would fire: look after the network to the PLC")
    if not moving:
        return warned("ticks", f"{words}, belt at rest", "add --move to look at them in motion")
    return passed("ticks", words)
