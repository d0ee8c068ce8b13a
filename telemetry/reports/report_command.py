"""The report command: a period's figures as files, filed with a revision, corrected, signed.

A finished period's report is filed: the same figures again do nothing, others need --edit REASON.
A period that still runs, or --draft, is written without being filed.
Exit codes: 0 done; 2 the arguments, the line file or the figures have errors, or nothing was filed.
"""

import argparse
from pathlib import Path

from rich.console import Console

from telemetry.database.engine import Database
from telemetry.ledger.line_items import LineItems
from telemetry.ledger.line_posting import LinePosting
from telemetry.ledger.opening import read_plant_line
from telemetry.ledger.plant_database import plant_database
from telemetry.ledger.plant_line import PlantLine
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind
from telemetry.reports.desk import ReportDesk
from telemetry.reports.errors import ReportError
from telemetry.reports.evidence import Evidence
from telemetry.reports.period import FORMS, Period, parse_period
from telemetry.reports.writers import ReportFormat, write_files
from telemetry.terminal import tell
from telemetry.wall import utc_now
from telemetry.wording import Language, wording

EXIT_OK = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")
    parser.add_argument("period", metavar="PERIOD", help=FORMS)
    parser.add_argument(
        "--as",
        dest="kind",
        choices=[kind.value for kind in ReportKind],
        default=ReportKind.SUMMARY.value,
        help="summary, or a year's worksheet for the inventory (due 1 March) or the statistics "
        "forms (due 1 February)",
    )
    parser.add_argument(
        "--language",
        choices=[language.value for language in Language],
        default=Language.KK.value,
        help="of CSV, XLSX and PDF",
    )
    parser.add_argument(
        "--formats",
        "--format",
        default="json,csv,xlsx,pdf",
        help="which files, separated by commas: json, csv, xlsx, pdf",
    )
    parser.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--draft", action="store_true", help="write files, file nothing")
    what.add_argument("--edit", metavar="REASON", help="file a correction of a filed report")
    what.add_argument("--cancel", metavar="REASON", help="cancel a filed report")
    what.add_argument(
        "--signature",
        type=Path,
        metavar="FILE.p7s",
        help="keep the official's detached signature of the exported JSON file",
    )
    parser.add_argument(
        "--trust", type=Path, metavar="CA.pem", help="with --signature: who must have issued it"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command; return its exit code."""
    line = read_plant_line(arguments.line)
    accounts = line.accounts
    formats = _formats(arguments.formats)
    period = parse_period(arguments.period, accounts.calendar)
    kind = ReportKind(arguments.kind)
    with plant_database(accounts) as database:
        _book_line(database, line)
        evidence = _evidence(line, period)
        desk = ReportDesk(database, accounts, now=utc_now, evidence=evidence)
        if arguments.signature:
            console.print(desk.sign(kind, period, arguments.signature, arguments.trust))
            return EXIT_OK
        if arguments.cancel is not None:
            document, said = desk.cancel(kind, period, arguments.cancel)
        else:
            draft = arguments.draft or period.end > utc_now()
            document, said = desk.make(kind, period, edit=arguments.edit, draft=draft)
    words = wording(Language(arguments.language))
    codes = accounts.codes.code_table()
    paths = write_files(document, formats=formats, words=words, codes=codes, folder=arguments.out)
    for warning in document.warnings:
        text = words.text(f"warning-{warning.code}", **warning.arguments)
        console.print(f"[yellow]warning[/yellow] {text}", highlight=False)
    console.print(f"{period.label}: {said}, SHA-256 {document.sha256}", highlight=False)
    for path in paths:
        tell(str(path))
    return EXIT_OK


def _book_line(database: Database, line: PlantLine) -> None:
    """Book what the line has sorted since the telemetry process last did."""
    accounts = line.accounts
    items = LineItems(line.store_path, line.line_id, accounts.calendar)
    weighs = accounts.weighbridge or accounts.belt_scale is not None
    ledger = Ledger(database, accounts, now=utc_now)
    posting = LinePosting(
        ledger,
        items,
        line_id=line.line_id,
        weighs_input=weighs,
        mass_model=line.mass_model,
    )
    posting.post(utc_now())


def _evidence(line: PlantLine, period: Period) -> Evidence:
    items = LineItems(line.store_path, line.line_id, line.accounts.calendar)
    return Evidence(
        food=items.food(period.start, period.end),
        named=items.named(period.start, period.end),
        composition=items.composition(period.start, period.end),
        weee=items.equipment(period.start, period.end),
        models=items.bundles(period.start, period.end),
    )


def _formats(text: str) -> tuple[ReportFormat, ...]:
    known = [form.value for form in ReportFormat]
    found = [part.strip().lower() for part in text.split(",") if part.strip()]
    wrong = [part for part in found if part not in known]
    if wrong or not found:
        msg = f"--formats {text!r}: choose from {', '.join(known)}, separated by commas"
        raise ReportError(msg)
    return tuple(ReportFormat(part) for part in dict.fromkeys(found))
