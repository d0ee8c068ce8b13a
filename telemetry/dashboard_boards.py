"""What the Grafana dashboards show; `telemetry/dashboards.py` writes them."""

from dataclasses import dataclass
from typing import Final

_LINE: Final = '{plant=~"$plant", line=~"$line"}'
_PLANT: Final = '{plant=~"$plant"}'
_KG_PER_H: Final = (
    f"3.6 * sum by (fraction) (line_fraction:sortline_item_mass_grams:rate5m{_PLANT})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        title: of it.
        expressions: with the legend of each.
        unit: Grafana's name of it.
        kind: timeseries, stat, table or bargauge.
        width: of 24 columns.
        height: in rows of the grid.
        note: what it says, for whoever hovers over it.
    """

    title: str
    expressions: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 12
    height: int = 8
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard.

    Attributes:
        uid: that links name it by.
        title: of it.
        variables: what a reader chooses, of plant and line.
        panels: left to right, top to bottom.
    """

    uid: str
    title: str
    variables: tuple[str, ...]
    panels: tuple[Panel, ...]


LINE_BOARD: Final = Board(
    uid="sortline-line",
    title="Sorting line",
    variables=("plant", "line"),
    panels=(
        Panel(
            title="Connected",
            expressions=((f"sortline_line_up{_LINE}", "{{line}}"),),
            kind="stat",
            width=4,
            height=4,
        ),
        Panel(
            title="State",
            expressions=((f"sortline_state{_LINE} == 1", "{{sortline_state}}"),),
            kind="stat",
            width=4,
            height=4,
        ),
        Panel(
            title="Alarms not acknowledged",
            expressions=(
                (f'sortline_alarms{{state="unacknowledged", {_LINE[1:]}', "unacknowledged"),
            ),
            kind="stat",
            width=4,
            height=4,
        ),
        Panel(
            title="Throughput",
            expressions=((f"line:sortline_item_mass_tonnes_per_hour:rate5m{_LINE}", "t/h"),),
            kind="stat",
            unit="suffix: t/h",
            width=4,
            height=4,
        ),
        Panel(
            title="Belt occupancy",
            expressions=((f"sortline_belt_occupancy_ratio{_LINE}", "covered"),),
            kind="stat",
            unit="percentunit",
            width=4,
            height=4,
        ),
        Panel(
            title="OEE, 24 hours",
            expressions=((f'sortline_effectiveness_ratio{{part="oee", {_LINE[1:]}', "OEE"),),
            kind="stat",
            unit="percentunit",
            width=4,
            height=4,
        ),
        Panel(
            title="Items by fraction",
            expressions=((f"line_fraction:sortline_items:rate5m{_LINE}", "{{fraction}}"),),
            unit="cps",
        ),
        Panel(
            title="Decisions by reason",
            expressions=(
                (f"sum by (reason) (rate(sortline_decisions_total{_LINE}[5m]))", "{{reason}}"),
            ),
            unit="cps",
        ),
        Panel(
            title="Purity by manual samples",
            expressions=((f"sortline_purity_ratio{_LINE}", "{{fraction}} {{bound}}"),),
            unit="percentunit",
            note="Low, estimate and high of the 95 % interval; empty without samples of 30 days",
        ),
        Panel(
            title="Ejected of what was named",
            expressions=((f"sortline_named_recovery_ratio{_LINE}", "{{fraction}} {{bound}}"),),
            unit="percentunit",
            note="By what the line named; a true recovery needs samples of every output",
        ),
        Panel(
            title="Latency, 99th percentile by stage",
            expressions=((f"line_stage:sortline_latency_seconds:p99_5m{_LINE}", "{{stage}}"),),
            unit="s",
        ),
        Panel(
            title="Pulses that did not fire",
            expressions=(
                (
                    f'rate(sortline_plc_pulses_total{{outcome!="fired", {_LINE[1:]}[5m])',
                    "{{outcome}}",
                ),
            ),
            unit="cps",
        ),
        Panel(
            title="PLC link round trip",
            expressions=((f"sortline_plc_round_trip_seconds{_LINE}", "round trip"),),
            unit="s",
            width=8,
        ),
        Panel(
            title="Clock fit uncertainty",
            expressions=((f"sortline_clock_sd_ticks{_LINE}", "ticks"),),
            width=8,
        ),
        Panel(
            title="Queues",
            expressions=(
                (f"sortline_plc_queue_pulses{_LINE}", "pulses in the PLC"),
                (f"sortline_items_in_flight{_LINE}", "items in flight"),
                (f"sortline_store_waiting_entries{_LINE}", "records to store"),
            ),
            width=8,
        ),
        Panel(
            title="Valves: silent, worn",
            expressions=(
                (f"sortline_valves_silent{_LINE}", "{{station}} silent"),
                (f"sortline_valve_life_ratio{_LINE}", "{{station}} life used"),
            ),
        ),
        Panel(
            title="Air",
            expressions=(
                (f"rate(sortline_air_normal_litres_total{_LINE}[5m]) * 60", "{{station}} Nl/min"),
            ),
        ),
        Panel(
            title="Active alarms",
            expressions=((f"sortline_alarm_active{_LINE} == 1", "{{priority}} {{kind}}"),),
            kind="table",
        ),
        Panel(
            title="Frames dropped",
            expressions=((f"line:sortline_frames_dropped:ratio5m{_LINE}", "dropped"),),
            unit="percentunit",
        ),
    ),
)
PLANT_BOARD: Final = Board(
    uid="sortline-plant",
    title="Sorting plant",
    variables=("plant",),
    panels=(
        Panel(
            title="Throughput by line",
            expressions=((f"line:sortline_item_mass_tonnes_per_hour:rate5m{_PLANT}", "{{line}}"),),
            unit="suffix: t/h",
        ),
        Panel(
            title="OEE by line, 24 hours",
            expressions=((f'sortline_effectiveness_ratio{{part="oee", {_PLANT[1:]}', "{{line}}"),),
            unit="percentunit",
            kind="bargauge",
        ),
        Panel(
            title="Where the last 24 hours went",
            expressions=((f"sortline_time_spent_seconds{_PLANT}", "{{line}} {{category}}"),),
            unit="s",
            kind="bargauge",
        ),
        Panel(
            title="Mass by fraction",
            expressions=(
                (
                    _KG_PER_H,
                    "{{fraction}}",
                ),
            ),
            unit="suffix: kg/h",
        ),
        Panel(
            title="Alarms in ten minutes",
            expressions=((f'sortline_alarm_rises{{window="10m", {_PLANT[1:]}', "{{line}}"),),
            note="More than ten in ten minutes is a flood (ISA-18.2)",
        ),
        Panel(
            title="Active alarms",
            expressions=((f"sortline_alarm_active{_PLANT} == 1", "{{line}} {{kind}}"),),
            kind="table",
        ),
    ),
)
FLEET_BOARD: Final = Board(
    uid="sortline-fleet",
    title="Sorting plants",
    variables=(),
    panels=(
        Panel(
            title="Throughput by plant",
            expressions=(("plant:sortline_item_mass_tonnes_per_hour:rate5m", "{{plant}}"),),
            unit="suffix: t/h",
        ),
        Panel(
            title="Lines connected",
            expressions=(
                ("sum by (plant) (sortline_line_up)", "{{plant}} connected"),
                ("count by (plant) (sortline_line_up)", "{{plant}} all"),
            ),
            kind="bargauge",
        ),
        Panel(
            title="OEE, 24 hours",
            expressions=(
                (
                    'avg by (plant) (sortline_effectiveness_ratio{part="oee"})',
                    "{{plant}}",
                ),
            ),
            unit="percentunit",
            note="Mean of the plant's lines, each with the same weight",
        ),
        Panel(
            title="Critical alarms",
            expressions=(
                (
                    'sum by (plant, line) (sortline_alarm_active{priority="critical"})',
                    "{{plant}} {{line}}",
                ),
            ),
            kind="table",
        ),
        Panel(
            title="Model in use",
            expressions=(("sortline_line_info", "{{plant}} {{line}} {{bundle_id}}"),),
            kind="table",
            width=24,
        ),
    ),
)
BOARDS: Final = (LINE_BOARD, PLANT_BOARD, FLEET_BOARD)
