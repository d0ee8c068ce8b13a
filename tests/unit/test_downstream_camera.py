"""The camera behind the bars: tells of each item once, knows when it was blind, stops no line."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration import line_calibration
from calibration.errors import CalibrationError
from calibration.line_calibration import LineCalibration
from calibration.nominal import nominal_calibration
from controller.camera_sections import with_cameras_by_role
from controller.detector_row import nothing_seen
from controller.downstream_camera import DownstreamCamera
from controller.downstream_look import DownstreamFollower
from controller.line_calibrations import load_downstream
from controller.line_file import LineFile, sorting_sections
from controller.miss_watch import DownstreamSighting
from controller.valve_care import ValveCare
from controller.valve_wear import ValveWear
from tests.support.belt_scenes import MM_PER_TICK, LyingItem, detections, stamp, station
from tests.support.filmed_belt import line_text
from tests.support.line_process import wait_for
from tests.support.lockstep_rig import LINES
from tests.support.runtime_rig import CLOCK, BenchCamera, RealTimePlc, RuntimeRig
from tests.unit.test_miss_watch import MissRules, MissWatch, decided
from vision.errors import DetectorError
from vision.tracker_config import TrackerConfig
from vision.types import Detections

MIDDLE_MM = 1500.0
STEP_MM = 50.0
RULES = MissRules(usual_miss_share=0.05, bad_miss_share=0.5, false_alarm=1e-3)


def behind() -> LineCalibration:
    return nominal_calibration(
        camera_id="behind",
        belt_id="belt",
        image_width_px=640,
        image_height_px=320,
        belt_width_mm=1000.0,
        mm_per_tick=MM_PER_TICK,
        middle_mm=MIDDLE_MM,
    )


class Eye:
    """A belt that steps on under the camera behind the bars."""

    def __init__(self) -> None:
        self.follower = DownstreamFollower(behind(), TrackerConfig())
        self.travel_mm, self.seq = 0.0, 0

    def look(self, items: list[LyingItem], *, step_mm: float = STEP_MM):
        self.travel_mm += step_mm
        self.seq += 1
        frame = stamp(self.seq, travel_mm=self.travel_mm)
        return self.follower.look(frame, detections(items, frame, behind()))


def test_each_item_is_told_once_and_where_it_lies() -> None:
    eye = Eye()
    items = [LyingItem(x_mm=300.0, y_mm=-500.0), LyingItem(x_mm=700.0, y_mm=-620.0)]
    told = [s for _ in range(40) for s in eye.look(items).sightings]
    assert len(told) == len(items)
    for sighting, item in zip(sorted(told, key=lambda s: s.x_mm), items, strict=True):
        assert sighting.x_mm == pytest.approx(item.x_mm, abs=5.0)
        y_mm = sighting.tick * MM_PER_TICK - sighting.s_mm
        assert y_mm == pytest.approx(item.y_mm, abs=5.0)


@pytest.mark.parametrize(("step_mm", "blind"), [(100.0, False), (300.0, True), (-10.0, True)])
def test_a_stretch_of_belt_without_frames_is_known_as_such(step_mm: float, *, blind: bool) -> None:
    eye = Eye()
    assert eye.look([]).blind
    assert not eye.look([]).blind
    assert eye.look([], step_mm=step_mm).blind is blind


def test_shots_whose_items_came_past_a_blind_camera_are_no_evidence() -> None:
    watch = MissWatch([station()], RULES, mm_per_tick=MM_PER_TICK, eye_mm=1750.0)
    follower = DownstreamFollower(behind(), TrackerConfig())
    care = ValveCare(
        [station()],
        wear=ValveWear([station()], rated_cycles=10**9),
        misses=watch,
        follower=follower,
    )
    care.looked(stamp(1, travel_mm=0.0), nothing_seen())
    care.decided(decided(1, 500.0, 0.0, 40, 2))
    watch.ejected(1)
    care.looked(stamp(2, travel_mm=4000.0), nothing_seen())
    count = care.downstream
    assert count is not None
    assert (count.judged, count.missed, count.unseen, count.frames) == (0, 0, 1, 2)


def test_an_item_that_was_to_stay_explains_what_is_seen_beside_a_shot() -> None:
    watch = MissWatch([station()], RULES, mm_per_tick=MM_PER_TICK, eye_mm=1750.0)
    shot, stays = decided(1, 500.0, 0.0, 40, 2), decided(2, 520.0, 0.0, 40, 2)
    stays = replace(stays, pulses=())
    watch.decided(shot)
    watch.decided(stays)
    watch.ejected(1)
    watch.saw([DownstreamSighting(tick=1500.0 / MM_PER_TICK, s_mm=1500.0, x_mm=518.0)])
    watch.passed(2500.0 / MM_PER_TICK)
    assert (watch.count.judged, watch.count.missed, watch.count.unknown) == (1, 0, 0)


class Eyes:
    """A detector that sees nothing, or fails."""

    def __init__(self) -> None:
        self.broken = False

    @property
    def bundle_id(self) -> str:
        return "eyes"

    def detect(self, image: np.ndarray) -> Detections:
        if self.broken:
            raise DetectorError("the network is gone")
        return nothing_seen()


@pytest.fixture
def camera():
    bench = BenchCamera("behind")
    eyes = Eyes()
    made = DownstreamCamera(
        camera=bench, detector=eyes, calibration=behind(), clock=CLOCK, stall_after_ms=500.0
    )
    made.start()
    yield made, bench, eyes
    made.stop()


def test_frames_are_looked_at_in_order(camera) -> None:
    made, _, _ = camera
    looks = []
    wait_for(lambda: looks.extend(made.take()) or len(looks) >= 3, "three looks")
    assert [look.seq for look in looks] == sorted({look.seq for look in looks})
    assert made.error is None


@pytest.mark.parametrize("trouble", ["lost", "detector", "size", "over"])
def test_what_fails_is_told_and_not_raised(camera, trouble: str) -> None:
    made, bench, eyes = camera
    wait_for(made.take, "a look")
    words = {
        "lost": "behind: lost (unplugged)",
        "detector": "behind: the network is gone",
        "size": "behind: delivers 64x32 px, calibrated at 640x320",
        "over": "behind: the recording has ended (the film ends)",
    }[trouble]
    if trouble == "lost":
        bench.lost = "unplugged"
    elif trouble == "detector":
        eyes.broken = True
    elif trouble == "size":
        bench.images = [np.zeros((32, 64, 3), np.uint8)]
    else:
        bench.over = True
    wait_for(lambda: words in (made.error or ""), lambda: str(made.error))
    made.check()


def test_the_line_sorts_on_and_says_so_when_its_downstream_camera_is_lost() -> None:
    bench = BenchCamera("behind")
    lost = DownstreamCamera(
        camera=bench, detector=Eyes(), calibration=behind(), clock=CLOCK, stall_after_ms=500.0
    )
    with RuntimeRig(RealTimePlc().link, None, detector=Eyes(), downstream=lost) as rig:
        rig.start_sorting()
        rig.wait(lambda seen: seen.downstream and seen.downstream.frames, "frames from behind")
        bench.lost = "unplugged"
        seen = rig.wait_alarm("downstream_camera_lost")
        assert seen.state.value == "execute"
        (alarm,) = [a for a in seen.alarms if a.kind.value == "downstream_camera_lost"]
        assert "unplugged" in alarm.detail


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        (["downstream"], "alone sorts nothing"),
        (["downstream", "sorting"], "write the downstream camera's table last"),
        (["sorting", "downstream", "downstream"], "a line has one downstream camera"),
    ],
)
def test_roles_that_make_no_line_are_refused(roles: list[str], words: str) -> None:
    tables = [{"camera_id": str(i), "role": role} for i, role in enumerate(roles)]
    _, problems = with_cameras_by_role({"cameras": tables})
    assert words in problems[0]


class KeptLine:
    """A line file with two images folders and two kept calibrations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        first = replace(behind(), camera_id="twin-camera", view_s_min_mm=-250, view_s_max_mm=250)
        for name, made in (("first", first), ("second", behind())):
            line_calibration.save(replace(made, belt_id="demo-belt"), folder / f"{name}.json")

    def load(self, place_mm: float) -> LineFile:
        behind_table = BEHIND_TABLE.format(folder=self.folder)
        text = line_text(
            {
                "[camera]": "[[cameras]]",
                "[detector]": behind_table,
                'kind = "twin"\nmm_per_tick = 0.5': 'kind = "file"\n'
                f'path = ["{self.folder}/first.json", "{self.folder}/second.json"]',
                'folder = "../../var/demo/valves"': f'folder = "v"\ndownstream_mm = {place_mm}',
            }
        )
        document = tomllib.loads(text)
        line, problems = sorting_sections(document, LINES)
        assert line is not None, problems
        return line


BEHIND_TABLE = """[[cameras]]
source = "images"
path = "{folder}/absent"
frames_per_s = 25.0
role = "downstream"
camera_id = "behind"
exposure_ms = 0.5
transfer_ms = 2.0
stall_after_ms = 500

[detector]"""


def test_a_kept_calibration_asks_nothing_of_a_camera_that_is_not_there(tmp_path: Path) -> None:
    line = KeptLine(tmp_path).load(MIDDLE_MM)
    found = load_downstream(line, None, behind())
    assert (found.view_s_min_mm, found.view_s_max_mm) == (1250.0, 1750.0)


def test_a_calibration_that_looks_elsewhere_is_refused(tmp_path: Path) -> None:
    line = KeptLine(tmp_path).load(2500.0)
    with pytest.raises(CalibrationError, match=r"sees 1250 to 1750 mm.*downstream_mm is 2500"):
        load_downstream(line, None, behind())
