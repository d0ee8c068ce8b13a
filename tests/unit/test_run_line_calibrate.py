"""The calibrate command from end to end on the twin, on photographs, and with words gone wrong."""

import csv
import json

import cv2
import pytest

import run_line
from calibration import line_calibration
from calibration.bench import Task, TaskKind
from calibration.board.spec import board_named
from calibration.procedures.whole import Procedure
from twin.rig.bench import RigBench
from twin.rig.truth import random_rig
from twin.whole_line import LINES

LINE = LINES / "standard.toml"
EVERYTHING = tuple(procedure.value for procedure in Procedure)


class Ran:
    def __init__(self, capsys, *words):
        capsys.readouterr()
        self.code = run_line.main(["calibrate", *(str(word) for word in words)])
        self.out, self.err = capsys.readouterr()
        self.said = " ".join((self.out + self.err).split())


@pytest.fixture
def ran(capsys):
    return lambda *words: Ran(capsys, *words)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store in which the twin's standard line was calibrated once."""
    folder = tmp_path_factory.mktemp("kept")
    pictures = folder / "pictures"
    code = run_line.main(
        [
            *("calibrate", str(LINE), "all", "--source", "twin", "--store", str(folder)),
            *("--by", "anna", "--note", "first", "--pictures", str(pictures)),
        ]
    )
    assert code == 0
    return folder


def test_the_twin_is_calibrated_from_nothing_and_judged(ran, kept):
    shown = ran(LINE, "show", "--store", kept)
    assert shown.code == 0
    assert "measured by anna" in shown.said
    assert "hold_out_error_px" in shown.said
    document = json.loads(ran(LINE, "show", "--store", kept, "--json").out)
    assert document["procedures"] == list(EVERYTHING)
    assert abs(document["findings"]["delay.camera_delay_ms"]) < 0.3


def test_the_line_can_load_what_was_kept(kept):
    loaded = line_calibration.load(
        kept / "current.json", camera_id="twin-camera", belt_id="standard-belt"
    )
    assert loaded.stations[0].distance_mm == pytest.approx(600.0, abs=1.0)


def test_what_drift_is_compared_with_is_kept_and_can_be_taken_anew(ran, kept):
    (reference,) = kept.glob("reference-*.npz")
    reference.unlink()
    again = ran(LINE, "watch", "--source", "twin", "--store", kept)
    assert again.code == 0
    assert f"drift is watched against {reference.name}" in again.said
    assert reference.exists()


def test_each_step_is_kept_as_a_picture(kept):
    pictures = sorted((kept / "pictures").iterdir())
    assert {path.stem.split("-")[1] for path in pictures} == set(EVERYTHING)
    assert cv2.imread(str(pictures[0])).shape[1] == 960


def test_one_procedure_anew_makes_a_version_that_differs_and_can_be_rolled_back(ran, kept):
    again = ran(LINE, "delay", "--source", "twin", "--store", kept, "--by", "ben")
    assert again.code == 0
    assert "kept as version 2" in again.said
    listed = ran(LINE, "list", "--store", kept)
    assert "ben" in listed.said
    assert ran(LINE, "diff", "1", "2", "--store", kept).code == 0
    back = ran(LINE, "rollback", "1", "--store", kept)
    assert "version 1 is in force" in back.said


def test_a_file_edited_by_hand_is_refused_with_what_to_do(ran, kept, tmp_path):
    text = (kept / "current.json").read_text()
    (tmp_path / "current.json").write_text(text.replace('"anna"', '"eve"'))
    refused = ran(LINE, "show", "--store", tmp_path)
    assert refused.code == 2
    assert "altered, calibrate the line again" in refused.said


def test_photographs_calibrate_camera_and_belt(ran, tmp_path):
    spec, truth = board_named("A3"), random_rig(4)
    bench = RigBench(truth, spec, seed=4)
    (tmp_path / "held").mkdir()
    for number in range(14):
        bench.ask(
            Task(
                kind=TaskKind.HOLD_BOARD,
                words="",
                cell=(number % 3, number % 4),
                side=(None, 0, 1, 2, 3)[number % 5],
            )
        )
        path = tmp_path / "held" / f"{number:02d}.png"
        cv2.imwrite(str(path), bench.photograph().image)
    (tmp_path / "belt").mkdir()
    rows = []
    for laying, lane in enumerate((0.0, 0.5, 1.0)):
        bench.ask(Task(kind=TaskKind.LAY_BOARD, words="", lane=lane))
        for step in range(5):
            shot = bench.photograph()
            name = f"{laying}-{step}.png"
            cv2.imwrite(str(tmp_path / "belt" / name), shot.image)
            rows.append((name, shot.tick, laying))
            bench.jog(60.0)
    with (tmp_path / "belt" / "ticks.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("name", "tick", "laying"), *rows])
    done = ran(LINE, "all", "--source", tmp_path, "--store", tmp_path / "kept", "--json")
    assert done.code == 0
    document = json.loads(done.out)
    assert document["procedures"] == ["camera", "belt"]
    assert document["findings"]["belt.belt_residual_mm"] < 0.5
    refused = ran(LINE, "valves", "--source", tmp_path, "--store", tmp_path / "kept")
    assert refused.code == 2
    assert "from photographs only camera and belt" in refused.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["colour"], "neither a line file"),
        ([LINE, "colour"], "no such action; there are all, camera"),
        ([LINE, "rollback"], "rollback needs the number"),
        ([LINE, "show", "one"], "a version is a number"),
        ([LINE, "all", "--square-mm", "20"], "print at 100 %"),
        ([LINE, "all", "--reference", "here"], "give two numbers in mm"),
        ([LINE, "all", "--source", "twin", "--seed", "x"], ""),
        ([LINE, "diff"], "diff needs two"),
        ([LINE, "show"], "no calibration is kept yet"),
    ],
)
def test_words_that_make_no_sense_are_answered_with_what_would(ran, tmp_path, words, said):
    if "x" in words:
        with pytest.raises(SystemExit) as ended:
            ran(*words)
        assert ended.value.code == 2
        return
    done = ran(*words, "--store", tmp_path / "kept")
    assert done.code == 2
    assert said in done.said


def test_the_board_is_printed_without_a_line(ran, tmp_path):
    done = ran("print", "--board", "A4", "--out", tmp_path)
    assert done.code == 0
    assert (tmp_path / "board-A4.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "strip-tags.pdf").exists()


def test_no_photographs_are_named(ran, tmp_path):
    (tmp_path / "held").mkdir()
    done = ran(LINE, "camera", "--source", tmp_path, "--store", tmp_path / "kept")
    assert done.code == 2
    assert "no photographs" in done.said
