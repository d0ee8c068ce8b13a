"""Prometheus metrics of the line and of telemetry itself, made at scrape time from what is known.

Counters begin at zero with each session and, those of telemetry itself, with each start of the
telemetry process; Prometheus takes such resets into account in `rate` and `increase`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.registry import Collector
from typing_extensions import override

from controller.snapshot import LATENCY_BOUNDS_MS, LineSnapshot
from controller.states import LineMode, LineState
from controller.types import ItemOutcome
from telemetry.audited import AuditedPurity
from telemetry.effectiveness.types import Effectiveness
from telemetry.hub import LineHub
from telemetry.line_server import LineServer
from telemetry.metrics_signals import (
    alarm_metrics,
    effectiveness_metrics,
    purity_metrics,
    recovery_metrics,
    state_metrics,
)
from telemetry.recorder import Recorder

MAX_STAGES = 16
"""Latency stages shown; the line has a handful, more would be a fault that must not grow series."""
MAX_STATIONS = 16
MS_PER_S = 1000.0
MM_PER_M = 1000.0


class LineCollector(Collector):
    """Reads hub, recorder and line server when scraped. Runs in the event loop.

    Label values come from enums, from station names of the configuration and from stage names;
    the latter two are capped, so the number of series is bounded.
    """

    def __init__(
        self,
        *,
        hub: LineHub,
        recorder: Recorder,
        server: LineServer,
        effectiveness: Callable[[], Effectiveness | None] = lambda: None,
        purity: Callable[[], tuple[AuditedPurity, ...]] = tuple,
    ) -> None:
        self._hub = hub
        self._recorder = recorder
        self._server = server
        self._effectiveness = effectiveness
        self._purity = purity

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield every metric family."""
        yield from self._items()
        yield from self._telemetry()
        yield _gauge("line_up", "Line connected and its snapshots fresh", self._hub.answering)
        snapshot = self._hub.snapshot
        if snapshot is not None:
            yield self._info(snapshot)
            yield from _camera(snapshot)
            yield from _plc(snapshot)
            yield from _condition(snapshot)
            yield from _valves(snapshot)
            yield from _masses(snapshot)
            yield from _downstream(snapshot)
            yield _latency(snapshot)
            yield from self._belt(snapshot)
            yield from state_metrics(snapshot)
        yield from alarm_metrics(self._hub.desk)
        yield from recovery_metrics(self._hub.tallies)
        yield from purity_metrics(self._purity())
        figures = self._effectiveness()
        if figures is not None:
            yield from effectiveness_metrics(figures)

    def _items(self) -> Iterator[Metric]:
        items: defaultdict[tuple[str, str], float] = defaultdict(float)
        mass_g: defaultdict[tuple[str, str], float] = defaultdict(float)
        decisions: defaultdict[tuple[str, str], float] = defaultdict(float)
        decided_g: defaultdict[tuple[str, str], float] = defaultdict(float)
        stations: defaultdict[int, float] = defaultdict(float)
        stations_g: defaultdict[int, float] = defaultdict(float)
        for tally in self._hub.tallies:
            key = tally.key
            items[key.fraction, key.outcome] += tally.items
            mass_g[key.fraction, key.outcome] += tally.mass_g
            decisions[key.action, key.reason] += tally.items
            decided_g[key.action, key.reason] += tally.mass_g
            if key.outcome is ItemOutcome.EJECTED and key.station is not None:
                stations[key.station] += tally.items
                stations_g[key.station] += tally.mass_g
        yield _counters("items", "Finished items", ("fraction", "outcome"), items)
        yield _counters(
            "item_mass_grams", "Estimated mass of finished items", ("fraction", "outcome"), mass_g
        )
        yield _counters("decisions", "Decisions on finished items", ("action", "reason"), decisions)
        yield _counters(
            "decision_mass_grams", "Estimated mass decided on", ("action", "reason"), decided_g
        )
        yield self._stations("ejected_items", "Items ejected by each station", stations)
        yield self._stations("ejected_mass_grams", "Estimated mass ejected", stations_g)

    def _stations(self, name: str, text: str, stations: Mapping[int, float]) -> Metric:
        session = self._hub.session
        names = session.station_names if session is not None else ()
        family = CounterMetricFamily(f"sortline_{name}", text, labels=("station",))
        for index, name in enumerate(names[:MAX_STATIONS]):
            family.add_metric((name,), stations.get(index, 0.0))
        return family

    def _info(self, snapshot: LineSnapshot) -> Metric:
        session = self._hub.session
        family = InfoMetricFamily("sortline_line", "Which line, session and model bundle this is")
        family.add_metric(
            (),
            {
                "line_id": session.line_id if session is not None else "",
                "session_id": snapshot.session_id,
                "bundle_id": snapshot.bundle_id,
            },
        )
        return family

    def _belt(self, snapshot: LineSnapshot) -> Iterator[Metric]:
        if snapshot.belt is not None:
            travelled_m = snapshot.belt.travelled_mm / MM_PER_M
            yield _counter("belt_travel_meters", "Belt that has passed", travelled_m)
        occupancy = self._hub.occupancy
        if occupancy is not None:
            text = "Share of the belt that items cover, newest half minute"
            yield _gauge("belt_occupancy_ratio", text, occupancy)

    def _telemetry(self) -> Iterator[Metric]:
        status = self._recorder.status
        yield _gauge("store_up", "The last write to the store succeeded", status.available)
        yield _gauge("store_waiting_entries", "Entries not yet on disk", status.waiting)
        yield _counter("store_records", "Records written to the store", status.rows)
        yield _counter("store_duplicates", "Records ignored as already stored", status.duplicates)
        yield _counter("store_refused", "Entries for unknown or closed sessions", status.refused)
        yield _counter("store_gap_items", "Items booked without a record", status.gap_items)
        yield _counter("store_failures", "Writes rolled back", status.failures)
        yield _counter("line_connections", "Connections of the line", self._server.connections)
        yield _counter("wire_errors", "Connections closed as malformed", self._server.wire_errors)


def make_registry(collector: LineCollector) -> CollectorRegistry:
    """Return the one registry, with the line's collector in it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def _camera(snapshot: LineSnapshot) -> Iterator[Metric]:
    yield _counter("frames", "Frames processed", snapshot.frames)
    yield _counter(
        "frames_dropped", "Frames the camera made, not processed", snapshot.frames_dropped
    )
    yield _counter(
        "frames_incomplete",
        "Frames that reached this computer with parts missing",
        snapshot.camera_losses.incomplete,
    )
    yield _counter(
        "frames_starved", "Frames that found no free buffer", snapshot.camera_losses.starved
    )
    yield _gauge("frame_age_seconds", "Age of newest frame", snapshot.frame_age_ms / MS_PER_S)
    yield _gauge("frames_per_second", "Frames processed per second", snapshot.frames_per_s)
    yield _counter("records_dropped", "Records not handed over", snapshot.records_dropped)
    yield _counter("items_seen", "Items with a decision", snapshot.totals.seen)
    yield _gauge("items_in_flight", "Items decided and unfinished", snapshot.totals.in_flight)


def _plc(snapshot: LineSnapshot) -> Iterator[Metric]:
    yield _counter("pulses_commanded", "Pulses sent to the PLC", snapshot.pulses_commanded)
    yield _counter("late_pulses", "Pulses the PLC refused as late", snapshot.late_pulses)
    if snapshot.pulses is not None:
        pulses = CounterMetricFamily(
            "sortline_plc_pulses", "Pulses by the PLC's word, since it booted", labels=("outcome",)
        )
        for outcome in ("fired", "late", "refused", "blocked"):
            pulses.add_metric((outcome,), getattr(snapshot.pulses, outcome))
        yield pulses
    yield _gauge("plc_link_up", "The PLC answers", snapshot.link_ok)
    yield _gauge(
        "plc_round_trip_seconds",
        "Last exchange with the PLC",
        snapshot.link_round_trip_ms / MS_PER_S,
    )
    yield _gauge("plc_queue_pulses", "Pulses waiting in the PLC", snapshot.queue_used)
    yield _gauge("clock_sd_ticks", "Standard deviation of the clock fit", snapshot.tick_sd)
    yield _gauge(
        "belt_speed_meters_per_second", "Belt speed", snapshot.belt_speed_mm_per_s / MM_PER_M
    )


def _condition(snapshot: LineSnapshot) -> Iterator[Metric]:
    states = StateSetMetricFamily("sortline_state", "PackML state")
    states.add_metric((), {state.value: state is snapshot.state for state in LineState})
    yield states
    modes = StateSetMetricFamily("sortline_mode", "PackML unit mode")
    modes.add_metric((), {mode.value: mode is snapshot.mode for mode in LineMode})
    yield modes


def _valves(snapshot: LineSnapshot) -> Iterator[Metric]:
    """Yield wear and air by station, never by valve: thousands of series would say no more."""
    bars = snapshot.bars[:MAX_STATIONS]
    air = CounterMetricFamily(
        "sortline_air_normal_litres", "Air blown in this session", labels=("station",)
    )
    gauges = {
        "sortline_valve_cycles_max": "Openings of the station's most used valve since it was new",
        "sortline_valve_life_ratio": "Those openings over the rated ones",
        "sortline_valve_duty_ratio": "Share of time open, busiest valve of the station",
        "sortline_valves_silent": "Valves that do not blow",
    }
    families = {n: GaugeMetricFamily(n, text, labels=("station",)) for n, text in gauges.items()}
    for bar in bars:
        air.add_metric((bar.station,), bar.air_nl)
        values = (bar.cycles_max, bar.life_share, bar.duty_max, len(bar.silent))
        for family, value in zip(families.values(), values, strict=True):
            family.add_metric((bar.station,), value)
    yield air
    yield from families.values()
    if snapshot.air_nl_per_t is not None:
        yield _gauge(
            "air_normal_litres_per_tonne", "Air over the items' mass", snapshot.air_nl_per_t
        )


def _masses(snapshot: LineSnapshot) -> Iterator[Metric]:
    masses = snapshot.masses
    if masses is None:
        return
    yield _gauge(
        "overlap_index", "Area of the boxes over the area they cover", masses.overlap_index
    )
    yield _gauge("mass_valid", "Masses from pictures may be counted on", masses.valid)
    family = InfoMetricFamily("sortline_mass_model", "What items are weighed by")
    family.add_metric((), {"version": masses.model})
    yield family


def _downstream(snapshot: LineSnapshot) -> Iterator[Metric]:
    count = snapshot.downstream
    if count is None:
        return
    yield _counter("downstream_frames", "Frames of the camera behind the bars", count.frames)
    yield _counter("downstream_items", "Items seen behind the bars", count.seen)
    yield _counter("downstream_unknown", "Of those, never decided by the line", count.unknown)
    yield _counter("shots_judged", "Items fired at whose place was seen downstream", count.judged)
    yield _counter("shots_missed", "Of those, still on the belt", count.missed)
    yield _counter("shots_unseen", "Items fired at that nobody could judge", count.unseen)


def _latency(snapshot: LineSnapshot) -> Metric:
    family = HistogramMetricFamily(
        "sortline_latency_seconds", "Latency by stage in this session", labels=("stage",)
    )
    bounds = (*(f"{bound / MS_PER_S:g}" for bound in LATENCY_BOUNDS_MS), "+Inf")
    for stage in snapshot.latencies[:MAX_STAGES]:
        if len(stage.buckets) == len(bounds):
            buckets = list(zip(bounds, map(float, stage.buckets), strict=True))
            family.add_metric((stage.stage,), buckets, stage.sum_ms / MS_PER_S)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"sortline_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"sortline_{name}", text, value=value)


def _counters(
    name: str, text: str, labels: tuple[str, str], values: Mapping[tuple[str, str], float]
) -> Metric:
    family = CounterMetricFamily(f"sortline_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
