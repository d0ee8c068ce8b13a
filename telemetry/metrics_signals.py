"""Metrics of alarms, states, effectiveness and estimates; see `telemetry/metrics.py`."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from controller.alarm_list import entry_of
from controller.snapshot import AlarmKind, LineSnapshot
from controller.types import ItemOutcome
from telemetry.alarms.desk import AlarmDesk
from telemetry.alarms.types import AlarmState
from telemetry.audited import AuditedPurity
from telemetry.effectiveness.types import Effectiveness, TimeCategory
from telemetry.tally import ItemTally
from vision.tracking.score import wilson
from vision.types import FRACTIONS

MS_PER_S = 1000.0
BOUNDS = ("low", "estimate", "high")


def alarm_metrics(desk: AlarmDesk) -> Iterator[Metric]:
    """Yield which alarms are active, how many are in each state, and the load on people."""
    active = GaugeMetricFamily(
        "sortline_alarm_active",
        "Condition of the alarm is there, announced or set aside",
        labels=("kind", "priority", "area"),
    )
    standing = {entry.kind for entry in desk.entries() if entry.active}
    for kind in AlarmKind:
        row = entry_of(kind)
        active.add_metric((kind.value, row.priority.value, row.area.value), kind in standing)
    yield active
    states = GaugeMetricFamily(
        "sortline_alarms", "Alarms by ISA-18.2 state, normal ones left out", labels=("state",)
    )
    found = [entry.state for entry in desk.entries()]
    for state in AlarmState:
        states.add_metric((state.value,), found.count(state))
    yield states
    load = desk.load()
    rises = GaugeMetricFamily(
        "sortline_alarm_rises", "Alarms that rose in the newest window", labels=("window",)
    )
    rises.add_metric(("10m",), load.last_10_min)
    rises.add_metric(("24h",), load.last_24_h)
    yield rises
    chattering = "Alarms that rose three times within a minute in the last hour"
    yield GaugeMetricFamily("sortline_alarms_chattering", chattering, value=len(load.chattering))
    stale = "Alarms active for more than a day"
    yield GaugeMetricFamily("sortline_alarms_stale", stale, value=len(load.stale))


def state_metrics(snapshot: LineSnapshot) -> Iterator[Metric]:
    """Yield the time spent in each PackML state."""
    family = CounterMetricFamily(
        "sortline_state_seconds",
        "Time in each PackML state of each mode in this session",
        labels=("mode", "state"),
    )
    for time in snapshot.state_times:
        family.add_metric((time.mode.value, time.state.value), time.total_ms / MS_PER_S)
    yield family


def effectiveness_metrics(figures: Effectiveness) -> Iterator[Metric]:
    """Yield OEE of the last 24 hours; a ratio that cannot be told is left out."""
    ratios = GaugeMetricFamily(
        "sortline_effectiveness_ratio",
        "ISO 22400 ratios of the last 24 hours",
        labels=("part",),
    )
    for part in ("availability", "technical_availability", "performance", "quality", "oee"):
        value = getattr(figures, part)
        if value is not None:
            ratios.add_metric((part,), value)
    yield ratios
    spent = GaugeMetricFamily(
        "sortline_time_spent_seconds",
        "What the last 24 hours were spent on",
        labels=("category",),
    )
    for category in TimeCategory:
        spent.add_metric((category.value,), figures.seconds[category])
    spent.add_metric(("unobserved",), figures.unobserved_s)
    yield spent


def purity_metrics(purity: Sequence[AuditedPurity]) -> Iterator[Metric]:
    """Yield audited purity with its interval; a product without samples is left out."""
    family = GaugeMetricFamily(
        "sortline_purity_ratio",
        "Purity of each product by manual samples of 30 days, with its interval",
        labels=("fraction", "basis", "bound"),
    )
    for audited in purity:
        share = audited.share
        if share is not None:
            for bound, value in zip(BOUNDS, (share.low, share.value, share.high), strict=True):
                family.add_metric((audited.product.value, share.basis.value, bound), value)
    yield family


def recovery_metrics(tallies: Sequence[ItemTally]) -> Iterator[Metric]:
    """Yield the share of items named a target that was ejected, with its interval.

    It rests on what the line named, not on samples: what was named wrongly is in it.
    """
    wanted = dict.fromkeys(FRACTIONS, 0)
    ejected = dict.fromkeys(FRACTIONS, 0)
    for tally in tallies:
        wanted[tally.key.fraction] += tally.items
        if tally.key.outcome is ItemOutcome.EJECTED:
            ejected[tally.key.fraction] += tally.items
    family = GaugeMetricFamily(
        "sortline_named_recovery_ratio",
        "Items ejected over items named this fraction, by count, with its 95 % interval",
        labels=("fraction", "bound"),
    )
    for fraction, count in ejected.items():
        if not count:
            continue
        low, high = wilson(count, wanted[fraction])
        values = (low, count / wanted[fraction], high)
        for bound, value in zip(BOUNDS, values, strict=True):
            family.add_metric((fraction.value, bound), value)
    yield family
