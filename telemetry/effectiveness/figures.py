"""OEE and downtime Pareto of a period, from stretches of time and what was sorted. Pure.

Formulae are ISO 22400-2:2014's: availability = APT / PBT, effectiveness = PRI x PQ / APT, quality
ratio = GQ / PQ, OEE index = their product. docs/effectiveness.md says what each means on a sorter.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from controller.states import LineState
from telemetry.effectiveness.reasons import Reasons
from telemetry.effectiveness.types import (
    Effectiveness,
    ParetoRow,
    Production,
    Stretch,
    StretchKind,
    TimeCategory,
)

_KG_PER_T: Final = 1000.0
_S_PER_H: Final = 3600.0
_OF_STATE: Final = {
    LineState.SUSPENDING: TimeCategory.EXTERNAL,
    LineState.SUSPENDED: TimeCategory.EXTERNAL,
    LineState.UNSUSPENDING: TimeCategory.EXTERNAL,
    LineState.HOLDING: TimeCategory.FAULT,
    LineState.HELD: TimeCategory.FAULT,
    LineState.UNHOLDING: TimeCategory.FAULT,
    LineState.ABORTING: TimeCategory.FAULT,
    LineState.ABORTED: TimeCategory.FAULT,
    LineState.CLEARING: TimeCategory.FAULT,
}


def category_of(stretch: Stretch, reasons: Reasons) -> TimeCategory:
    """Return whose time a stretch was: the entered reason decides, else what the line was seen in.

    A reason that a plant has since taken out of its list counts as none.
    """
    reason = reasons.get(stretch.reason)
    if reason is not None:
        return reason.category
    if stretch.kind is StretchKind.PRODUCING:
        return TimeCategory.PRODUCING
    if stretch.kind is StretchKind.STARVED:
        return TimeCategory.STARVED
    return _OF_STATE.get(stretch.state, TimeCategory.UNEXPLAINED)


def seconds_within(stretch: Stretch, start: datetime, end: datetime) -> float:
    """Return how much of a stretch lies within a period, in seconds of its monotonic duration."""
    if stretch.ended_at is None:
        ended = stretch.started_at.timestamp() + stretch.duration_s
    else:
        ended = stretch.ended_at.timestamp()
    wall_s = ended - stretch.started_at.timestamp()
    inside_s = min(ended, end.timestamp()) - max(stretch.started_at.timestamp(), start.timestamp())
    if inside_s <= 0 or wall_s <= 0:
        return 0.0
    return stretch.duration_s * min(1.0, inside_s / wall_s)


def effectiveness(
    stretches: Iterable[Stretch],
    production: Production,
    *,
    start: datetime,
    end: datetime,
    rated_t_per_h: float | None,
    reasons: Reasons,
) -> Effectiveness:
    """Return OEE and its parts for the period `start` <= t < `end`."""
    seconds = dict.fromkeys(TimeCategory, 0.0)
    for stretch in stretches:
        seconds[category_of(stretch, reasons)] += seconds_within(stretch, start, end)
    observed_s = sum(seconds.values())
    busy_s = observed_s - seconds[TimeCategory.PLANNED]
    producing_s = seconds[TimeCategory.PRODUCING]
    own_s = seconds[TimeCategory.FAULT] + seconds[TimeCategory.UNEXPLAINED]
    availability = _ratio(producing_s, busy_s)
    performance = None
    if rated_t_per_h is not None:
        rated_kg = rated_t_per_h * _KG_PER_T * producing_s / _S_PER_H
        performance = _ratio(production.mass_kg, rated_kg)
    quality = _ratio(production.good_mass_kg, production.mass_kg)
    return Effectiveness(
        start=start,
        end=end,
        observed_s=observed_s,
        unobserved_s=max(0.0, (end - start).total_seconds() - observed_s),
        seconds=seconds,
        planned_busy_s=busy_s,
        availability=availability,
        technical_availability=_ratio(busy_s - own_s, busy_s),
        performance=performance,
        quality=quality,
        oee=_product(availability, performance, quality),
        production=production,
        rated_t_per_h=rated_t_per_h,
        why_not=_why_not(busy_s, producing_s, production, rated_t_per_h),
    )


def pareto(
    stretches: Sequence[Stretch], *, start: datetime, end: datetime, reasons: Reasons
) -> tuple[ParetoRow, ...]:
    """Return lost time by cause, largest first; planned time and production are not lost."""
    sums: dict[tuple[str, TimeCategory], tuple[int, float]] = {}
    for stretch in stretches:
        category = category_of(stretch, reasons)
        lost_s = seconds_within(stretch, start, end)
        if category in (TimeCategory.PRODUCING, TimeCategory.PLANNED) or lost_s <= 0:
            continue
        key = _code_of(stretch, category, reasons), category
        stops, before_s = sums.get(key, (0, 0.0))
        sums[key] = stops + 1, before_s + lost_s
    all_s = sum(lost_s for _, lost_s in sums.values())
    rows, running_s = [], 0.0
    for (code, category), (stops, lost_s) in sorted(sums.items(), key=lambda row: -row[1][1]):
        running_s += lost_s
        rows.append(
            ParetoRow(
                code=code,
                category=category,
                stops=stops,
                seconds=lost_s,
                share=lost_s / all_s,
                cumulative_share=running_s / all_s,
            )
        )
    return tuple(rows)


def _code_of(stretch: Stretch, category: TimeCategory, reasons: Reasons) -> str:
    if stretch.reason in reasons:
        return stretch.reason
    return f"alarm:{stretch.alarm.value}" if stretch.alarm is not None else category.value


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _product(*factors: float | None) -> float | None:
    product = 1.0
    for factor in factors:
        if factor is None:
            return None
        product *= factor
    return product


def _why_not(
    busy_s: float, producing_s: float, production: Production, rated_t_per_h: float | None
) -> str:
    if busy_s <= 0:
        return "no planned busy time was observed in this period"
    if rated_t_per_h is None:
        return "no rated throughput: set accounts.equipment.rated_t_per_h in the line file"
    if producing_s <= 0:
        return "the line produced nothing in this period"
    return "" if production.mass_kg > 0 else "no mass was sorted in this period"
