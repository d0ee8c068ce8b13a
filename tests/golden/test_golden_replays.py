"""Recorded scenes give the committed decisions and pulses; `make golden` accepts new ones."""

import difflib

import pytest

from tests.golden import __main__ as golden
from tests.golden.replays import SCENES, read_scene, replayed

NAMES = sorted(path.stem for path in SCENES.glob("*.jsonl"))


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_scene_is_decided_as_accepted(name):
    accepted = (SCENES / f"{name}.txt").read_text(encoding="utf-8")
    now = replayed(SCENES / f"{name}.jsonl")
    difference = "\n".join(
        difflib.unified_diff(
            accepted.splitlines(), now.splitlines(), "accepted", "now", lineterm="", n=1
        )
    )
    assert not difference, f"read the difference, then `make golden`:\n{difference}"


def test_every_scene_that_can_be_recorded_is_there_and_none_else():
    assert sorted(golden.RECORDED) == NAMES


def test_scenes_hold_decisions_pulses_hazards_and_are_small():
    texts = {name: (SCENES / f"{name}.txt").read_text() for name in NAMES}
    assert "HAZARD" in texts["lamps"]
    assert "pulse" in texts["crowded"]
    assert "station 3" in texts["four-stations"]
    assert all((SCENES / f"{name}.jsonl").stat().st_size < 400_000 for name in NAMES)


def test_a_scene_reads_back_with_its_frames_in_order():
    _, steps = read_scene(SCENES / "sparse.jsonl")
    ticks = [step.stamp.tick for step in steps]
    assert ticks == sorted(ticks)
    assert len(ticks) > 20


def test_a_scene_that_does_not_exist_is_told_with_those_that_do(capsys):
    assert golden.main(["accept", "nothing"]) == 2
    assert "crowded" in capsys.readouterr().err
