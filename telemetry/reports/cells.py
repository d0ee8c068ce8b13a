"""Tables in words: how cells of a report are written in one language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from telemetry.codes.table import CodeError, CodeTable, Jurisdiction
from telemetry.reports.document import AmountPart, QualityPart, ReportDocument
from telemetry.wording import Wording

Cell = str | float | int | None
ESTIMATE_MARK = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    Attributes:
        key: of its title in the catalogues.
        title: in words.
        columns: headings.
        rows: cells; numbers as numbers, so that a spreadsheet can add them up.
        decimals: of each column's numbers.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    decimals: tuple[int, ...]


class Cells:
    """Writes the cells of one report in one language.

    Args:
        document: the report.
        words: of the language.
        codes: wording of waste codes.
    """

    def __init__(self, document: ReportDocument, words: Wording, codes: CodeTable) -> None:
        self.document = document
        self.words = words
        self._codes = codes

    def table(
        self,
        name: str,
        columns: Sequence[str],
        rows: Iterator[tuple[Cell, ...]],
        decimals: Sequence[int] = (),
    ) -> Table:
        """Return a table with its title and headings in words."""
        return Table(
            key=name,
            title=self.words.text(f"table-{name}"),
            columns=tuple(self.words.text(f"col-{column}") for column in columns),
            rows=tuple(rows),
            decimals=tuple(decimals) or (3,) * len(columns),
        )

    def code(self, code: str, *, hazardous: bool) -> str:
        """Return a code as lists print it; the asterisk is for the reader's eye only."""
        return f"{code[:2]} {code[2:4]} {code[4:]}" + ("*" if hazardous else "")

    def name(self, code: str) -> str:
        """Return a code's wording, empty where the table has none in force."""
        on = date.fromisoformat(self.document.period.last_day)
        jurisdiction = Jurisdiction(self.document.code_list.jurisdiction)
        try:
            entry = self._codes.lookup(code, on=on, jurisdiction=jurisdiction)
        except CodeError:
            return ""
        return entry.name(self.words.language)

    def amount(self, amount: AmountPart) -> tuple[Cell, ...]:
        """Return mass, estimated part, interval and method."""
        marks = ", ".join(self.words.word("method", method) for method in amount.methods)
        method = f"{ESTIMATE_MARK} {marks}" if amount.is_estimate else marks
        return (amount.mass_t, amount.estimated_t, amount.low_t, amount.high_t, method)

    def unit(self, unit: str) -> str:
        """Return a unit as the language writes it, nothing for a bare number."""
        if unit == "1":
            return ""
        key = f"unit-{unit.replace('/', '_per_').replace(' ', '_')}"
        return self.words.text(key) if self.words.has(key) else unit

    def yes(self, *, value: bool | None) -> str:
        """Return yes, no, or that there is no value."""
        if value is None:
            return self.words.text("no-value")
        return self.words.text("yes" if value else "no")

    def quality(self, part: QualityPart) -> str:
        """Return a purity or recovery with its interval, or why there is none."""
        if part.value is None:
            return self.words.word("reason", part.reason_if_null)
        value = f"{self.percent(part.value)}"
        if part.lo is None or part.hi is None:
            return value
        return f"{value} ({self.percent(part.lo)} .. {self.percent(part.hi)})"

    def percent(self, share: float) -> str:
        """Return a share as per cent."""
        return f"{self.words.number(100 * share, 1)} %"

    def samples(self, purity: QualityPart, recovery: QualityPart) -> str:
        """Return basis, method and sample of both figures, once where they are the same."""
        told = (self._sample(purity), self._sample(recovery))
        names = (self.words.text("col-purity"), self.words.text("col-recovery"))
        if told[0] == told[1]:
            return told[0]
        pairs = zip(names, told, strict=True)
        return "; ".join(f"{name}: {sample}" for name, sample in pairs if sample)

    def _sample(self, part: QualityPart) -> str:
        if part.value is None or part.basis is None:
            return ""
        words = self.words
        return words.text(
            "sample",
            basis=words.text(f"basis-{part.basis}"),
            method=words.word("method", part.method),
            blocks=str(part.n_blocks),
            objects=str(part.n_objects),
            kg=words.number(part.audited_kg, 1),
        )

    def row_name(self, key: str) -> str:
        """Return a worksheet row's name: a statistics category, or a code with its wording."""
        if self.words.has(f"category-{key}"):
            return self.words.text(f"category-{key}")
        on = date.fromisoformat(self.document.period.last_day)
        jurisdiction = Jurisdiction(self.document.code_list.jurisdiction)
        entry = self._codes.lookup(key, on=on, jurisdiction=jurisdiction)
        return f"{entry.printed} {entry.name(self.words.language)}"
