"""What goes wrong beside the belt, as a user of the command sees it."""

import csv

import cv2
import pytest

from calibration.bench import Task, TaskKind
from calibration.board.spec import board_named
from tests.support.kept_truth import keep_truth
from tests.unit.test_run_line_calibrate import LINE, Ran
from twin.rig.bench import RigBench
from twin.rig.truth import random_rig


@pytest.fixture
def ran(capsys):
    return lambda *words: Ran(capsys, *words)


@pytest.fixture
def kept(tmp_path):
    keep_truth(LINE, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("action", "mishap", "said"),
    [
        ("camera", "mirrored", "mirrored board: the board is seen as in a mirror; switch off"),
        ("camera", "face-down", "no marker of any board is to be seen; hold the printed side"),
        ("camera", "other-board", "this is board A4, the procedure was told board A3"),
        ("camera", "half-visible", "of 28 corners are to be seen"),
        ("camera", "blurred", "hold the board still, focus the camera"),
        ("camera", "glare", "of the photograph is burnt out; turn the board or the lamp"),
        ("delay", "belt-stopped", "the belt did not move, or the encoder counted nothing"),
        ("delay", "encoder-reversed", "swap the encoder's channels A and B"),
        ("encoder", "belt-stopped", "the belt stood still"),
        ("encoder", "encoder-reversed", "swap the encoder's channels A and B"),
        ("valves", "strip-missing", "test strip missing: tag 200 and 201"),
        ("valves", "belt-stopped", "the belt did not move"),
        ("valves", "encoder-reversed", "swap the encoder's channels A and B"),
        ("light", "half-visible", "let the card fill the whole view"),
    ],
)
def test_a_mishap_is_named_with_its_remedy_and_nothing_is_kept(ran, kept, action, mishap, said):
    done = ran(LINE, action, "--source", "twin", "--store", kept, "--mishap", mishap)
    assert done.code == 2
    assert said in done.said.partition("error ")[2]
    assert len(list((kept / "versions").iterdir())) == 1


def photographs(folder, held, spoil=lambda bench: None, sign=1, jog_mm=60.0):
    """Take photographs on a rig as a technician would keep them in a folder."""
    bench = RigBench(random_rig(4), board_named("A3"), seed=4)
    for name in ("held", "belt"):
        (folder / name).mkdir()
    for number in range(held):
        cell, side = (number % 3, number % 4), (None, 0, 1, 2, 3)[number % 5]
        bench.ask(Task(kind=TaskKind.HOLD_BOARD, words="", cell=cell, side=side))
        cv2.imwrite(str(folder / "held" / f"{number:02d}.png"), bench.photograph().image)
    spoil(bench)
    rows = []
    bench.ask(Task(kind=TaskKind.LAY_BOARD, words="", lane=0.0))
    for step in range(5):
        shot = bench.photograph()
        cv2.imwrite(str(folder / "belt" / f"{step}.png"), shot.image)
        rows.append((f"{step}.png", sign * shot.tick, 0))
        if jog_mm:
            bench.jog(jog_mm)
    with (folder / "belt" / "ticks.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("name", "tick", "laying"), *rows])


def upside_down(bench):
    bench.mischief.upside_down = True


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ({"held": 3}, "3 usable views of the board, 8 are needed"),
        ({"held": 14, "spoil": upside_down}, "it lies the wrong way round; turn it by half a turn"),
        ({"held": 14, "sign": -1}, "swap the encoder's channels A and B"),
        ({"held": 14, "jog_mm": 0.0}, "the belt did not move between the photographs"),
    ],
)
def test_photographs_taken_wrong_are_refused_with_what_to_do(ran, tmp_path, taken, said):
    photographs(tmp_path, **taken)
    done = ran(LINE, "belt", "--source", tmp_path, "--store", tmp_path / "kept")
    assert done.code == 2
    assert said in done.said
    assert not (tmp_path / "kept").exists()


def test_a_mishap_spoils_the_twin_only(ran, tmp_path):
    photographs(tmp_path, held=1)
    done = ran(LINE, "belt", "--source", tmp_path, "--store", tmp_path, "--mishap", "glare")
    assert done.code == 2
    assert "--mishap spoils the twin only" in done.said
