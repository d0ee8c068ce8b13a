"""Equipment load, both ways it is read, under two names.

The Concept's wording is ambiguous: that capacity covers so much of the waste received, or that so
much of capacity was used. They are nearly inverse, so neither is ever called "load" here.
"""

from dataclasses import dataclass

from telemetry.measures.definition import Measure, MeasureName, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The raw quantities of a period, reported beside what is computed from them.

    Attributes:
        rated_t_per_h: installed capacity, weighted by planned hours where it changed.
        hours_planned: time it was meant to run.
        hours_run: time it ran.
        received_t: that came in.
        processed_t: that went over the belt.
    """

    rated_t_per_h: float
    hours_planned: float
    hours_run: float
    received_t: float
    processed_t: float

    @property
    def capacity_t(self) -> float:
        """What the equipment could have taken in the planned hours."""
        return self.rated_t_per_h * self.hours_planned


def capacity_coverage(equipment: Equipment) -> Measure:
    """Return capacity over what was received: above 1 there was room for all of it."""
    return ratio(
        MeasureName.CAPACITY_COVERAGE,
        equipment.capacity_t,
        equipment.received_t,
        reason="nothing_received",
    )


def capacity_utilisation(equipment: Equipment) -> Measure:
    """Return what was processed over capacity: near 1 the line ran full."""
    return ratio(
        MeasureName.CAPACITY_UTILISATION,
        equipment.processed_t,
        equipment.capacity_t,
        reason="no_hours_planned",
    )


def availability(equipment: Equipment) -> Measure:
    """Return hours run over hours planned."""
    return ratio(
        MeasureName.AVAILABILITY,
        equipment.hours_run,
        equipment.hours_planned,
        reason="no_hours_planned",
    )


def throughput(equipment: Equipment) -> Measure:
    """Return tonnes processed per hour run."""
    return ratio(
        MeasureName.THROUGHPUT,
        equipment.processed_t,
        equipment.hours_run,
        reason="did_not_run",
    )
