"""Reports built from a ledger's rows: figures by hand, warnings, worksheets, files, languages."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from fontTools.ttLib import TTFont
from openpyxl import load_workbook

from telemetry.ledger.audits import read_audits
from telemetry.ledger.chain import BEFORE_FIRST, Anchor, Fault, make_row
from telemetry.ledger.entries import Removal
from telemetry.ledger.errors import EntryError
from telemetry.ledger.rules import day_of
from telemetry.measures.banned import Part
from telemetry.measures.season import DayComposition
from telemetry.reports.build import ReportKind, Revision, Source, build
from telemetry.reports.errors import ReportBlockedError, ReportError
from telemetry.reports.evidence import Evidence, QualityFigure
from telemetry.reports.pdf import FONTS, FULL_WIDTH, column_widths
from telemetry.reports.period import parse_period
from telemetry.reports.seal import as_bytes, as_json, content_hash, from_bytes, json_schema
from telemetry.reports.writers import ReportFormat, write_files
from telemetry.wording import CATALOGUE, DAGGER, Language, wording
from tests.support.plant import accounts, bale, correction, entry, ticket
from tests.support.plant_month import END, FIRST, fortnight
from vision.types import Fraction

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "sorting-line-report-2.schema.json"
LETTERS = "әғқңөұүһі"


def rows_of(entries, plant):
    rows, before = [], Anchor(seq=0, hash=BEFORE_FIRST)
    for one in entries:
        day = day_of(one, plant.calendar)
        row = make_row(one, before=before, recorded_at=END, back_s=0.0, day=day)
        rows.append(row)
        before = Anchor(seq=row.seq, hash=row.hash)
    return rows


EVIDENCE = Evidence(
    quality=(
        QualityFigure(
            fraction=Fraction.PLASTIC,
            quantity="purity",
            value=0.962,
            low=0.941,
            high=1.004,
            method="ratio_block",
            n_blocks=96,
            n_objects=40_000,
            audited_kg=61.5,
            basis="mass",
        ),
    ),
    composition=(
        DayComposition(day=FIRST, fraction=Fraction.FOOD, mass_g=600.0, items=6),
        DayComposition(day=FIRST, fraction=Fraction.PLASTIC, mass_g=400.0, items=14),
    ),
    residue_parts=(Part(material="food", mass_g=6.9e6, low_g=5e6, high_g=9e6),),
    models=("bundle-1",),
    last_audit=date(2026, 9, 3),
)


def report(text="2026-09", *, entries=None, kind=ReportKind.SUMMARY, plant=None, **changes):
    plant = plant or accounts()
    entries = fortnight() if entries is None else entries
    values = {
        "accounts": plant,
        "history": rows_of(entries, plant),
        "faults": (),
        "evidence": EVIDENCE,
        "now": END.astimezone(UTC),
    }
    source = Source(**(values | changes))
    return build(source, kind, parse_period(text, plant.calendar), Revision())


@pytest.fixture(scope="module")
def september():
    return report()


def test_figures_are_those_one_adds_up_by_hand(september):
    measures = {part.name: part.value for part in september.measures}
    assert september.received[0].amount.mass_t == 280.0
    assert not september.received[0].amount.is_estimate
    plastic = september.products[1]
    assert (plastic.fraction, plastic.amount.mass_t, plastic.items) == ("plastic", 33.6, 1_120_000)
    assert (plastic.amount.low_t, plastic.amount.high_t) == (30.24, 36.96)
    assert plastic.amount.is_estimate
    assert measures["sorted_out_share"] == pytest.approx(0.3)
    assert measures["capacity_coverage"] == pytest.approx(1.25)
    assert measures["capacity_utilisation"] == pytest.approx(0.8)
    assert measures["balance_closure"] == pytest.approx(1.0)
    assert september.hazard_removals[0].count == 28
    assert september.banned_351[0].share == pytest.approx(6.9 / 193.2, abs=1e-6)
    assert september.air[0].over_limit_s == 28 * 30


def test_purity_carries_its_interval_basis_and_sample_or_says_why_there_is_none(september):
    paper, plastic = september.products
    assert (plastic.purity.value, plastic.purity.lo, plastic.purity.hi) == (0.962, 0.941, 1.0)
    assert (plastic.purity.basis, plastic.purity.audited_kg) == ("mass", 61.5)
    assert (paper.purity.value, paper.purity.reason_if_null) == (None, "no_audit")
    assert plastic.recovery.reason_if_null == "no_audit"


def codes(document):
    return {warning.code for warning in document.warnings}


def test_warnings_travel_with_the_report(september):
    assert codes(september) == {"unweighed_removals", "kz_not_verified", "no_audit"}
    empty = report("2026-08")
    assert "empty" in codes(empty)
    estimated = report(entries=[bale("1", 5)], text="2026-10-05")
    assert {"no_shift_closed", "unsorted_stock_unknown"} <= codes(estimated)
    running = report(now=datetime(2026, 9, 20, tzinfo=UTC))
    assert "period_running" in codes(running)


def test_errors_block_a_period_to_come_a_broken_ledger_a_code_not_in_force():
    with pytest.raises(ReportBlockedError, match="lies in the future"):
        report("2026-12")
    fault = Fault(seq=7, uid="in:2026-09-01/A", what="the row was changed")
    with pytest.raises(ReportBlockedError, match=r"ledger row 7 \(in:2026-09-01/A\): the row was"):
        report(faults=[fault])
    european = accounts(codes={"jurisdiction": "EU"})
    with pytest.raises(ReportBlockedError, match="20 01 33"):
        report("2026-11-09", plant=european, entries=[battery()], now=END + timedelta(days=30))


def battery():
    at = datetime(2026, 11, 9, 9, tzinfo=UTC)
    body = Removal(what="battery", code="200133", hazardous=True)
    return entry("battery", body, shift="2026-11-09/A", at=at)


@pytest.mark.parametrize(
    ("text", "received_t"),
    [
        ("2026-09-01/A", 10),
        ("2026-09-01", 20),
        ("2026-09", 280),
        ("2026-Q3", 280),
        ("2026", 280),
    ],
)
def test_every_period_holds_the_shifts_that_start_in_it(text, received_t):
    document = report(text)
    assert document.received[0].amount.mass_t == received_t
    assert document.equipment.shifts_closed == received_t / 10


@pytest.mark.parametrize(
    "text", ["", "2026-9", "2026-13", "2026-02-30", "2026-Q5", "09.2026", "2026-09-01/C"]
)
def test_a_period_that_is_none_is_told_the_forms(text):
    with pytest.raises(ReportError, match="write one like 2026-10-05/A"):
        parse_period(text, accounts().calendar)


def test_the_same_rows_give_the_same_bytes_whenever_the_report_is_made(september):
    later = report(now=END.astimezone(UTC) + timedelta(days=200))
    assert as_bytes(later) == as_bytes(september)


def test_the_hash_is_that_of_the_content_and_the_document_reads_back(september):
    values = json.loads(as_bytes(september))
    assert values["sha256"] == content_hash(values) == september.sha256
    assert from_bytes(as_bytes(september)) == september
    values["received"][0]["amount"]["mass_t"] += 0.001
    assert content_hash(values) != september.sha256


def test_the_published_schema_is_the_program_s_and_accepts_its_reports(september):
    published = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert published == json_schema(), "run: python -m telemetry.reports > docs/schemas/..."
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(as_json(september))
    validator.validate(as_json(report("2026", kind=ReportKind.INVENTORY)))
    broken = as_json(september) | {"report_uid": 5, "surprise": True}
    assert len(list(validator.iter_errors(broken))) == 2


def test_the_inventory_worksheet_closes_for_every_code_and_names_its_day():
    sheet = report("2026", kind=ReportKind.INVENTORY).worksheet
    assert (sheet.as_of, sheet.due) == ("2027-01-01", "2027-03-01")
    rows = {row.key: row for row in sheet.rows}
    assert rows["200301"].received_t == 280
    assert (rows["191212"].arisen_t, rows["191212"].landfilled_t) == (193.2, 193.2)
    for row in sheet.rows:
        gone = row.recycled_t + row.utilised_t + row.landfilled_t + row.otherwise_t
        assert row.opening_t + row.arisen_t + row.counted_t - gone == pytest.approx(row.closing_t)


def test_the_statistics_worksheet_has_the_published_categories():
    sheet = report("2026", kind=ReportKind.STATISTICS).worksheet
    assert (sheet.as_of, sheet.due) == ("2027-01-01", "2027-02-01")
    rows = {row.key: row for row in sheet.rows}
    assert rows["plastics"].arisen_t == 33.6
    assert rows["paper_cardboard"].closing_t == 50.4
    assert rows["other_mixed"].received_t == 280
    assert len(rows) == 10


def test_a_worksheet_is_for_a_year_only():
    with pytest.raises(ReportError, match="is for a year, not for 2026-09; write 2026"):
        report(kind=ReportKind.INVENTORY)


def test_stock_that_lies_too_long_is_a_warning():
    document = report("2026", entries=[bale("1", 700)])
    assert "stock_overdue" not in codes(document)
    old = [bale("1", 700, shift="2026-09-01/A", at=END - timedelta(days=60))]
    assert "stock_overdue" in codes(report("2026", entries=old))


def test_cancelled_entries_are_left_to_the_ledger_and_never_counted_twice():
    delivery = ticket("1", 100)
    both = [delivery, correction(delivery, ticket("1", 90).body)]
    standing = rows_of(both, accounts())[1:]
    assert report("2026-10-05", history=standing).received[0].amount.mass_t == 0.09


def test_all_three_languages_have_the_same_words():
    keys = {language: sorted(wording(language).keys()) for language in Language}
    assert keys["kk"] == keys["ru"] == keys["en"]
    assert len(keys["kk"]) == len(set(keys["kk"])) > 150


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_definitions_and_units_are_in_the_report_s_language(tmp_path, september, language):
    (path,) = write_files(
        september,
        formats=(ReportFormat.CSV,),
        words=wording(Language(language)),
        codes=accounts().codes.code_table(),
        folder=tmp_path,
    )
    text = path.read_text(encoding="utf-8-sig")
    english = wording(Language.EN)
    for part in september.measures:
        assert part.formula not in text
        assert part.source not in text
        # The English catalogue says what the JSON says.
        assert english.text(f"formula-{part.name}") == part.formula
        assert english.text(f"source-{part.name}") == part.source
    assert "mg/m3" not in text
    assert "points per point" not in text
    assert "мг/м³" in text


def test_unofficial_kazakh_terms_carry_a_dagger_and_official_ones_none():
    kazakh = wording(Language.KK)
    assert kazakh.text("col-purity").endswith(DAGGER)
    assert DAGGER not in kazakh.text("fraction-food")
    assert DAGGER not in wording(Language.RU).text("col-purity")


@pytest.mark.parametrize("language", Language)
def test_files_are_written_in_every_language_with_their_hash(tmp_path, september, language):
    words = wording(language)
    table = accounts().codes.code_table()
    paths = write_files(
        september, formats=tuple(ReportFormat), words=words, codes=table, folder=tmp_path
    )
    by_end = {path.suffix: path for path in paths}
    assert by_end[".json"].read_bytes() == as_bytes(september)
    assert by_end[".pdf"].read_bytes().startswith(b"%PDF")
    text = by_end[".csv"].read_text(encoding="utf-8-sig")
    assert september.sha256 in text
    assert words.text("table-products") in text
    book = load_workbook(by_end[".xlsx"])
    sheet = book[words.text("table-received")]
    assert (sheet["A2"].value, sheet["C2"].value) == ("20 03 01", 280)
    assert not list(tmp_path.glob("*.part"))


def test_text_that_a_spreadsheet_would_compute_is_inert(tmp_path):
    plant = accounts()
    facility = plant.facility.model_copy(update={"name_ru": '=HYPERLINK("http://x")'})
    document = report(plant=plant.model_copy(update={"facility": facility}))
    paths = write_files(
        document,
        formats=(ReportFormat.CSV, ReportFormat.XLSX),
        words=wording(Language.RU),
        codes=plant.codes.code_table(),
        folder=tmp_path,
    )
    lines = list(csv.reader(io.StringIO(paths[0].read_text(encoding="utf-8-sig"))))
    assert any(line[1:] == ['\'=HYPERLINK("http://x")'] for line in lines)
    cell = load_workbook(paths[1]).worksheets[0]["B2"]
    assert (cell.data_type, cell.value) == ("s", '=HYPERLINK("http://x")')


def test_a_folder_that_cannot_be_written_is_told(tmp_path, september):
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(ReportError, match="cannot be written"):
        write_files(
            september,
            formats=(ReportFormat.JSON,),
            words=wording(Language.EN),
            codes=accounts().codes.code_table(),
            folder=place,
        )


AUDITS = """audited_at,stream,material,sample_kg,material_kg,items,by
2026-09-03 10:00,plastic,plastic,20.0,19.2,410,A. Auditor
2026-09-03 11:00,plastic,plastic,21.0,20.4,433,A. Auditor
2026-09-04 10:00,plastic,plastic,19.5,18.3,402,A. Auditor
2026-09-04 11:00,residue,food,60.0,21.0,300,A. Auditor
2026-09-04 12:00,residue,food,62.0,19.0,310,A. Auditor
2026-09-04 12:00,residue,metal,62.0,1.0,310,A. Auditor
"""


def test_audits_give_purity_and_banned_material_their_value_interval_and_sample(tmp_path):
    path = tmp_path / "audits.csv"
    path.write_text(AUDITS)
    entries = [*fortnight(), *read_audits(path, accounts())]
    document = report(entries=entries, evidence=Evidence())
    purity = next(part for part in document.products if part.fraction == "plastic").purity
    assert purity.value == pytest.approx(57.9 / 60.5, abs=1e-5)
    assert 0.85 < purity.lo < purity.value < purity.hi < 1.0
    assert (purity.basis, purity.n_blocks, purity.n_objects) == ("mass", 3, 1245)
    assert (purity.method, purity.audited_kg) == ("ratio_block", 60.5)
    (food,) = [part for part in document.banned_351 if part.item == 20]
    assert food.share == pytest.approx(40 / 122, abs=1e-5)
    assert food.lo < food.share < food.hi
    (metal,) = [part for part in document.banned_351 if part.item == 15]
    assert metal.lo is None
    assert document.model.audit_date == "2026-09-04"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2026-09-03 10:00,plastic,plastic,20,x,5,A", "'x' is not a number of kilograms"),
        ("2026-09-03 10:00,plastic,plastic,20,19,many,A", "'many' is not a number of pieces"),
        ("3.9.,plastic,plastic,20,19,5,A", "is not like"),
    ],
)
def test_an_audit_that_cannot_be_read_is_refused_by_line(tmp_path, row, words):
    path = tmp_path / "audits.csv"
    path.write_text(AUDITS.splitlines()[0] + "\n" + row + "\n")
    with pytest.raises(EntryError, match=f"line 2: .*{words}"):
        read_audits(path, accounts())


def test_the_shipped_fonts_have_every_letter_of_every_language():
    letters = {
        character
        for path in CATALOGUE.glob("*.ftl")
        for character in path.read_text(encoding="utf-8")
        if character.isprintable()
    }
    for path in FONTS.glob("*.ttf"):
        drawn = set(TTFont(path).getBestCmap())
        missing = {
            letter
            for letter in letters | set(LETTERS + LETTERS.upper())
            if ord(letter) not in drawn
        }
        assert missing == set(), path


def test_a_table_that_is_too_wide_takes_room_from_words_and_not_from_numbers():
    numbers = ("12 345,678",) * 6
    columns = (*("Mass",) * 6, "Method", "Basis and sample")
    widths = column_widths(columns, [(*numbers, "x" * 60, "y" * 90)])
    assert widths[:6] == (len(numbers[0]) + 2,) * 6
    assert sum(widths) <= FULL_WIDTH
    assert widths[7] > widths[0]
