"""Metrics, rules and dashboards agree: every name used exists, and the series stay few."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from calibration.clock import MonotonicClock
from controller.snapshot import LATENCY_BOUNDS_MS, BeltUse, StageLatency, StateTime
from controller.states import LineMode, LineState
from controller.types import ActionPolicy, DecisionReason, ItemOutcome
from controller.valve_wear import BarWear
from plc.types import PulseCounters
from telemetry.audited import AuditedPurity
from telemetry.dashboards import write_dashboards
from telemetry.effectiveness.figures import effectiveness
from telemetry.effectiveness.reasons import shipped_reasons
from telemetry.effectiveness.types import Production
from telemetry.estimates.types import Basis, Evidence, Method, Share
from telemetry.hub import LineHub
from telemetry.line_server import LineServer
from telemetry.messages import SessionAnnounced
from telemetry.metrics import LineCollector, make_registry
from telemetry.recorder import Recorder
from telemetry.store import ItemStore
from telemetry.tally import ItemTally, TallyKey
from telemetry.wall import UtcMapper, utc_now
from tests.support.telemetry_line import STATIONS, RecordSource
from vision.types import FRACTIONS

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
GRAFANA = ROOT / "deploy/grafana/dashboards"
CLOCK = MonotonicClock()
PURITY = tuple(
    AuditedPurity(
        product=fraction,
        share=Share(
            value=0.9,
            low=0.8,
            high=0.95,
            level=0.95,
            basis=Basis.MASS,
            method=Method.RATIO_BLOCK,
            evidence=Evidence(n_blocks=9, n_objects=90),
        ),
        reason="",
    )
    for fraction in FRACTIONS
)
EVERY_TALLY = tuple(
    ItemTally(
        key=TallyKey(fraction=f, action=a, reason=r, station=s, outcome=o), items=1, mass_g=1.0
    )
    for f in FRACTIONS
    for a in ActionPolicy
    for r in DecisionReason
    for o in ItemOutcome
    for s in (None, 0, 1, 2, 3)
)
MOST_SERIES = 1_000


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorRegistry]:
    """Everything a line can say, every combination at once."""
    utc = UtcMapper(clock=CLOCK)
    store = ItemStore(path=tmp_path_factory.mktemp("m") / "s.sqlite", clock=CLOCK, utc=utc)
    hub = LineHub(clock=CLOCK)
    recorder = Recorder(store=store, on_written=lambda _: None)
    server = LineServer(hub=hub, recorder=recorder, pictures=False)
    session = SessionAnnounced(
        session_id="s1", line_id="l", station_names=STATIONS, opened_ns=CLOCK.now_ns()
    )
    hub.attach(session, stored=EVERY_TALLY, last_seq=len(EVERY_TALLY), sender=lambda _: None)
    for number in range(2):
        hub.take_snapshot(_full_snapshot(number))
    now = utc_now()
    figures = effectiveness(
        (), Production(), start=now, end=now, rated_t_per_h=1.0, reasons=shipped_reasons()
    )
    yield make_registry(
        LineCollector(
            hub=hub,
            recorder=recorder,
            server=server,
            effectiveness=lambda: figures,
            purity=lambda: PURITY,
        )
    )
    store.close()


def _full_snapshot(number: int):  # type: ignore[no-untyped-def]
    snapshot = RecordSource("s1").snapshot(CLOCK.now_ns())
    buckets = tuple(range(len(LATENCY_BOUNDS_MS) + 1))
    stages = ("exposure_to_pipeline", "detect", "step", "exposure_to_link")
    return replace(
        snapshot,
        air_nl_per_t=100.0,
        pulses=PulseCounters(fired=1, late=2, refused=3, blocked=4),
        belt=BeltUse(width_mm=1000, travelled_mm=number * 5000, covered_mm2=number * 1e6),
        state_times=tuple(
            StateTime(mode=m, state=s, total_ms=1.0) for m in LineMode for s in LineState
        ),
        latencies=tuple(
            StageLatency(stage=s, p50_ms=1, p99_ms=2, count=3, buckets=buckets, sum_ms=9)
            for s in stages
        ),
        bars=tuple(
            BarWear(
                station=name,
                cycles_max=1,
                worn_valve=0,
                life_share=0.1,
                duty=0.1,
                duty_max=0.1,
                air_nl=1.0,
                silent=(),
            )
            for name in STATIONS
        ),
    )


def _families(registry: CollectorRegistry) -> dict[str, list[str]]:
    text = generate_latest(registry).decode()
    return {
        family.name: [sample.name for sample in family.samples]
        for family in text_string_to_metric_families(text)
    }


def _sample_names(registry: CollectorRegistry) -> set[str]:
    names = {name for samples in _families(registry).values() for name in samples}
    return names | set(_families(registry)) | {"up"}


def _recorded() -> set[str]:
    text = (PROMETHEUS / "rules/recording.yml").read_text("utf-8")
    return set(re.findall(r"record: (\S+)", text))


def _used_in(expression: str) -> set[str]:
    return set(re.findall(r"[a-z_]*:?sortline_[a-z0-9_]+(?::[a-z0-9_]+)?|\bup\b", expression))


def test_names_and_units_follow_the_convention(registry: CollectorRegistry) -> None:
    for family in _families(registry):
        assert family.startswith("sortline_")
        assert not re.search(
            r"_(ms|mm|kg|km|pct|percent|minutes|hours)(_|$)", family
        ) or family in (
            "sortline_alarm_rises_10_minutes",
            "sortline_alarm_rises_24_hours",
        )


def test_the_number_of_series_is_bounded_whatever_a_line_says(registry: CollectorRegistry) -> None:
    series = sum(len(samples) for samples in _families(registry).values())
    assert 200 < series < MOST_SERIES
    limit = re.search(r"sample_limit: (\d+)", (PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    assert limit is not None
    assert series < int(limit[1])


def test_every_metric_that_a_rule_uses_exists(registry: CollectorRegistry) -> None:
    known = _sample_names(registry) | _recorded()
    for name in ("recording.yml", "alerts.yml"):
        text = (PROMETHEUS / "rules" / name).read_text("utf-8")
        for expression in re.findall(r"expr: (?:>-\n)?((?:.+\n?)(?:          .+\n)*)", text):
            assert _used_in(expression)
            assert _used_in(expression) <= known, expression


@pytest.mark.parametrize("name", ["line", "plant", "fleet"])
def test_dashboards_are_as_generated_and_use_only_what_exists(
    name: str, registry: CollectorRegistry, tmp_path: Path
) -> None:
    write_dashboards(tmp_path)
    text = (GRAFANA / f"{name}.json").read_text("utf-8")
    assert text == (tmp_path / f"{name}.json").read_text("utf-8"), (
        "run: python -m telemetry.dashboards deploy/grafana/dashboards"
    )
    known = _sample_names(registry) | _recorded()
    panels = json.loads(text)["panels"]
    for panel in panels:
        for target in panel["targets"]:
            assert _used_in(target["expr"]), target["expr"]
            assert _used_in(target["expr"]) <= known, target["expr"]
    _refuse_overlaps([panel["gridPos"] for panel in panels])


@pytest.mark.parametrize("name", ["line", "plant", "fleet"])
def test_dashboards_fit_the_schema_of_grafana(name: str) -> None:
    sent = json.loads((GRAFANA / f"{name}.json").read_text("utf-8"))
    understood = json.loads(json.dumps(Dashboard.from_json(sent).to_json(), default=_plain))
    assert _lost(sent, understood) == []


def _plain(value: object) -> object:
    to_json = getattr(value, "to_json", None)
    return to_json() if to_json is not None else str(value)


def _lost(sent: object, understood: object, path: str = "") -> list[str]:
    """Return every key that the schema does not know: it is gone after a round trip."""
    if isinstance(sent, dict):
        if not isinstance(understood, dict):
            return [path]
        return [
            part
            for key, value in sent.items()
            for part in _lost(value, understood.get(key, _MISSING), f"{path}.{key}")
        ]
    if isinstance(sent, list):
        if not isinstance(understood, list) or len(sent) != len(understood):
            return [path]
        pairs = zip(sent, understood, strict=True)
        return [p for n, (a, b) in enumerate(pairs) for p in _lost(a, b, f"{path}[{n}]")]
    return [] if sent == understood else [path]


_MISSING = object()


def _refuse_overlaps(places: list[dict[str, int]]) -> None:
    taken: set[tuple[int, int]] = set()
    for place in places:
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool; run deploy/install-test-packages.sh")
@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("test", "rules", "rules/rules_test.yml")],
)
def test_promtool_accepts_configuration_and_rules(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [PROMTOOL or "", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool; run deploy/install-test-packages.sh")
def test_promtool_finds_nothing_to_say_of_the_metrics(registry: CollectorRegistry) -> None:
    done = subprocess.run(
        [PROMTOOL or "", "check", "metrics"],
        input=generate_latest(registry),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
