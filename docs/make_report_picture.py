"""Makes docs/pictures/report-kk.png: the first page of a report on an invented fortnight."""

import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from telemetry.database.address import sqlite_url
from telemetry.database.migration import open_database
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind
from telemetry.reports.desk import ReportDesk
from telemetry.reports.period import parse_period
from telemetry.reports.writers import ReportFormat, write_files
from telemetry.wording import Language, wording
from tests.support.plant import accounts
from tests.support.plant_month import END, fortnight

PICTURES = Path(__file__).parent / "pictures"


def now() -> datetime:
    """Return the day after the invented fortnight's month."""
    return END.astimezone(UTC)


def main() -> int:
    """Write the picture; returns 2 where pdftoppm is missing."""
    pdftoppm = shutil.which("pdftoppm")
    if pdftoppm is None:
        sys.stderr.write("pdftoppm is missing: apt-get install poppler-utils\n")
        return 2
    plant = accounts()
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(sqlite_url(Path(folder) / "plant.sqlite"))
        Ledger(database, plant, now=now).append(fortnight())
        desk = ReportDesk(database, plant, now=now)
        period = parse_period("2026-09", plant.calendar)
        document, _ = desk.make(ReportKind.SUMMARY, period, edit=None, draft=True)
        database.close()
        (pdf,) = write_files(
            document,
            formats=(ReportFormat.PDF,),
            words=wording(Language.KK),
            codes=plant.codes.code_table(),
            folder=Path(folder),
        )
        words = ("-png", "-r", "80", "-f", "1", "-singlefile")
        subprocess.run([pdftoppm, *words, str(pdf), str(PICTURES / "report-kk")], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
