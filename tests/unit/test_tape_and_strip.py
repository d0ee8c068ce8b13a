"""A bar measured by tape and the daily look at the reference strip, by the command."""

import json

import pytest

import run_line
from calibration import line_calibration
from tests.support.kept_truth import keep_truth
from tests.unit.test_run_line_calibrate import LINE, Ran

STRIP = "100,-60:100,0:100,60"


@pytest.fixture
def kept(tmp_path):
    """The twin's line with a calibration in force."""
    folder = tmp_path / "kept"
    keep_truth(LINE, folder)
    return folder


@pytest.fixture
def ran(capsys):
    return lambda *words: Ran(capsys, *words)


@pytest.fixture
def valves(ran, kept):
    """Measure a bar by tape in the kept store."""
    return lambda words: ran(LINE, "valves", "--two-valves", words, "--store", kept, "--by", "anna")


def test_two_valves_by_tape_put_the_bar_where_they_are_and_keep_its_timing(valves, kept):
    def bar():
        return line_calibration.load(
            kept / "current.json", camera_id="twin-camera", belt_id="standard-belt"
        ).stations[0]

    before = bar()
    done = valves("plastic:0=8.0,79=995.5")
    assert done.code == 0
    assert "kept as version" in done.said
    after = bar()
    assert after.first_valve_x_mm == pytest.approx(8.0)
    assert after.valve_pitch_mm == pytest.approx(12.5)
    assert after.position_sd_mm == pytest.approx(0.5)
    assert (after.open_lag_ms, after.distance_mm) == (before.open_lag_ms, before.distance_mm)
    assert "mm" in done.said.partition("changed:")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plastic", "STATION:VALVE=MM,VALVE=MM"),
        ("plastic:0=1.2.3,79=990", "STATION:VALVE=MM,VALVE=MM"),
        ("glass:0=6,79=993", "no jet bar 'glass'"),
        ("plastic:0=6,80=993", "valves 0 to 79"),
        ("plastic:5=60,5=60", "measured twice"),
        ("plastic:0=993,79=6", "from the left edge"),
        ("plastic:0=6,79=500", "count the valves"),
    ],
)
def test_a_slip_of_the_tape_is_refused_with_what_to_do(valves, words, said):
    done = valves(words)
    assert done.code == 2
    assert said in done.said


def test_two_valves_go_with_the_action_valves_only(ran, kept):
    done = ran(LINE, "delay", "--two-valves", "plastic:0=6,79=993", "--store", kept)
    assert done.code == 2
    assert "action valves" in done.said


def test_the_strip_is_kept_once_and_compared_every_day(ran, kept):
    def look(*words):
        return ran(LINE, "check-strip", "--source", "twin", "--store", kept, *words)

    assert "--strip X,S" in look().said
    assert "strip kept in" in look("--strip", STRIP).said
    same = look()
    assert same.code == 0
    assert "the strip is as it was" in same.said
    file = kept / "strip.json"
    brighter = json.loads(file.read_text())
    brighter["levels"] = [1.4 * level for level in brighter["levels"]]
    file.write_text(json.dumps(brighter))
    dark = look()
    assert dark.code == 1
    assert "light or exposure" in dark.said
    file.write_text("{}")
    assert look().code == 2


@pytest.mark.parametrize(
    ("strip", "said"), [("100;0", "as in --strip"), ("100,0:5000,0", "not in the camera's view")]
)
def test_a_strip_that_makes_no_sense_is_refused(ran, kept, strip, said):
    done = ran(LINE, "check-strip", "--source", "twin", "--store", kept, "--strip", strip)
    assert done.code == 2
    assert said in done.said


def test_the_command_line_has_the_new_words(capsys):
    with pytest.raises(SystemExit):
        run_line.main(["calibrate", "--help"])
    said = capsys.readouterr().out
    assert "check-strip" in said
    assert "--two-valves" in said
