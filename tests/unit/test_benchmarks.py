"""The arithmetic of the benchmarks and their rigs, on small made-up measurements."""

import json
from collections import Counter
from threading import Event

import numpy as np
import pytest
from rich.console import Console

from benchmarks import __main__ as runner
from benchmarks import firing, firing_queue, latency, result
from benchmarks.belt_camera import BeltCamera
from benchmarks.latency_figures import (
    SceneResult,
    line_figures,
    percentiles,
    ratios,
    track_figures,
)
from benchmarks.line_bench import Measured, Stopwatch, busy
from benchmarks.result import CannotRunError, Figures
from benchmarks.salvo import VALVES, Planner, Shots, judge
from benchmarks.scenes import LOOP_MM, EndlessBelt, draw_belt
from benchmarks.standard_line import standard_line
from benchmarks.track_baseline import Film, LineCrossing
from calibration.units import BeltTick
from calibration.valve_map import ValveSpan
from controller.latency_window import Stage
from controller.types import ActionPolicy
from plc.types import EjectionCommand, EjectionReport, PulseOutcome
from tests.support.plc_bench import VirtualClock
from twin.catalogue import open_catalogue
from vision.errors import CameraTimeoutError
from vision.types import Fraction


def counted_belt(count=10, step_mm=5.0):
    images = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 8, 3), np.uint8)
    return EndlessBelt(images=images, step_mm=step_mm)


def report(pulse_id, open_tick=100, outcome=PulseOutcome.FIRED):
    return EjectionReport(
        pulse_id=pulse_id,
        outcome=outcome,
        open_tick=BeltTick(open_tick),
        close_tick=BeltTick(open_tick + 50),
    )


def test_results_are_written_with_command_machine_and_time(tmp_path, monkeypatch):
    monkeypatch.setattr(result, "RESULTS", tmp_path / "results")
    path = result.write("firing", "python -m benchmarks firing", Figures(values=(("late", 0),)))
    document = json.loads(path.read_text())
    assert set(document) == {"command", "machine", "at_utc", "figures"}
    assert document["figures"] == {"late": 0}


def test_a_benchmark_that_cannot_run_says_why_and_returns_two(monkeypatch, capsys):
    def missing(**_):
        raise CannotRunError("weights.pt is missing")

    monkeypatch.setattr(latency, "run", missing)
    monkeypatch.setattr(runner.logging, "disable", lambda _: None)
    assert runner.main(["latency", "--quick"]) == 2
    assert "weights.pt is missing" in capsys.readouterr().out


def test_figures_are_shown_with_their_notes(capsys):
    figures = Figures(values=(("pulses", 20000), ("p50_ms_320", 8.25)), notes=("at 2.8 m/s",))
    result.show("firing", figures, Console())
    shown = capsys.readouterr().out
    assert "20,000" in shown
    assert "8.25" in shown
    assert "at 2.8 m/s" in shown


def opened(pulse_id, *, at=0, valves=(1,), station=0):
    """Return openings of valves, `at` ticks after the plan of a pulse."""
    return {(station, valve): [100 * pulse_id + at] for valve in valves}


def shot(pulse_id, *, last=1):
    return EjectionCommand(
        pulse_id=pulse_id,
        station=0,
        valves=ValveSpan(first=1, last=last),
        open_tick=BeltTick(100 * pulse_id),
        close_tick=BeltTick(100 * pulse_id + 50),
    )


def judged(shots):
    verdict = judge(shots, late_tick=1)
    return verdict.late, verdict.lost, verdict.double


def test_a_late_pulse_is_one_that_opened_more_than_a_tick_late():
    openings = {(0, 1): [101, 202, 300]}
    shots = Shots(
        planned={i: shot(i) for i in (1, 2, 3)},
        reports={i: [report(i)] for i in (1, 2, 3)},
        openings=openings,
    )
    assert judged(shots) == (1, 0, 0)
    assert judge(shots, late_tick=1).errors_tick == (1, 2, 0)


def test_a_pulse_without_a_word_or_without_an_opening_is_lost():
    shots = Shots(
        planned={1: shot(1, last=12), 2: shot(2, last=12)},
        reports={2: [report(2)]},
        openings=opened(2, valves=range(1, 12)),
    )
    assert judged(shots) == (0, 12 + 1, 0)


def test_a_pulse_told_twice_opened_twice_or_opened_though_refused_is_double():
    shots = Shots(
        planned={i: shot(i) for i in (1, 2, 3)},
        reports={
            1: [report(1), report(1)],
            2: [report(2)],
            3: [report(3, outcome=PulseOutcome.LATE)],
        },
        openings={(0, 1): [100, 200, 203, 300]},
    )
    assert judged(shots) == (0, 0, 3)


def test_a_refused_pulse_that_stayed_shut_is_neither_lost_nor_double():
    shots = Shots(
        planned={1: shot(1)}, reports={1: [report(1, outcome=PulseOutcome.REFUSED)]}, openings={}
    )
    assert judged(shots) == (0, 0, 0)


def test_an_opening_that_nobody_planned_is_double():
    assert judged(Shots(openings={(3, 7): [5]})) == (0, 0, 1)


def test_firing_figures_carry_the_agreed_keys_even_without_any_pulse():
    empty = firing.QueueRun(
        verdicts=(judge(Shots(), late_tick=1),),
        lost_links=0,
        restarts=0,
        reports_lost=0,
        faults=Counter(),
    )
    agreed = ("pulses", "p999_ticks", "late", "lost", "double", "p50_ticks", "max_ticks")
    for suffix in ("", "_faults"):
        figures = dict(firing.queue_figures([empty], suffix=suffix))
        assert all(f"{key}{suffix}" in figures for key in agreed)
    assert "direct_p999_ms" in dict(firing.coil_figures("direct", [0.1], 0))
    assert dict(firing.coil_figures("naive", [], 0))["naive_p999_ms"] == 0.0


def test_the_full_firing_run_fires_a_million_pulses_in_a_quarter_of_an_hour():
    full = firing.scenarios(quick=False)
    bars = firing_queue.PLCS * firing_queue.STATIONS
    pulses = sum(s.rate_per_min / 60 * s.for_s * bars * VALVES for s in full if not s.faults)
    assert pulses >= 1_000_000
    measured_s = sum(s.for_s for s in full) + 2 * firing.DIRECT_S
    assert measured_s < 12 * 60


def test_planned_ejections_of_one_valve_never_overlap():
    planner = Planner(station=0, valves=80, rate_per_s=5000 / 60, seed=1)
    free = {}
    for at_s, open_s, _, span in planner.until(60.0):
        for valve in range(span.first, span.last + 1):
            assert at_s > free.get(valve, -1.0)
            free[valve] = at_s + open_s


def measured(*pulse_ms, frames_per_s=100.0):
    return Measured(
        frames_per_s=frames_per_s, frame_ms=np.array([5.0, 6.0]), pulse_ms=np.array(pulse_ms)
    )


def test_latency_figures_and_ratios_carry_the_agreed_keys():
    scene = SceneResult(steady=measured(8.0, 8.0, frames_per_s=50.0), flat_out=measured(9.0))
    line = line_figures({(320, 20): scene, (640, 20): scene, (320, 60): scene})
    timed = {"frames_per_s": 20.0, "boxes_per_frame": 3.0, "frame_ms": [50.0]}
    track = track_figures(
        {
            "320 20 fresh": {**timed, "coil_ms": [30.0]},
            "320 20 camera": {**timed, "coil_ms": [40.0]},
        }
    )
    figures = dict((*line, *track))
    figures |= dict(ratios(figures))
    assert figures["fps_320"] == 100.0
    assert figures["p99_ms_640"] == 8.0
    assert figures["p50_ms_320_60"] == 8.0
    assert figures["fps_ratio_vs_track"] == 5.0
    assert figures["latency_ratio_vs_track"] == pytest.approx(0.2)


def test_no_pulses_give_no_percentiles_and_no_ratio():
    assert percentiles("", "_320", []) == ()
    assert ratios({"fps_320": 100.0}) == ()


def test_without_weights_the_comparison_is_refused_with_the_path(tmp_path):
    standard = standard_line()
    detector = standard.line.detector.model_copy(update={"bundle": tmp_path})
    bare = standard.line.model_copy(update={"detector": detector})
    with pytest.raises(CannotRunError, match=r"weights\.pt"):
        latency.weights(type(standard)(line=bare, twin=standard.twin))


def test_a_python_without_ultralytics_is_refused_with_the_remedy(tmp_path, monkeypatch):
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setenv(latency.PYTHON_VARIABLE, str(bare))
    with pytest.raises(CannotRunError, match="make train-env"):
        latency.track_python()


def test_the_stopwatch_adds_up_a_frame_and_keeps_only_while_told_to():
    watch = Stopwatch()
    watch.add(Stage.EXPOSURE_TO_LINK, 1)
    watch.start()
    for stage, duration_ns in (
        (Stage.EXPOSURE_TO_PIPELINE, 1),
        (Stage.DETECT, 20),
        (Stage.STEP, 300),
        (Stage.EXPOSURE_TO_LINK, 500),
    ):
        watch.add(stage, duration_ns)
    watch.stop()
    watch.add(Stage.STEP, 7)
    assert (watch.frames_ns, watch.pulses_ns) == ([321], [500])
    assert {latency.stage for latency in watch.drain()} == {stage.value for stage in Stage}


def test_the_belt_camera_skips_what_nobody_read_and_shows_the_present():
    clock = VirtualClock()
    camera = BeltCamera(belt=counted_belt(), frames_per_s=100.0, speed_mm_per_s=500.0, clock=clock)
    camera.open()
    first = camera.read(1.0)
    clock.wait(Event(), 0.034)
    later = camera.read(1.0)
    assert (first.seq, later.seq) == (1, 4)
    assert later.exposed_ns - first.exposed_ns == 34_000_000
    assert later.image[0, 0, 0] == 3, "17 mm of travel, 5 mm a frame"
    camera.show(counted_belt(), frames_per_s=0.5)
    camera.read(1.0)
    with pytest.raises(CameraTimeoutError):
        camera.read(0.1)
    camera.close()


def test_the_endless_belt_comes_round_again():
    belt = counted_belt()
    assert belt.at(52.0)[0, 0, 0] == 0
    assert np.array_equal(belt.at(10.0), belt.at(60.0))


def test_a_drawn_belt_moves_on_without_a_jump_where_its_ends_meet():
    standard = standard_line()
    step_mm = LOOP_MM / 100
    belt = draw_belt(standard, open_catalogue(), items_in_view=15, step_mm=step_mm)
    changes = [
        float(np.abs(belt.at(i * step_mm).astype(int) - belt.at((i + 1) * step_mm)).mean())
        for i in (*range(95, 105), *range(40, 50))
    ]
    assert max(changes[:10]) < 2.0 * max(changes[10:]), "the seam looks like any other place"


def test_the_busy_recipe_stops_for_nothing_and_ejects_nearly_everything():
    recipe = busy(standard_line().line.recipe)
    assert recipe.fractions[Fraction.MERCURY_LAMP].action is ActionPolicy.PASS
    ejected = [f for f, rule in recipe.fractions.items() if rule.action is ActionPolicy.EJECT]
    assert set(ejected) == {Fraction.PLASTIC, Fraction.PAPER, Fraction.FOOD, Fraction.WEEE}


class Coils:
    """A Modbus client that keeps what it was asked to write."""

    def __init__(self):
        self.written = []

    def write_coil(self, address, value, *, device_id):
        self.written.append((address, value, device_id))


class Numbers(list):
    """A list with the methods of a tensor that are asked for."""

    def int(self):
        return self

    def tolist(self):
        return list(self)


class Boxes:
    def __init__(self, ids, xywh):
        self.id = None if ids is None else Numbers(ids)
        self.xywh = Numbers(xywh)


def test_the_comparison_writes_one_coil_when_a_box_crosses_the_middle_downstream():
    client = Coils()
    crossing = LineCrossing(client, unit_id=1, valves=80)
    shape = (320, 640)
    assert crossing.serve(Boxes(None, []), shape) == 0
    assert crossing.serve(Boxes([7], [(320.0, 200.0, 40.0, 40.0)]), shape) == 0
    assert crossing.serve(Boxes([7], [(320.0, 150.0, 40.0, 40.0)]), shape) == 1
    assert crossing.serve(Boxes([7], [(320.0, 100.0, 40.0, 40.0)]), shape) == 0
    assert client.written == [(40, True, 1)]


def test_the_comparison_always_sees_a_frame_of_the_loop(tmp_path):
    np.save(tmp_path / "20.npy", counted_belt().images)
    for rate in (0.0, 200.0):
        film = Film(tmp_path / "20.npy", step_mm=5.0, speed_mm_per_s=2800.0, frames_per_s=rate)
        times = [film.read()[0] for _ in range(3)]
        assert times == sorted(set(times))
        assert film.read()[1].shape == (4, 8, 3)
