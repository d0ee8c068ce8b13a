"""The printable form of a report: A4 across, with a font that has all Kazakh letters."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import TableCellFillMode, XPos, YPos
from fpdf.fonts import FontFace
from typing_extensions import override

from telemetry.reports.cells import Cell, Table
from telemetry.reports.document import ReportDocument
from telemetry.wording import Wording

FONTS: Final = Path(__file__).parents[1] / "fonts"
_FAMILY: Final = "DejaVu"
_TITLE_PT, _HEADING_PT, _TEXT_PT, _SMALL_PT = 15.0, 10.5, 7.5, 6.5
_LINE_MM: Final = 4.2
_GREY: Final = (238, 241, 244)
_WARNING: Final = (255, 244, 214)
_CANCELLED: Final = (200, 0, 0)
_LEAST_WIDTH: Final = 7
_MOST_WIDTH: Final = 48
"""Characters of a column's width: less hides a heading, more starves its neighbours."""


def pdf_bytes(
    document: ReportDocument, tables: Sequence[Table], notes: Sequence[str], words: Wording
) -> bytes:
    """Return the report as a PDF; the same document gives the same bytes."""
    page = _Page(document, words)
    page.add_page()
    page.heading()
    for table in tables:
        page.put(table)
    page.notes(notes)
    return bytes(page.output())


class _Page(FPDF):
    def __init__(self, document: ReportDocument, words: Wording) -> None:
        super().__init__(orientation="landscape", format="A4")
        self._document = document
        self._words = words
        self.set_creation_date(datetime.fromisoformat(document.period.end))
        self.set_title(words.text(f"title-{document.kind}"))
        self.set_lang(words.language.value)
        self.add_font(_FAMILY, fname=FONTS / "DejaVuSans.ttf")
        self.add_font(_FAMILY, style="B", fname=FONTS / "DejaVuSans-Bold.ttf")
        self.set_auto_page_break(auto=True, margin=15)

    @override
    def footer(self) -> None:
        """Hash and page number on every page, so that no page stands alone."""
        self.set_y(-11)
        self.set_font(_FAMILY, size=_SMALL_PT)
        self.cell(0, 5, f"SHA-256 {self._document.sha256}")
        page = self._words.text("page", page=str(self.page_no()), pages="{nb}")
        self.set_x(self.l_margin)
        self.cell(0, 5, page, align="R")

    def heading(self) -> None:
        """Title and whose report it is; a cancelled one says so in red."""
        document, words = self._document, self._words
        self.set_font(_FAMILY, style="B", size=_TITLE_PT)
        title = f"{words.text(f'title-{document.kind}')}: {document.period.label}"
        self.cell(0, 9, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if document.action == "CANCEL":
            self.set_text_color(*_CANCELLED)
            self.cell(0, 8, words.text("action-CANCEL"), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.set_text_color(0, 0, 0)

    def put(self, table: Table) -> None:
        """Write one table with its title; rows break over pages with the headings repeated."""
        self.ln(2)
        if self.will_page_break(24):
            self.add_page()
        self.set_font(_FAMILY, style="B", size=_HEADING_PT)
        self.cell(0, 6, table.title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(_FAMILY, size=_TEXT_PT)
        texts = [self._texts(row, table) for row in table.rows]
        colour = _WARNING if table.key == "warnings" else _GREY
        widths = column_widths(table.columns, texts)
        with self.table(
            col_widths=widths,
            width=min(self.epw, sum(widths) * self.epw / FULL_WIDTH),
            align="LEFT",
            line_height=_LINE_MM,
            text_align=_alignments(table),
            headings_style=FontFace(emphasis="BOLD", fill_color=colour),
            cell_fill_mode=TableCellFillMode.NONE,
            borders_layout="HORIZONTAL_LINES",
        ) as grid:
            for texts_of_row in (list(table.columns), *texts):
                row = grid.row()
                for text in texts_of_row:
                    row.cell(text)

    def notes(self, notes: Sequence[str]) -> None:
        """Write what stands below every report."""
        self.ln(3)
        self.set_font(_FAMILY, size=_SMALL_PT)
        for note in notes:
            self.multi_cell(0, 3.6, note, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _texts(self, row: Sequence[Cell], table: Table) -> list[str]:
        return [
            self._text(value, decimals) for value, decimals in zip(row, table.decimals, strict=True)
        ]

    def _text(self, value: Cell, decimals: int) -> str:
        if value is None:
            return "\u2013"
        if isinstance(value, float):
            return self._words.number(value, decimals)
        if isinstance(value, int):
            return self._words.number(value, 0)
        return value


FULL_WIDTH: Final = 150
"""Characters of the small text that fill the page's width."""
_UNBROKEN: Final = 13
"""Room for any number or code of a report."""


def column_widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return each column's width in characters; too wide a table is narrowed where words break."""
    longest = [
        max(_longest_word(title), *(len(row[number]) for row in rows))
        for number, title in enumerate(columns)
    ]
    wanted = tuple(min(_MOST_WIDTH, max(_LEAST_WIDTH, length + 2)) for length in longest)
    spare = sum(max(0, width - _UNBROKEN) for width in wanted)
    over = sum(wanted) - FULL_WIDTH
    if over <= 0 or not spare:
        return wanted
    # Words may break, numbers and codes may not: what is too much is taken from wide columns.
    kept = max(0.0, 1.0 - over / spare)
    return tuple(
        width if width <= _UNBROKEN else _UNBROKEN + int(kept * (width - _UNBROKEN))
        for width in wanted
    )


def _longest_word(text: str) -> int:
    return max(len(word) for word in text.split())


def _alignments(table: Table) -> tuple[str, ...]:
    def numeric(column: int) -> bool:
        values = [row[column] for row in table.rows if row[column] is not None]
        return bool(values) and all(isinstance(value, int | float) for value in values)

    return tuple("RIGHT" if numeric(column) else "LEFT" for column in range(len(table.columns)))
