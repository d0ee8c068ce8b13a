"""The store: versions, rollback, refusals, and differences in words."""

import dataclasses
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from calibration import line_calibration
from calibration.errors import CalibrationError
from calibration.kept.difference import differences
from calibration.kept.record import CalibrationRecord, Finding, Provenance, record_from, record_text
from calibration.kept.store import CalibrationStore
from calibration.station import MeasuredStation
from calibration.travel import BeltTravel
from tests.support.rigs import standard_calibration

AT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def station(**changes):
    fields = {
        "name": "plastic",
        "distance_mm": 600.0,
        "middle_x_mm": 500.0,
        "tilt_mm_per_m": 2.0,
        "first_valve_x_mm": 6.25,
        "valve_pitch_mm": 12.5,
        "open_lag_ms": 4.0,
        "hit_sd_ms": 1.1,
        "position_sd_mm": 0.2,
    }
    return MeasuredStation(**(fields | changes))


def record(note="first", **changes):
    calibration = dataclasses.replace(standard_calibration(), stations=(station(),), **changes)
    return CalibrationRecord(
        calibration=calibration,
        provenance=Provenance(
            measured_at_utc=AT,
            measured_by="anna",
            note=note,
            devices=(("camera", "camera-1"), ("belt", "belt-1")),
            based_on="",
            procedures=("camera", "belt"),
        ),
        findings=(Finding(procedure="belt", name="belt_residual_mm", value=0.21, sd=0.0),),
    )


@pytest.fixture
def store(tmp_path):
    return CalibrationStore(tmp_path / "kept", camera_id="camera-1", belt_id="belt-1")


def test_a_record_survives_its_file_with_everything_in_it():
    kept = record()
    again = record_from(record_text(kept), "file")
    assert again.provenance == kept.provenance
    assert again.findings == kept.findings
    assert again.calibration.stations == kept.calibration.stations
    assert again.sha256 == kept.sha256


def test_the_file_in_force_is_one_that_a_line_file_can_name(store):
    store.keep(record())
    loaded = line_calibration.load(store.current_path, camera_id="camera-1", belt_id="belt-1")
    assert loaded.stations == (station(),)


def test_versions_are_numbered_and_the_newest_is_in_force(store):
    assert store.current() is None
    assert store.versions() == ()
    store.keep(record("first"))
    store.keep(record("second", travel=BeltTravel(mm_per_tick=0.501)))
    found = store.versions()
    assert [(v.number, v.record.provenance.note, v.in_force) for v in found] == [
        (1, "first", False),
        (2, "second", True),
    ]


def test_rolling_back_puts_the_older_one_in_force_and_loses_nothing(store):
    store.keep(record("first"))
    store.keep(record("second", travel=BeltTravel(mm_per_tick=0.501)))
    store.roll_back(1, by="ben", at_utc=AT)
    assert store.current().provenance.note == "first"
    assert [v.in_force for v in store.versions()] == [True, False]
    log = [json.loads(line) for line in (store.folder / "log.jsonl").read_text().splitlines()]
    assert [(entry["version"], entry["what"]) for entry in log] == [
        (1, "kept"),
        (2, "kept"),
        (1, "rolled back by ben"),
    ]


def test_rolling_back_to_what_was_never_kept_names_what_was(store):
    store.keep(record())
    with pytest.raises(CalibrationError, match="no calibration 7; kept are: 1"):
        store.roll_back(7, by="ben", at_utc=AT)


@pytest.mark.parametrize(("name", "other"), [("camera_id", "camera-2"), ("belt_id", "belt-2")])
def test_a_calibration_of_another_device_is_neither_kept_nor_taken(store, name, other):
    with pytest.raises(CalibrationError, match=name):
        store.keep(record(**{name: other}))
    store.keep(record())
    elsewhere = {"camera_id": "camera-1", "belt_id": "belt-1"} | {name: other}
    with pytest.raises(CalibrationError, match=name):
        CalibrationStore(store.folder, **elsewhere).current()


def test_a_file_edited_by_hand_is_found_wherever_it_lies(store):
    store.keep(record())
    for path in (store.current_path, next((store.folder / "versions").iterdir())):
        text = path.read_text()
        path.write_text(text.replace('"distance_mm": 600.0', '"distance_mm": 601.0'))
        with pytest.raises(CalibrationError, match=r"altered.*calibrate the line again"):
            store.versions()
        path.write_text(text)
    assert len(store.versions()) == 1


def test_a_calibration_without_provenance_is_no_record():
    with pytest.raises(CalibrationError, match="schema 1"):
        record_from(line_calibration.as_text(standard_calibration()), "old.json")


def test_equal_calibrations_differ_in_nothing():
    assert differences(standard_calibration(), standard_calibration()) == ()


def test_a_camera_moved_along_the_belt_is_told_in_millimetres():
    old = standard_calibration()
    moved = np.array([[1, 0, 0], [0, 1, 3.0], [0, 0, 1.0]]) @ old.plane.homography
    new = dataclasses.replace(old, plane=dataclasses.replace(old.plane, homography=moved))
    (words,) = differences(old, new)
    assert "3.00 mm (rms)" in words
    assert "0.00 mm to the" in words
    assert "3.00 mm downstream" in words


def test_scale_delay_and_bar_are_each_told_in_their_unit():
    old = dataclasses.replace(standard_calibration(), stations=(station(),))
    new = dataclasses.replace(
        old,
        travel=BeltTravel(mm_per_tick=0.5005),
        camera_delay_ms=1.5,
        stations=(station(distance_mm=602.0, open_lag_ms=4.5), station(name="paper")),
    )
    words = "\n".join(differences(old, new))
    assert "1.00 mm more on each metre" in words
    assert "from 0.00 to 1.50 ms" in words
    assert "plastic is +2.00 mm farther downstream" in words
    assert "plastic opens +0.50 ms later" in words
    assert "paper is measured for the first time: 600.0 mm downstream" in words
    back = "\n".join(differences(new, old))
    assert "station paper is no longer measured" in back
