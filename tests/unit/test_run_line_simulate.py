import json
import shutil
from pathlib import Path

import cv2
import pytest

import run_line
from controller.session import FORMAT
from tests.models.test_cutouts import made_up_photo
from tests.support.cell_network import write_bundle
from tests.support.coded_frames import write_folder, write_video
from tests.support.filmed_belt import line_text

BALANCE = ["seen", "ejected", "passed", "late", "blocked", "removed"]
FIGURES = ["purity_mass", "recovery_mass", "by_catch_mass", "purity_count", "recovery_count"]
FRACTIONS = ["plastic", "paper", "food", "weee", "mercury_lamp", "other"]


@pytest.fixture
def plate_file(tmp_path):
    """The standard line with the tests' small network in place of the shipped one."""
    write_bundle(tmp_path / "bundle")
    path = tmp_path / "line.toml"
    changes = {
        "../../models/bundles/default": "bundle",
        'backend = "openvino"': 'backend = "onnxruntime"',
        'mercury_lamp = { action = "stop_and_alarm"': 'mercury_lamp = { action = "pass"',
        "../../var/standard/": "",
    }
    path.write_text(line_text(changes, "standard"))
    return path


class Ran:
    """What one command printed."""

    def __init__(self, capsys, *arguments):
        capsys.readouterr()
        self.code = run_line.main([str(argument) for argument in arguments])
        self.out, self.err = capsys.readouterr()


@pytest.fixture
def ran(capsys):
    return lambda *arguments: Ran(capsys, *arguments)


def test_json_has_the_documented_shape_and_its_balance_closes(ran):
    done = ran("simulate", "--items", "25", "--detector", "perfect", "--json", "--seed", "5")
    assert done.code == 0
    result = json.loads(done.out)
    assert result["items"] == 25
    assert list(result["balance"]) == BALANCE
    assert list(result["fractions"]) == FRACTIONS
    assert all(list(figures) == FIGURES for figures in result["fractions"].values())
    balance = result["balance"]
    assert balance["seen"] == sum(balance[name] for name in BALANCE[1:])
    assert done.err == ""


def test_the_same_seed_gives_the_same_result_and_another_one_another(ran):
    def result(seed):
        done = ran("simulate", "--items", "12", "--detector", "perfect", "--json", "--seed", seed)
        document = json.loads(done.out)
        del document["wall_s"]
        return document

    assert result(7) == result(7)
    assert result(7) != result(8)


def test_people_get_tables(ran):
    done = ran("simulate", "--items", "15", "--detector", "perfect", "--occupancy", "0.1")
    assert "15 items in" in done.out
    assert "x real time" in done.out
    assert all(fraction in done.out for fraction in FRACTIONS)


def test_a_recording_s_truth_is_not_known(ran, plate_file, tmp_path):
    video = write_video(tmp_path / "film.avi", 12, 25.0)
    folder = write_folder(tmp_path / "shots", 6)
    for source in (video, f"{folder}@25"):
        done = ran("simulate", plate_file, "--source", source, "--json")
        assert done.code == 0, done.err
        result = json.loads(done.out)
        assert set(result["fractions"]) == set(FRACTIONS)
        assert result["fractions"]["plastic"] == dict.fromkeys(FIGURES)
        assert result["lamps"] is None


def test_photographs_ride_the_belt(ran, plate_file, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for fraction, colour in (("paper", (60, 190, 60)), ("plastic", (40, 40, 200))):
        folder = tmp_path / "photos" / fraction
        folder.mkdir(parents=True)
        assert cv2.imwrite(str(folder / "thing.png"), made_up_photo(colour))
    done = ran("simulate", plate_file, "--items", tmp_path / "photos", "--items", "6", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["items"] == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--items", "0"], "--items 0: neither a positive number nor a folder"),
        (["--items", "-5"], "neither a positive number"),
        (["--items", "/no/such/folder"], "neither a positive number nor a folder of photographs"),
        (["--seed", "-1"], "--seed: "),
        (["--occupancy", "2"], "--occupancy: "),
        (["--occupancy", "nan"], "--occupancy: "),
        (["--belt-speed", "0"], "--belt-speed (in mm/s): "),
        (["--belt-speed", "200"], "transit 350 mm at 200000 mm/s = 1.8 ms"),
        (["--source", "/no/such/film.avi"], "no such file or folder"),
        (["--source", "usb:nine"], "write usb:0"),
    ],
)
def test_bad_values_are_refused_with_clear_words(ran, arguments, words):
    done = ran("simulate", *arguments)
    assert done.code == 2
    assert words in done.err
    assert done.out == ""


def test_bad_values_are_reported_all_at_once(ran):
    done = ran("simulate", "--seed", "-1", "--occupancy", "2", "--belt-speed", "-1")
    assert [line.split(":")[0] for line in done.err.splitlines()] == [
        "error --seed",
        "error --belt-speed (in mm/s)",
        "error --occupancy",
    ]


def test_an_unreadable_video_is_named(ran, plate_file, tmp_path):
    broken = tmp_path / "broken.avi"
    broken.write_bytes(b"not a video")
    done = ran("simulate", plate_file, "--source", broken)
    assert done.code == 2
    assert str(broken) in done.err


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded") / "session"
    assert run_line.main(["simulate", "--items", "5", "--record", str(folder)]) == 0
    return folder


@pytest.fixture
def session(recorded, tmp_path):
    return Path(shutil.copytree(recorded, tmp_path / "session"))


def test_a_recorded_simulation_replays_identically_until_it_is_touched(ran, session, tmp_path):
    done = ran("replay", session)
    assert done.code == 0, done.out
    assert ": identical" in done.out

    steps = session / "steps.jsonl"
    lines = steps.read_text().splitlines()
    row = next(n for n, line in enumerate(lines) if json.loads(line)["decisions"])
    touched = json.loads(lines[row])
    touched["decisions"][0]["confidence"] *= 0.5
    steps.write_text("\n".join([*lines[:row], json.dumps(touched), *lines[row + 1 :]]) + "\n")
    done = ran("replay", session)
    assert done.code == 1
    assert "1 frames differ" in done.out
    assert f"frame {touched['stamp']['seq']}" in done.out

    steps.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:40])
    done = ran("replay", session)
    assert done.code == 0, done.err
    assert f"{len(lines) - 1} frames" in done.out

    steps.write_text("\n".join([lines[0], lines[1][:40], *lines[2:]]) + "\n")
    done = ran("replay", session)
    assert done.code == 2
    assert "steps.jsonl line 2" in done.err


def test_another_bundle_says_so_and_shows_where_it_differs(ran, session, tmp_path):
    done = ran("replay", session, "--bundle", write_bundle(tmp_path / "other"), "--show", "1")
    assert "recorded with" in done.out
    assert "replayed with cells-" in done.out
    assert done.code == 1


def test_a_folder_without_a_session_or_of_another_format_is_refused(ran, session, tmp_path):
    done = ran("replay", tmp_path)
    assert done.code == 2
    assert "no recorded session" in done.err
    header = json.loads((session / "session.json").read_text())
    header["format"] = FORMAT + 1
    (session / "session.json").write_text(json.dumps(header))
    done = ran("replay", session)
    assert done.code == 2
    assert f"session format {FORMAT + 1}" in done.err
    done = ran("simulate", "--items", "5", "--record", session)
    assert done.code == 2
    assert "name a new, writable folder" in done.err


def test_recording_what_has_no_pictures_is_refused(ran, tmp_path):
    done = ran("simulate", "--detector", "perfect", "--record", tmp_path / "session")
    assert done.code == 2
    assert "nothing is drawn" in done.err
    assert not (tmp_path / "session").exists()
