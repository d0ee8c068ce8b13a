"""Landfilled waste against the baseline year, as share and as volume, and the path to 2030."""

from dataclasses import dataclass
from typing import Final

from telemetry.measures.definition import Measure, MeasureName, ratio

PATH_PCT: Final = {2026: -2.0, 2027: -4.0, 2028: -6.0, 2029: -8.0, 2030: -10.0}
"""Concept 2026-2030, indicator 2: waste sent to landfills against 2025. Its name says share
and its text volume, and its methodology is still to be developed: both are computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandfillStanding:
    """One year against the baseline year.

    Attributes:
        year: of the figures.
        share: landfilled over received.
        share_change: of that share against the baseline year's.
        volume_change: of the landfilled mass against the baseline year's.
        target_pct: the path's value for the year, None outside 2026..2030.
        on_path_by_share: whether the share has fallen enough; None where it cannot be told.
        on_path_by_volume: whether the volume has.
    """

    year: int
    share: Measure
    share_change: Measure
    volume_change: Measure
    target_pct: float | None
    on_path_by_share: bool | None
    on_path_by_volume: bool | None


def landfill_standing(
    *,
    year: int,
    landfilled_t: float,
    received_t: float,
    base_landfilled_t: float | None,
    base_received_t: float | None,
) -> LandfillStanding:
    """Compare a whole year with the baseline year.

    Args:
        year: of the figures.
        landfilled_t: sent to landfill in it.
        received_t: received in it.
        base_landfilled_t: of the baseline year, None where nobody has entered it.
        base_received_t: as base_landfilled_t.
    """
    share = ratio(MeasureName.LANDFILL_SHARE, landfilled_t, received_t, reason="nothing_received")
    base_share = (base_landfilled_t or 0.0) / base_received_t if base_received_t else 0.0
    share_change = _change(MeasureName.LANDFILL_SHARE_CHANGE, share.value, base_share)
    volume_change = _change(
        MeasureName.LANDFILL_VOLUME_CHANGE, landfilled_t, base_landfilled_t or 0.0
    )
    target = PATH_PCT.get(year)
    return LandfillStanding(
        year=year,
        share=share,
        share_change=share_change,
        volume_change=volume_change,
        target_pct=target,
        on_path_by_share=_on_path(share_change, target),
        on_path_by_volume=_on_path(volume_change, target),
    )


def _change(name: MeasureName, value: float | None, base: float) -> Measure:
    if value is None:
        return Measure(name=name, value=None, reason="nothing_received")
    if base <= 0:
        return Measure(name=name, value=None, reason="no_baseline")
    return Measure(name=name, value=100.0 * (value - base) / base)


def _on_path(change: Measure, target_pct: float | None) -> bool | None:
    if change.value is None or target_pct is None:
        return None
    return change.value <= target_pct
