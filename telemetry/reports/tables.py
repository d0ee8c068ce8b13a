"""A report as tables in one language: what CSV, XLSX and PDF all show."""

from telemetry.codes.table import CodeTable
from telemetry.reports.cells import Cells, Table
from telemetry.reports.document import ReportDocument
from telemetry.reports.figure_tables import FigureTables
from telemetry.reports.flow_tables import FlowTables
from telemetry.wording import Wording


def tables_of(document: ReportDocument, words: Wording, codes: CodeTable) -> tuple[Table, ...]:
    """Return a report's tables in reading order; those without rows are left out."""
    cells = Cells(document, words, codes)
    flows, figures = FlowTables(cells), FigureTables(cells)
    tables = (
        figures.facts(),
        figures.warnings(),
        flows.worksheet(),
        flows.received(),
        flows.products(),
        figures.fractions(),
        flows.residue(),
        figures.banned(),
        flows.removals(),
        flows.dispatched(),
        flows.reconciliation(),
        figures.measures(),
        figures.equipment(),
        figures.landfill(),
        figures.composition(),
        figures.weee(),
        figures.air(),
        flows.stock(),
        figures.definitions(),
    )
    return tuple(table for table in tables if table.rows)


def notes_of(document: ReportDocument, words: Wording) -> tuple[str, ...]:
    """Return what stands below every report."""
    keys = ["note-estimate"]
    if not document.code_list.kz_verified:
        keys.append("note-codes")
    if document.air:
        keys.append("note-air")
    if words.language == "kk":
        keys.append("note-review")
    return tuple(words.text(key) for key in ("note-worksheet", *keys, "note-signature"))
