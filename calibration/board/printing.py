"""The board and the tags as PDF: vectors at true scale, with a ruler to check the print by."""

from datetime import UTC, datetime
from typing import Final

from fpdf import FPDF

from calibration.board.spec import FIRST_TAG, MARKER_CELLS, BoardSpec, marker_cells

_NO_DATE: Final = datetime(2000, 1, 1, tzinfo=UTC)
RULER_MM: Final = 200
"""Long enough that half a millimetre of a ruler is a quarter per cent of scale."""
TAG_MM: Final = 60.0
TAGS: Final = (FIRST_TAG, FIRST_TAG + 1)
"""Left and right end of the test strip."""
BELT_TAGS: Final = range(FIRST_TAG + 2, FIRST_TAG + 8)
"""For the belt itself and for the block of known height; numbers of their own."""
BELT_TAG_MM: Final = 70.0
"""Five pixels a bit under a camera of a metre and 640 px."""
_MARGIN_MM: Final = 8.0


def board_pdf(spec: BoardSpec) -> bytes:
    """Return the board on one page of its paper."""
    page = _Page(spec.paper, f"Calibration board {spec.name}")
    width_mm, height_mm = spec.size_mm
    left = (spec.paper[0] - width_mm) / 2
    bottom = spec.paper[1] - _MARGIN_MM - height_mm
    _chess(page, spec, left, bottom)
    page.arrow(left + width_mm + 4.0, bottom + height_mm / 2, height_mm / 4)
    page.ruler(left, bottom - 12.0)
    page.words(
        left + RULER_MM + 8.0,
        bottom - 12.0,
        f"Board {spec.name}: {spec.columns} x {spec.rows} squares of {spec.square_mm:g} mm, "
        f"markers {spec.marker_ids.start} to {spec.marker_ids.stop - 1}",
    )
    page.words(
        left + RULER_MM + 8.0,
        bottom - 17.0,
        "Print at 100 %. Measure across all squares, divide by "
        f"{spec.columns}, give it as --square-mm.",
    )
    page.words(left + RULER_MM + 8.0, bottom - 22.0, "On the belt: arrow downstream, face up.")
    return page.done()


def tags_pdf() -> bytes:
    """Return the two tags that mark the ends of the test strip, on one A4 page."""
    paper = (210.0, 297.0)
    page = _Page(paper, "Calibration tags")
    for row, (number, side) in enumerate(zip(TAGS, ("left", "right"), strict=True)):
        bottom = paper[1] - (row + 1) * (TAG_MM + 40.0)
        _marker(page, number, _MARGIN_MM + 20.0, bottom, TAG_MM)
        page.words(
            _MARGIN_MM + 20.0, bottom - 6.0, f"Tag {number}: {side} end, seen looking downstream"
        )
    page.ruler(5.0, 30.0)
    page.words(5.0, 15.0, "Print at 100 %; cut out with a white rim of 10 mm.")
    return page.done()


def belt_tags_pdf() -> bytes:
    """Return the tags to be stuck onto the belt, on one A4 page."""
    paper = (210.0, 297.0)
    page = _Page(paper, "Belt tags")
    for place, number in enumerate(BELT_TAGS):
        left = _MARGIN_MM + 12.0 + (place % 2) * (BELT_TAG_MM + 40.0)
        bottom = paper[1] - (place // 2 + 1) * (BELT_TAG_MM + 18.0)
        _marker(page, number, left, bottom, BELT_TAG_MM)
        page.words(left, bottom - 6.0, f"Tag {number}: give the place of its middle")
    page.ruler(5.0, 12.0)
    page.words(5.0, 3.5, "Print at 100 %; cut out with a white rim of 10 mm. Words upstream.")
    return page.done()


def _chess(page: "_Page", spec: BoardSpec, left: float, bottom: float) -> None:
    """Draw squares and markers: OpenCV's board has a black square at its top left."""
    side, marker = spec.square_mm, spec.square_mm * spec.marker_share
    ids = iter(spec.marker_ids)
    for row in range(spec.rows):
        for column in range(spec.columns):
            x, y = left + column * side, bottom + (spec.rows - 1 - row) * side
            if (row + column) % 2 == 0:
                page.black(x, y, side, side)
            else:
                inset = (side - marker) / 2
                _marker(page, next(ids), x + inset, y + inset, marker)


def _marker(page: "_Page", number: int, left: float, bottom: float, side: float) -> None:
    cells = marker_cells(number)
    cell = side / MARKER_CELLS
    page.black(left, bottom, side, side)
    for row, column in zip(*cells.nonzero(), strict=True):
        page.white(
            left + float(column) * cell, bottom + (MARKER_CELLS - 1 - float(row)) * cell, cell, cell
        )


class _Page:
    """A page in millimetres from its lower left corner."""

    def __init__(self, paper: tuple[float, float], title: str) -> None:
        self._height = paper[1]
        self._pdf = FPDF(orientation="portrait", unit="mm", format=paper)
        # Without the date, equal boards print to equal files.
        self._pdf.set_creation_date(_NO_DATE)
        self._pdf.set_title(title)
        self._pdf.set_auto_page_break(auto=False)
        self._pdf.add_page()
        self._pdf.set_font("Helvetica", size=7)

    def black(self, x: float, y: float, width: float, height: float) -> None:
        self._rectangle(x, y, width, height, 0)

    def white(self, x: float, y: float, width: float, height: float) -> None:
        self._rectangle(x, y, width, height, 255)

    def words(self, x: float, y: float, text: str) -> None:
        self._pdf.text(x, self._height - y, text)

    def ruler(self, x: float, y: float) -> None:
        """Draw 200 mm with a tick each millimetre, upwards from a line at y."""
        self.black(x, y, RULER_MM, 0.15)
        for at in range(RULER_MM + 1):
            height = 6.0 if at % 10 == 0 else 4.0 if at % 5 == 0 else 2.5
            self.black(x + at - 0.05, y, 0.1, height)
        for at in range(0, RULER_MM + 1, 20):
            self.words(x + at - 1.5, y - 3.5, f"{at}")

    def arrow(self, x: float, y: float, length: float) -> None:
        """Draw an arrow upwards: downstream, when the board lies on the belt."""
        self.black(x + 1.5, y - length / 2, 1.0, length)
        top = self._height - (y + length / 2)
        self._pdf.set_fill_color(0)
        self._pdf.polygon([(x, top), (x + 4, top), (x + 2, top - 6)], style="F")

    def done(self) -> bytes:
        return bytes(self._pdf.output())

    def _rectangle(self, x: float, y: float, width: float, height: float, grey: int) -> None:
        self._pdf.set_fill_color(grey)
        self._pdf.rect(x, self._height - y - height, width, height, style="F")
