"""What a grey card showed is kept with the calibration and evens out what the detector sees."""

import numpy as np
import pytest

from calibration import line_calibration
from calibration.bench import Task, TaskKind
from calibration.board.spec import board_named
from calibration.errors import CalibrationError
from calibration.kept.difference import differences
from calibration.light_field import GRID, LightField
from calibration.nominal import nominal_calibration
from calibration.procedures.light import calibrate_light
from calibration.procedures.steps import say_nothing
from twin.rig.bench import RigBench
from twin.rig.truth import random_rig
from vision.light_correction import EvenlyLitDetector, LightCorrection, evenly_lit
from vision.types import FRACTIONS, Detections

SHAPE = (320, 640)
EVEN = LightField(gain=np.ones(GRID), white_balance=(1.0, 1.0, 1.0))


def calibration_with(light):
    nominal = nominal_calibration(
        camera_id="c",
        belt_id="b",
        image_width_px=640,
        image_height_px=320,
        belt_width_mm=1000.0,
        mm_per_tick=0.5,
    )
    return line_calibration.from_json(
        line_calibration.to_json(nominal) | ({} if light is None else {"light": light.to_json()}),
        "test",
    )


class Looker:
    bundle_id = "looker"

    def __init__(self):
        self.seen = None

    def detect(self, image):
        self.seen = image.copy()
        return Detections(
            boxes_px=np.empty((0, 4), np.float32),
            scores=np.empty((0, len(FRACTIONS)), np.float32),
        )


def test_a_rigs_grey_card_comes_out_even_before_the_detector():
    bench = RigBench(random_rig(3), board_named("A3"), seed=3)
    fit = calibrate_light(bench, say_nothing).fit
    light = LightField(gain=fit.gain, white_balance=fit.white_balance)
    bench.ask(Task(kind=TaskKind.GREY_CARD, words=""))
    image = bench.photograph().image
    looker = Looker()
    evenly_lit(looker, light, SHAPE).detect(image)

    def corners_over_middle(seen):
        corners = np.mean([seen[:40, :40].mean(), seen[-40:, -40:].mean()])
        return corners / seen[120:200, 260:380].mean()

    assert corners_over_middle(image) < 0.93
    assert corners_over_middle(looker.seen) == pytest.approx(1.0, abs=0.03)


def test_colours_are_balanced_and_nothing_overflows():
    light = LightField(gain=np.full(GRID, 1.5), white_balance=(1.2, 1.0, 0.8))
    correction = LightCorrection(light, (4, 4))
    image = np.full((4, 4, 3), (100, 100, 100), np.uint8)
    assert correction.apply(image)[2, 2].tolist() == pytest.approx([180, 150, 120], abs=2)
    assert (correction.apply(np.full((4, 4, 3), 250, np.uint8))[..., 1] == 255).all()


def test_a_view_that_is_even_costs_nothing():
    looker = Looker()
    assert evenly_lit(looker, EVEN, SHAPE) is looker
    assert evenly_lit(looker, None, SHAPE) is looker
    uneven = LightField(gain=np.full(GRID, 1.2), white_balance=(1.0, 1.0, 1.0))
    assert isinstance(evenly_lit(looker, uneven, SHAPE), EvenlyLitDetector)


def test_light_survives_the_file_and_files_without_it_keep_their_hash(tmp_path):
    light = LightField(gain=np.linspace(1, 1.4, 288).reshape(GRID), white_balance=(1.1, 1.0, 0.9))
    path = tmp_path / "current.json"
    line_calibration.save(calibration_with(light), path)
    loaded = line_calibration.load(path, camera_id="c", belt_id="b")
    assert loaded.light.white_balance == light.white_balance
    assert np.array_equal(loaded.light.gain, light.gain)
    assert "light" not in line_calibration.to_json(calibration_with(None))


@pytest.mark.parametrize(
    "body",
    [
        {"gain": [[1.0]], "white_balance": [1, 1, 1]},
        {"gain": np.zeros(GRID).tolist(), "white_balance": [1, 1, 1]},
        {"gain": np.full(GRID, 9.0).tolist(), "white_balance": [1, 1, 1]},
        {"gain": np.ones(GRID).tolist(), "white_balance": [1, float("nan"), 1]},
        {"gain": np.ones(GRID).tolist(), "white_balance": [1, 1]},
        {"gain": np.ones(GRID).tolist()},
    ],
)
def test_light_that_no_lamp_makes_is_no_calibration(body):
    whole = line_calibration.to_json(calibration_with(None)) | {"light": body}
    with pytest.raises(CalibrationError, match="calibrate the line again"):
        line_calibration.from_json(whole, "here")


def test_what_changed_of_the_light_is_told_in_words():
    darker = LightField(gain=np.full(GRID, 1.1), white_balance=(1.2, 1.0, 1.0))
    none, even, dark = (calibration_with(light) for light in (None, EVEN, darker))
    assert differences(none, even) == ("light and colour are evened out now",)
    assert differences(even, none) == ("light and colour are evened out no more",)
    assert differences(even, even) == ()
    assert differences(even, dark) == (
        "the evenness of the light changed by up to 10%",
        "the white balance changed: blue +20%",
    )
