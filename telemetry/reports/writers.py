"""Writes a report as JSON, CSV, XLSX and PDF files."""

import csv
import io
import os
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from telemetry.codes.table import CodeTable
from telemetry.reports.cells import Cell, Table
from telemetry.reports.document import ReportDocument
from telemetry.reports.errors import ReportError
from telemetry.reports.pdf import pdf_bytes
from telemetry.reports.seal import as_bytes
from telemetry.reports.tables import notes_of, tables_of
from telemetry.wording import Wording

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would compute text that begins so (OWASP, CSV injection)."""
_SHEET_NAME_LENGTH: Final = 31
_NOT_IN_SHEET_NAMES: Final = str.maketrans(dict.fromkeys("[]:*?/\\"))
_WIDEST: Final = 60


class ReportFormat(StrEnum):
    """Files a report can be written as."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


def write_files(
    document: ReportDocument,
    *,
    formats: Sequence[ReportFormat],
    words: Wording,
    codes: CodeTable,
    folder: Path,
) -> tuple[Path, ...]:
    """Write the report; a file is there whole or not at all.

    Raises:
        ReportError: the folder cannot be written.
    """
    tables, notes = tables_of(document, words, codes), notes_of(document, words)
    makers: dict[ReportFormat, Callable[[], bytes]] = {
        ReportFormat.JSON: lambda: as_bytes(document),
        ReportFormat.CSV: lambda: csv_bytes(document, tables, notes),
        ReportFormat.XLSX: lambda: xlsx_bytes(document, tables, notes),
        ReportFormat.PDF: lambda: pdf_bytes(document, tables, notes, words),
    }
    written = []
    for form in formats:
        path = folder / file_name(document, form, words)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _replace(path, makers[form]())
        except OSError as error:
            msg = f"report file {path} cannot be written: {error.strerror}"
            raise ReportError(msg) from error
        written.append(path)
    return tuple(written)


def file_name(document: ReportDocument, form: ReportFormat, words: Wording) -> str:
    """Return the name of a report's file; JSON is the same in every language."""
    label = document.period.label.replace("/", "-")
    stem = f"{document.facility.bin}-{document.facility.facility_id}-{document.kind}-{label}"
    language = "" if form is ReportFormat.JSON else f".{words.language.value}"
    return f"{stem}-r{document.revision}{language}.{form.value}"


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _inert(value: Cell) -> Cell:
    """Return text that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def csv_bytes(document: ReportDocument, tables: Sequence[Table], notes: Sequence[str]) -> bytes:
    """Return all tables one below the other, UTF-8 with a mark so that spreadsheets read it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for table in tables:
        writer.writerow([f"# {table.title}"])
        writer.writerow(table.columns)
        writer.writerows([_inert(value) for value in row] for row in table.rows)
        writer.writerow([])
    writer.writerows([note] for note in notes)
    writer.writerow([f"SHA-256 {document.sha256}"])
    return text.getvalue().encode("utf-8-sig")


def xlsx_bytes(document: ReportDocument, tables: Sequence[Table], notes: Sequence[str]) -> bytes:
    """Return a workbook with a sheet per table; numbers are numbers."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for table in tables:
        name = table.title.translate(_NOT_IN_SHEET_NAMES)[:_SHEET_NAME_LENGTH]
        sheet = book.create_sheet(name)
        sheet.append(list(table.columns))
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        for row in table.rows:
            sheet.append(list(row))
            for cell, value, decimals in zip(
                sheet[sheet.max_row], row, table.decimals, strict=True
            ):
                _style(cell, value, decimals)
        for number, column in enumerate(zip(table.columns, *table.rows, strict=True), start=1):
            widest = max(len(str(value)) for value in column)
            sheet.column_dimensions[get_column_letter(number)].width = min(_WIDEST, widest + 2)
        sheet.freeze_panes = "A2"
    first = book.worksheets[0]
    for note in (*notes, f"SHA-256 {document.sha256}"):
        first.append([note])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _style(cell: SheetCell, value: Cell, decimals: int) -> None:
    if isinstance(value, str):
        cell.data_type = "s"
    elif isinstance(value, float):
        cell.number_format = "0." + "0" * decimals if decimals else "0"
