"""Records of a made-up line, as full of figures as those of a real one."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from calibration.units import MonotonicNs
from controller.types import (
    ActionPolicy,
    DecisionReason,
    ItemOutcome,
    ItemRecord,
    PulseStory,
    SortDecision,
    Totals,
)
from plc.types import PulseOutcome
from telemetry.messages import SessionAnnounced
from vision.types import FRACTIONS, Fraction, Track

STATIONS: Final = ("plastic", "paper")
_STATION_OF: Final = {Fraction.PLASTIC: 0, Fraction.PAPER: 1}
_TICKS_PER_ITEM: Final = 40


def opened(line_id: str, session_id: str, at_ns: MonotonicNs) -> SessionAnnounced:
    """Return the beginning of a session."""
    return SessionAnnounced(
        session_id=session_id, line_id=line_id, station_names=STATIONS, opened_ns=at_ns
    )


def made_records(
    session_id: str, count: int, at_ns: MonotonicNs, *, seed: int
) -> Iterator[ItemRecord]:
    """Yield records 1 to `count`: what has a station is ejected, the rest stays on the belt."""
    rng = np.random.default_rng(seed)
    ejected, passed = [0] * len(STATIONS), 0
    for seq in range(1, count + 1):
        fraction = FRACTIONS[int(rng.integers(len(FRACTIONS)))]
        station = _STATION_OF.get(fraction)
        if station is None:
            passed += 1
        else:
            ejected[station] += 1
        totals = Totals(
            seen=seq,
            ejected=tuple(ejected),
            passed=passed,
            late=0,
            blocked=0,
            removed=0,
            in_flight=0,
        )
        yield ItemRecord(
            session_id=session_id,
            record_seq=seq,
            closed_ns=at_ns,
            track=_track(rng, seq, fraction),
            decision=_decision(seq, fraction, station),
            pulses=() if station is None else (_pulse(seq, station),),
            outcome=ItemOutcome.PASSED if station is None else ItemOutcome.EJECTED,
            bundle_id="bundle",
            totals=totals,
            mass_model="built-in",
            overlap_index=rng.uniform(1.0, 1.04),
        )


def _track(rng: np.random.Generator, seq: int, fraction: Fraction) -> Track:
    confidence = rng.uniform(0.6, 0.99)
    rest = (1.0 - confidence) / (len(FRACTIONS) - 1)
    mass_g = rng.uniform(2.0, 200.0)
    return Track(
        track_id=seq,
        x_mm=rng.uniform(50.0, 950.0),
        y_mm=rng.uniform(0.0, 1e6),
        x_sd_mm=rng.uniform(0.5, 2.0),
        y_sd_mm=rng.uniform(0.5, 3.0),
        slip_x_mm_per_s=rng.normal(0.0, 5.0),
        slip_y_mm_per_s=rng.normal(0.0, 20.0),
        width_mm=rng.uniform(30.0, 250.0),
        length_mm=rng.uniform(30.0, 250.0),
        posterior=tuple(confidence if f is fraction else rest for f in FRACTIONS),
        views=int(rng.integers(3, 9)),
        tick=seq * _TICKS_PER_ITEM + rng.uniform(0.0, 1.0),
        first_seq=seq,
        last_seq=seq + 3,
        mass_g=mass_g,
        mass_sd_g=mass_g / 2.0,
    )


def _decision(seq: int, fraction: Fraction, station: int | None) -> SortDecision:
    wanted = station is not None
    return SortDecision(
        track_id=seq,
        fraction=fraction,
        confidence=0.9,
        action=ActionPolicy.EJECT if wanted else ActionPolicy.PASS,
        station=station,
        reason=DecisionReason.TARGET if wanted else DecisionReason.NOT_TARGET,
        decided_tick=float(seq * _TICKS_PER_ITEM),
    )


def _pulse(seq: int, station: int) -> PulseStory:
    opens = seq * _TICKS_PER_ITEM + 100
    return PulseStory(
        pulse_id=seq,
        station=station,
        valve_first=10,
        valve_last=14,
        open_tick=opens,
        close_tick=opens + 30,
        outcome=PulseOutcome.FIRED,
        fired_open_tick=opens,
    )
