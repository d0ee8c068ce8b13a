"""Tables of facts, figures, composition and air."""

from datetime import datetime

from telemetry.reports.cells import Cell, Cells, Table
from telemetry.reports.document import MeasurePart
from telemetry.reports.fraction_document import FractionPart


class FigureTables:
    """Tables of everything that is not a mass."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells

    def facts(self) -> Table:
        """Return the table of that name."""
        document, words = self._cells.document, self._cells.words
        facility, period = document.facility, document.period
        names = {"kk": facility.name_kk, "ru": facility.name_ru, "en": facility.name_en}
        facts = {
            "facility": names.get(words.language.value) or facility.name_ru,
            "bin": facility.bin,
            "site": facility.facility_id,
            "kato": facility.kato,
            "period": period.label,
            "from": words.instant(datetime.fromisoformat(period.start)),
            "to": words.instant(datetime.fromisoformat(period.end)),
            "as_of": document.worksheet.as_of if document.worksheet else "",
            "due": document.worksheet.due if document.worksheet else "",
            "code_list": f"{document.code_list.id} ({document.code_list.jurisdiction})",
            "uid": document.report_uid,
            "revision": f"{document.revision}: {words.text(f'action-{document.action}')}",
            "reason": document.reason or "",
            "ledger": str(document.ledger.rows),
            "ledger_hash": document.ledger.last_hash,
            "models": ", ".join(document.model.versions),
            "calibrations": ", ".join(document.model.calibrations),
            "audit": document.model.audit_date or "",
        }
        rows = ((words.text(f"fact-{name}"), value) for name, value in facts.items() if value)
        return self._cells.table("facts", ("what", "value"), rows)

    def warnings(self) -> Table:
        """Return the table of that name."""
        rows = (
            (self._cells.words.text(f"warning-{warning.code}", **warning.arguments),)
            for warning in self._cells.document.warnings
        )
        return self._cells.table("warnings", ("what",), rows)

    def banned(self) -> Table:
        """Return the table of that name."""
        rows = (
            (
                part.item,
                self._cells.words.word("item", str(part.item)),
                part.share,
                part.lo,
                part.hi,
            )
            for part in self._cells.document.banned_351
        )
        columns = ("item", "name", "share", "low", "high")
        return self._cells.table("banned", columns, rows, (0, 0, 4, 4, 4))

    def fractions(self) -> Table:
        """Return the table of that name."""
        rows = (self._fraction(part) for part in self._cells.document.fractions)
        kinds = ("recyclable", "not_recyclable", "prohibited")
        columns = ("fraction", "mass_yield", "low", "high", *kinds, "reason")
        return self._cells.table("fractions", columns, rows, (0, *(4,) * 6, 0))

    def _fraction(self, part: FractionPart) -> tuple[Cell, ...]:
        words, split = self._cells.words, {one.kind: one.share for one in part.contamination}
        return (
            words.word("fraction", part.fraction),
            part.mass_yield,
            part.yield_lo,
            part.yield_hi,
            *(split.get(kind) for kind in ("recyclable", "not_recyclable", "prohibited")),
            words.word("reason", part.split_reason) if part.split_reason else "",
        )

    def measures(self) -> Table:
        """Return the table of that name."""
        rows = (
            (
                self._cells.words.text(f"measure-{part.name}"),
                self._cells.words.text("no-value") if part.value is None else part.value,
                part.lo,
                part.hi,
                self._cells.unit(part.unit),
                self._cells.words.word("reason", part.reason_if_null)
                if part.reason_if_null
                else "",
            )
            for part in self._cells.document.measures
        )
        columns = ("what", "value", "low", "high", "unit", "reason")
        return self._cells.table("measures", columns, rows, (0, 4, 4, 4, 0, 0))

    def definitions(self) -> Table:
        """Return the table of that name."""

        def row(part: MeasurePart) -> tuple[Cell, ...]:
            keys = (f"{what}-{part.name}" for what in ("measure", "formula", "source"))
            return tuple(self._cells.words.text(key) for key in keys)

        rows = (row(part) for part in self._cells.document.measures)
        return self._cells.table("definitions", ("what", "formula", "source"), rows)

    def equipment(self) -> Table:
        """Return the table of that name."""
        values = self._cells.document.equipment.model_dump()
        rows = (
            (self._cells.words.text(f"equipment-{name}"), value) for name, value in values.items()
        )
        return self._cells.table("equipment", ("what", "value"), rows)

    def landfill(self) -> Table:
        """Return the table of that name."""
        part = self._cells.document.landfill
        if part is None:
            return self._cells.table("landfill", ("what", "value"), iter(()))
        values: dict[str, Cell] = {
            "target": part.target_pct,
            "by_share": self._cells.yes(value=part.on_path_by_share),
            "by_volume": self._cells.yes(value=part.on_path_by_volume),
            "baseline": part.baseline_source,
        }
        rows = (
            (self._cells.words.text(f"landfill-{name}"), value) for name, value in values.items()
        )
        return self._cells.table("landfill", ("what", "value"), rows)

    def composition(self) -> Table:
        """Return the table of that name."""
        rows = (
            (
                self._cells.words.text(f"season-{part.season}"),
                self._cells.words.word("fraction", part.fraction),
                part.mass_share,
                part.count_share,
                part.days,
            )
            for part in self._cells.document.composition
        )
        columns = ("season", "fraction", "mass_share", "count_share", "days")
        return self._cells.table("composition", columns, rows, (0, 0, 4, 4, 0))

    def weee(self) -> Table:
        """Return the table of that name."""
        rows = (
            (
                "; ".join(self._cells.words.text(f"weee-{number}") for number in part.categories),
                part.items,
            )
            for part in self._cells.document.weee
        )
        return self._cells.table("weee", ("categories", "items"), rows)

    def air(self) -> Table:
        """Return the table of that name."""
        columns = ("channel", "unit", "lowest", "mean", "highest", "samples", "limit", "over")
        rows = (
            (
                self._cells.words.word("air", part.channel),
                self._cells.unit(part.unit),
                part.lowest,
                part.mean,
                part.highest,
                part.samples,
                part.limit,
                part.over_limit_s,
            )
            for part in self._cells.document.air
        )
        return self._cells.table("air", columns, rows, (0, 0, 2, 2, 2, 0, 2, 0))
