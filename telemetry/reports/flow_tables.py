"""Tables of what came in, was sorted, left and lies there."""

from collections.abc import Iterator

from telemetry.reports.cells import Cell, Cells, Table


class FlowTables:
    """Tables of masses."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells

    def worksheet(self) -> Table:
        """Return the table of that name."""
        sheet = self._cells.document.worksheet
        numbers = ("opening_t", "received_t", "arisen_t", "recycled_t", "utilised_t")
        more = ("landfilled_t", "otherwise_t", "counted_t", "closing_t")
        rows = (
            (self._cells.row_name(row.key), *row.model_dump(exclude={"key"}).values())
            for row in (sheet.rows if sheet else ())
        )
        return self._cells.table("worksheet", ("name", *numbers, *more), rows)

    def received(self) -> Table:
        """Return the table of that name."""
        columns = ("code", "name", "mass_t", "estimated_t", "low", "high", "method", "entries")
        rows = (
            (
                self._cells.code(part.code, hazardous=part.hazardous),
                self._cells.name(part.code),
                *self._cells.amount(part.amount),
                part.amount.entries,
            )
            for part in self._cells.document.received
        )
        return self._cells.table("received", columns, rows)

    def products(self) -> Table:
        """Return the table of that name."""
        columns = ("fraction", "bin", "code", "mass_t", "estimated_t", "low", "high", "method")
        more = ("items", "purity", "recovery", "basis")
        rows = (
            (
                self._cells.words.word("fraction", part.fraction),
                part.destination_bin,
                self._cells.code(part.code, hazardous=part.hazardous),
                *self._cells.amount(part.amount),
                part.items,
                self._cells.quality(part.purity),
                self._cells.quality(part.recovery),
                self._cells.samples(part.purity, part.recovery),
            )
            for part in self._cells.document.products
        )
        return self._cells.table("products", (*columns, *more), rows)

    def reconciliation(self) -> Table:
        """Return the table of that name: totals first, then each stream."""
        columns = ("what", "scale_t", "vision_t", "reconciled_t", "sd_t")
        return self._cells.table("reconciliation", columns, self._reconciled())

    def _reconciled(self) -> Iterator[tuple[Cell, ...]]:
        found, words = self._cells.document.reconciliation, self._cells.words
        if found is None:
            return
        total = (found.scale_t, found.vision_t, found.reconciled_t, found.reconciled_sd_t)
        yield (words.text("stream-total"), *total)
        for part in found.parts:
            key = f"stream-{part.stream}"
            name = words.text(key) if words.has(key) else words.word("fraction", part.stream)
            yield (name, None, part.vision_t, part.reconciled_t, part.sd_t)

    def residue(self) -> Table:
        """Return the table of that name."""
        columns = ("code", "mass_t", "estimated_t", "low", "high", "method", "pending", "mirror")
        rows = (
            (
                self._cells.code(part.code, hazardous=part.hazardous),
                *self._cells.amount(part.amount),
                self._cells.yes(value=part.code_pending_review),
                self._cells.code(part.mirror_code, hazardous=not part.hazardous)
                if part.mirror_code
                else "",
            )
            for part in self._cells.document.residue
        )
        return self._cells.table("residue", columns, rows)

    def removals(self) -> Table:
        """Return the table of that name."""
        rows = (
            (
                self._cells.words.word("what", part.what),
                self._cells.code(part.code, hazardous=part.hazardous),
                part.count,
                part.mass_kg,
                part.unweighed,
            )
            for part in self._cells.document.hazard_removals
        )
        return self._cells.table(
            "removals", ("what", "code", "count", "mass_kg", "unweighed"), rows
        )

    def dispatched(self) -> Table:
        """Return the table of that name."""
        columns = ("code", "operation", "mass_t", "estimated_t", "low", "high", "method")
        rows = (
            (
                self._cells.code(part.code, hazardous=part.hazardous),
                self._cells.words.word("operation", part.operation),
                *self._cells.amount(part.amount),
            )
            for part in self._cells.document.dispatched
        )
        return self._cells.table("dispatched", columns, rows)

    def stock(self) -> Table:
        """Return the table of that name."""
        rows = (
            (
                self._cells.code(part.code, hazardous=part.hazardous),
                self._cells.name(part.code),
                part.stock_t,
                part.oldest,
                part.due,
                part.overdue_t,
            )
            for part in self._cells.document.stock
        )
        return self._cells.table(
            "stock", ("code", "name", "mass_t", "oldest", "due", "overdue_t"), rows
        )
