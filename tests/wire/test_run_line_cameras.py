"""`run` with several cameras: a belt filmed in two halves, and a GigE camera that vanishes."""

import signal
from pathlib import Path

import cv2
import pytest

from tests.support.coded_gige import coded_gige, gige_is_possible
from tests.support.filmed_belt import FilmedLine, film, film_plc, line_text, write_filmed_line
from tests.support.line_process import LineProcess, books, run_line
from tests.support.plc_wire import free_port
from vision.config import GenicamCamera

pytestmark = pytest.mark.wire

DISTINCT, FRAMES = 50, 1500
SHARE = 0.6
"""Of the picture's width that each of the two cameras sees: the middle fifth is seen by both."""
CAMERA = """[camera]
source = "images"
path = "film"
frames_per_s = 25.0
camera_id = "twin-camera"
exposure_ms = 0.5
transfer_ms = 2.0
stall_after_ms = 2000
"""
NOMINAL = """kind = "nominal"
belt_width_mm = 1000
overlap_mm = 200
mm_per_tick = 0.5"""


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the film as the left and as the right of two cameras would take it."""
    folder = tmp_path_factory.mktemp("films")
    film(folder / "whole", distinct=DISTINCT, frames=DISTINCT)
    for name in ("left", "right"):
        (folder / name).mkdir()
    for number in range(FRAMES):
        name = f"frame{number:05d}.jpg"
        if number >= DISTINCT:
            for side in ("left", "right"):
                (folder / side / name).symlink_to(f"frame{number % DISTINCT:05d}.jpg")
            continue
        image = cv2.imread(str(folder / "whole" / name))
        assert image is not None
        seen_px = round(SHARE * image.shape[1])
        assert cv2.imwrite(str(folder / "left" / name), image[:, :seen_px])
        assert cv2.imwrite(str(folder / "right" / name), image[:, -seen_px:])
    return folder


def folder_camera(path: Path, name: str) -> str:
    section = CAMERA.replace("[camera]", "[[cameras]]").replace('"film"', f'"{path}"')
    return section.replace("twin-camera", name)


def several(folder: Path, halves: Path, cameras: str, calibration: str = NOMINAL) -> FilmedLine:
    line = write_filmed_line(folder, halves / "whole", plc_port=free_port(), page_port=free_port())
    text = line.path.read_text()
    measured = 'kind = "file"\npath = "calibration.json"'
    assert CAMERA in text
    assert measured in text
    line.path.write_text(text.replace(CAMERA, cameras).replace(measured, calibration))
    return line


@pytest.fixture
def two_films(tmp_path: Path, halves: Path) -> FilmedLine:
    cameras = folder_camera(halves / "left", "left") + folder_camera(halves / "right", "right")
    return several(tmp_path / "l", halves, cameras)


def test_a_line_under_two_filmed_cameras_sees_items_and_its_books_close(
    two_films: FilmedLine,
) -> None:
    folder = two_films.path.parent
    with (
        film_plc(two_films.plc_port),
        LineProcess("run", two_films.path, page_port=two_films.page_port, folder=folder) as line,
    ):
        # The film moves whether the encoder does or not: what it shows is counted, nothing fired.
        seen = line.wait(lambda now: now["totals"]["seen"] > 10, "items")
        assert sum(seen["totals"]["ejected"]) == 0
        line.signal(signal.SIGINT)
        assert line.ended() == 0, line.log
    (session,) = books(folder / "store.sqlite")
    assert session.ending == "closed"


def test_several_cameras_are_not_recorded_nor_replaced(
    two_films: FilmedLine, tmp_path: Path
) -> None:
    for arguments, words in (
        (("--record", tmp_path / "session"), "a session holds the frames of one camera"),
        (("--source", "usb:0"), "the line has 2 cameras and this names one"),
        (("--source", "twin"), "in real time it has one"),
    ):
        done = run_line("run", two_films.path, *arguments)
        assert done.returncode == 2, done.stderr
        assert words in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


def section_of(camera: GenicamCamera) -> str:
    settings = camera.model_dump(exclude_none=True, exclude_defaults=True)
    return "[[cameras]]\n" + "".join(f"{key} = {value!r}\n" for key, value in settings.items())


@pytest.mark.skipif(not gige_is_possible(), reason="libaravis-0.8-0 is not installed")
def test_a_gige_camera_beside_another_is_missed_while_unplugged_and_welcome_again(
    tmp_path: Path, halves: Path
) -> None:
    # Two GigE servers cannot share the loopback's only address: the other camera is a film.
    with coded_gige("BESIDE") as gige:
        section = section_of(gige.config(camera_id="right", stall_after_ms=2000))
        made = several(tmp_path / "l", halves, folder_camera(halves / "left", "left") + section)
        folder = made.path.parent
        with LineProcess("run", made.path, page_port=made.page_port, folder=folder) as line:
            line.wait(lambda now: now["frames"] > 3, "frames of both")
            gige.kill()
            late = line.wait(lambda now: now["frame_age_ms"] > 1000, "the line to be as old as it")
            line.wait(lambda now: now["frames"] > late["frames"] + 3, "frames of the other")
            gige.return_()
            line.wait(lambda now: now["frame_age_ms"] < 1000, "frames of both again")
            line.signal(signal.SIGINT)
            assert line.ended() == 0, line.log
        assert "camera right lost" in line.log


def test_shipped_wide_line_in_real_time_says_what_the_twin_has() -> None:
    assert "[[cameras]]" in line_text({}, "wide")
    done = run_line("demo", "deploy/lines/wide.toml")
    assert done.returncode == 2
    assert "3 cameras in `run_line.py simulate` only" in " ".join(done.stderr.split())
