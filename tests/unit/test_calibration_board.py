"""The printed board: true to scale, found where it is, and what is wrong said where it is not."""

import cv2
import numpy as np
import pypdfium2
import pytest

from calibration.board.printing import RULER_MM, TAGS, board_pdf, tags_pdf
from calibration.board.sighting import (
    BoardProblem,
    BoardSighting,
    UnusablePhotograph,
    find_board,
    find_tags,
)
from calibration.board.spec import BOARDS, board_named

DPI = 200


def rasterised(pdf):
    """The page's pixels and how many there are to a millimetre (the page's edge is rounded up)."""
    page = pypdfium2.PdfDocument(pdf)[0]
    grey = page.render(scale=DPI / 72, grayscale=True).to_numpy()
    pixels = np.ascontiguousarray(grey if grey.ndim == 2 else grey[..., 0])
    return pixels, pixels.shape[1] / (page.get_width() * 25.4 / 72)


def photographed(spec, px_per_square=40):
    """The board as a camera sees it: paper is not the brightest white there is."""
    rim = cv2.copyMakeBorder(
        spec.picture(px_per_square), *(60,) * 4, cv2.BORDER_CONSTANT, value=255
    )
    return (20 + rim * 0.7).astype(np.uint8)


@pytest.mark.parametrize("spec", BOARDS, ids=lambda spec: spec.name)
def test_the_print_is_true_to_scale(spec):
    image, px_per_mm = rasterised(board_pdf(spec))
    assert image.shape[1] / px_per_mm == pytest.approx(spec.paper[0], abs=0.01)
    found = find_board((image * 0.9).astype(np.uint8), spec)
    assert isinstance(found, BoardSighting)
    assert len(found.ids) == spec.corner_count
    on_paper = found.corners_px / px_per_mm
    wanted = spec.corners_mm()[found.ids]
    spans = on_paper[-1] - on_paper[0], wanted[-1] - wanted[0]
    assert spans[0] == pytest.approx(spans[1] * (1, -1), abs=0.1)


def test_the_ruler_on_the_print_is_as_long_as_it_says():
    spec = board_named("A3")
    image, px_per_mm = rasterised(board_pdf(spec))
    below_mm = spec.paper[1] - 8.0 - spec.size_mm[1] - 12.0
    row = image.shape[0] - round((below_mm + 0.075) * px_per_mm)
    dark = np.flatnonzero((image[row - 2 : row + 3] < 128).any(axis=0))
    longest = max(np.split(dark, np.flatnonzero(np.diff(dark) > 1) + 1), key=len)
    assert len(longest) / px_per_mm == pytest.approx(RULER_MM, abs=0.3)


def test_equal_boards_print_to_equal_files():
    assert board_pdf(board_named("A4")) == board_pdf(board_named("A4"))


def test_both_tags_are_read_from_their_print():
    assert set(find_tags(rasterised(tags_pdf())[0])) == set(TAGS)


def test_corners_are_where_the_print_has_them_to_a_tenth_of_a_pixel():
    spec = board_named("A3")
    found = find_board(photographed(spec), spec)
    squares = spec.corners_mm()[found.ids] / spec.square_mm
    expected = np.column_stack((squares[:, 0], spec.rows - squares[:, 1])) * 40 + 60
    assert np.abs(found.corners_px - expected).max() < 0.1


def spoilt(name):
    spec = board_named("A3")
    image = photographed(spec)
    v, u = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    shine = 500 * np.exp(-((u - 220) ** 2 + (v - 160) ** 2) / (2 * 60**2))
    return {
        BoardProblem.NOTHING: np.full((300, 400), 90, np.uint8),
        BoardProblem.MIRRORED: np.ascontiguousarray(image[:, ::-1]),
        BoardProblem.ANOTHER: photographed(board_named("A4")),
        BoardProblem.HALF_VISIBLE: np.ascontiguousarray(image[:, :170]),
        BoardProblem.BLURRED: cv2.GaussianBlur(image, (0, 0), 2.5),
        BoardProblem.GLARE: np.clip(image + shine, 0, 255).astype(np.uint8),
    }[name]


@pytest.mark.parametrize("problem", list(BoardProblem))
def test_what_is_wrong_with_a_photograph_is_said_with_its_remedy(problem):
    found = find_board(spoilt(problem), board_named("A3"))
    assert isinstance(found, UnusablePhotograph)
    assert found.problem is problem
    assert found.found
    assert found.remedy


def test_the_other_board_is_named():
    found = find_board(photographed(board_named("A4")), board_named("A3"))
    assert "board A4" in found.found


def test_half_a_board_that_shows_enough_corners_is_used_but_not_called_whole():
    spec = board_named("A3")
    found = find_board(np.ascontiguousarray(photographed(spec)[:, :260]), spec)
    assert isinstance(found, BoardSighting)
    assert not found.whole


def test_an_unknown_board_s_name_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match="A3, A4, A2"):
        board_named("A5")
