"""The whole calibration on rigs that hide their truth, and what happens when it is done wrong."""

from datetime import UTC, datetime

import numpy as np
import pytest

from calibration.bench import Task, TaskKind
from calibration.board.spec import board_named
from calibration.errors import ProcedureError
from calibration.procedures.belt import calibrate_belt
from calibration.procedures.camera import calibrate_camera
from calibration.procedures.delay import calibrate_delay
from calibration.procedures.encoder import calibrate_encoder
from calibration.procedures.places import reference_place
from calibration.procedures.steps import say_nothing
from calibration.procedures.valves import BeltScale, NominalBar, calibrate_valves
from calibration.procedures.whole import (
    LineToCalibrate,
    Procedure,
    Signature,
    calibrate,
)
from calibration.solve.lens import fit_lens
from twin.rig.bench import RigBench
from twin.rig.truth import random_rig

SPEC = board_named("A3")
SIGNATURE = Signature(by="anna", at_utc=datetime(2026, 11, 25, tzinfo=UTC), note="new lens")
BAR = NominalBar(
    name="plastic", index=0, count=80, pitch_mm=12.5, first_x_mm=6.25, distance_mm=600.0
)


def line_of(truth):
    return LineToCalibrate(
        camera_id="camera-1",
        belt_id="belt-1",
        belt_width_mm=truth.belt_width_mm,
        speed_mm_per_s=truth.speed_mm_per_s,
        bars=(BAR,),
        board=SPEC,
        place=reference_place(SPEC),
    )


@pytest.fixture(scope="module")
def rig():
    truth = random_rig(4)
    bench = RigBench(truth, SPEC, seed=4)
    steps = []
    record = calibrate(bench, line_of(truth), frozenset(Procedure), None, SIGNATURE, steps.append)
    return truth, bench, record, steps


@pytest.fixture(scope="module")
def camera():
    return calibrate_camera(RigBench(random_rig(4), SPEC, seed=4), SPEC, say_nothing)


def bench_with(**mischief):
    bench = RigBench(random_rig(4), SPEC, seed=4)
    for name, value in mischief.items():
        setattr(bench.mischief, name, value)
    return bench


def errors_mm(truth, plane):
    v, u = np.mgrid[0:321:20, 0:641:20]
    grid = np.column_stack((u.ravel(), v.ravel())).astype(float)
    true = truth.plane.to_machine_mm(grid)
    on_belt = (true[:, 0] >= 0) & (true[:, 0] <= truth.belt_width_mm)
    return np.hypot(*(plane.to_machine_mm(grid) - true)[on_belt].T)


def test_places_on_the_belt_come_out_over_the_whole_view(rig):
    truth, _, record, _ = rig
    errors = errors_mm(truth, record.calibration.plane)
    assert np.sqrt((errors**2).mean()) < 0.5
    assert np.percentile(errors, 99) < 1.5


def test_scale_delay_and_valves_come_out(rig):
    truth, _, record, _ = rig
    calibration = record.calibration
    assert calibration.travel.mm_per_tick == pytest.approx(truth.mm_per_tick, rel=5e-4)
    assert calibration.camera_delay_ms == pytest.approx(truth.camera_delay_ms, abs=0.3)
    (station,), bar = calibration.stations, truth.stations[0]
    for valve in (0, 40, 79):
        x, s = bar.place_mm(valve)
        assert station.valve_x_mm(valve) == pytest.approx(x, abs=1.0)
        assert station.valve_s_mm(valve) == pytest.approx(s, abs=1.0)
    assert station.open_lag_ms == pytest.approx(bar.lag_ms, abs=1.0)


def test_the_record_says_who_when_what_and_how_well(rig):
    _, _, record, _ = rig
    assert record.provenance.procedures == tuple(procedure.value for procedure in Procedure)
    assert record.provenance.measured_by == "anna"
    assert record.finding("hold_out_error_px") < 0.2
    assert record.finding("hold_out_error_px") != record.finding("fit_error_px")
    assert record.finding("error_top_left_px") < 0.3
    focal = next(f for f in record.findings if f.name == "fx_px")
    assert 0 < focal.sd < 5
    assert abs(record.finding("plastic_hit_offset_mm")) < 3


def test_every_procedure_shows_what_it_sees_and_ends_complete(rig):
    _, _, _, steps = rig
    for procedure in Procedure:
        own = [step for step in steps if step.procedure == procedure.value]
        assert own[-1].share == 1.0
        assert any(step.image is not None for step in own)


def test_one_procedure_anew_carries_the_rest_over(rig):
    truth, bench, record, _ = rig
    again = calibrate(
        bench, line_of(truth), frozenset({Procedure.DELAY}), record, SIGNATURE, say_nothing
    )
    assert again.provenance.procedures == ("delay",)
    assert again.provenance.based_on == record.sha256
    assert again.calibration.stations == record.calibration.stations
    assert again.finding("hold_out_error_px") == record.finding("hold_out_error_px")


def test_a_procedure_that_needs_another_says_so():
    truth = random_rig(4)
    bench = RigBench(truth, SPEC, seed=4)
    with pytest.raises(ProcedureError, match=r"delay cannot .* before belt; calibrate belt first"):
        calibrate(bench, line_of(truth), frozenset({Procedure.DELAY}), None, SIGNATURE, say_nothing)


@pytest.mark.parametrize(
    ("mischief", "words"),
    [
        ({"mirrored": True}, "mirrored board.*switch off the camera's mirroring"),
        ({"other_board": True}, "another board.*named with --board"),
        ({"face_down": True}, "no board.*printed side towards the camera"),
        ({"covered_share": 0.85}, "board"),
        ({"glare": True}, "board|glare"),
    ],
)
def test_a_board_held_wrong_is_refused_with_the_remedy(mischief, words):
    with pytest.raises(ProcedureError, match=words):
        calibrate_camera(bench_with(**mischief), SPEC, say_nothing)


def belt(bench, camera):
    return calibrate_belt(bench, SPEC, camera, reference_place(SPEC), say_nothing)


def test_a_board_lying_the_wrong_way_round_is_found_by_its_motion(camera):
    with pytest.raises(ProcedureError, match="wrong way round; turn it by half a turn"):
        belt(bench_with(upside_down=True), camera)


def test_half_a_board_is_no_reference(camera):
    with pytest.raises(ProcedureError, match="half visible"):
        belt(bench_with(covered_share=0.3), camera)


def test_a_belt_that_stands_is_found(camera):
    bench = bench_with()
    bench.belt.stuck = True
    with pytest.raises(ProcedureError, match=r"did not move.*start the belt"):
        belt(bench, camera)
    with pytest.raises(ProcedureError, match=r"stood still.*start the belt"):
        calibrate_encoder(bench, random_rig(4).plane, 0.5, 0.001, say_nothing)


def test_a_reversed_encoder_is_found_by_each_procedure_that_looks_at_it(camera):
    bench = bench_with()
    bench.belt.encoder_sign = -1
    with pytest.raises(ProcedureError, match="swap the encoder's channels"):
        belt(bench, camera)
    with pytest.raises(ProcedureError, match="swap the encoder's channels"):
        calibrate_encoder(bench, random_rig(4).plane, 0.5, 0.001, say_nothing)


def test_three_photographs_are_too_few():
    bench = bench_with()
    views = calibrate_camera(bench, SPEC, say_nothing).views
    with pytest.raises(ProcedureError, match="3 usable views of the board, 8 are needed"):
        fit_lens(views[:3], bench.image_size_px)


def test_a_missing_strip_is_named():
    truth = random_rig(4)
    belt = BeltScale(
        plane=truth.plane,
        mm_per_tick=truth.mm_per_tick,
        width_mm=1000.0,
        speed_mm_per_s=truth.speed_mm_per_s,
    )
    with pytest.raises(ProcedureError, match=r"test strip missing: tag 200 and 201"):
        calibrate_valves(bench_with(strip_missing=True), BAR, belt, say_nothing)


def test_a_delay_wants_a_board_in_view():
    truth = random_rig(4)
    with pytest.raises(ProcedureError, match="in none of the photographs"):
        calibrate_delay(
            bench_with(face_down=True), SPEC, truth.plane, truth.mm_per_tick, say_nothing
        )


def test_a_slipping_encoder_contradicts_tape_and_texture():
    truth = random_rig(4)
    bench = bench_with()
    bench.belt.slip = 0.03
    bench.ask(Task(kind=TaskKind.CLEAR_BELT, words=""))
    with pytest.raises(ProcedureError, match="against the others"):
        calibrate_encoder(
            bench, truth.plane, truth.mm_per_tick, truth.mm_per_tick * 1e-4, say_nothing
        )
