"""Samples sorted by hand reach the database from a file, and the page from the database."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from run_line import main
from telemetry.database.engine import Database
from telemetry.errors import DatabaseError
from telemetry.ledger.chain import entry_of
from telemetry.ledger.opening import read_accounts
from telemetry.ledger.plant_database import plant_database
from telemetry.ledger.store import Ledger
from telemetry.plant.audit_watch import PERIOD, purity_now
from telemetry.plant.audits import enter_sample
from telemetry.plant.sample_file import read_samples
from telemetry.wall import utc_now
from tests.support.plant import BIN
from vision.types import FRACTIONS, Fraction

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HEADER = "sample,product,taken_at,author,fraction,items,mass_g\n"


def _file(folder: Path, *, first: datetime = NOW - timedelta(hours=6), **changed: str) -> Path:
    rows = []
    for place in range(6):
        at = (first + timedelta(minutes=30 * place)).isoformat()
        for fraction, items, mass_g in (("plastic", 40, 1000), ("paper", 4, 50 + 10 * place)):
            rows.append(f"P{place},plastic,{at},A. Auditor,{fraction},{items},{mass_g}\n")
    text = HEADER + "".join(rows)
    for old, new in changed.items():
        text = text.replace(old, new, 1)
    path = folder / "samples.csv"
    path.write_text(text)
    return path


def test_the_page_is_told_purity_with_interval_and_what_it_rests_on(
    tmp_path: Path, database: Database
) -> None:
    for sample in read_samples(_file(tmp_path), "line-1"):
        assert enter_sample(database, sample, now=NOW)
    told = {found.product: found for found in purity_now(database, "line-1", NOW)}
    share = told[Fraction.PLASTIC].share
    assert share is not None
    assert share.value == pytest.approx(6000 / 6450)
    assert share.low < share.value < share.high
    assert (share.evidence.n_blocks, share.evidence.audited_kg) == (6, 6.45)
    assert set(told) == set(FRACTIONS)
    assert told[Fraction.PAPER].share is None
    assert "no sample of paper" in told[Fraction.PAPER].reason
    assert all(found.share is None for found in purity_now(database, "line-2", NOW))


def test_old_samples_say_nothing_of_the_product_now(tmp_path: Path, database: Database) -> None:
    for sample in read_samples(_file(tmp_path, first=NOW - PERIOD - timedelta(days=1)), "line-1"):
        enter_sample(database, sample, now=NOW)
    assert all(found.share is None for found in purity_now(database, "line-1", NOW))


@pytest.mark.parametrize("change", [NOW.replace(hour=3), NOW.replace(hour=19)])
def test_a_clock_set_back_an_hour_across_a_shift_change_or_midnight_loses_no_sample(
    tmp_path: Path, database: Database, change: datetime
) -> None:
    """Shifts change at 8:00 in Almaty (3:00 UTC), days at midnight (19:00 UTC)."""
    path = _file(tmp_path, first=change - timedelta(hours=2, minutes=30))
    for sample in read_samples(path, "line-1"):
        enter_sample(database, sample, now=change + timedelta(minutes=5))
    before = purity_now(database, "line-1", change + timedelta(minutes=5))
    assert before[FRACTIONS.index(Fraction.PLASTIC)].share is not None
    assert purity_now(database, "line-1", change - timedelta(minutes=55)) == before


def test_a_file_read_twice_counts_once(tmp_path: Path, database: Database) -> None:
    path = _file(tmp_path)
    entered = [
        enter_sample(database, sample, now=NOW)
        for _ in range(2)
        for sample in read_samples(path, "line-1")
    ]
    assert sum(entered) == 6


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mass_g": "grams"}, "no column mass_g"),
        ({"plastic,40": "plastik,40"}, "row 2: 'plastik'"),
        ({"paper,4,": "paper,four,"}, "row 3: .*four"),
        ({"A. Auditor,paper": "B. Auditor,paper"}, "row 3: sample P0 has another"),
        ({"2026-11-25T06": "yesterday"}, "row 2: .*yesterday"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    with pytest.raises(DatabaseError, match=said):
        read_samples(_file(tmp_path, **changed), "line-1")


def test_the_command_enters_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = tmp_path / "line.toml"
    line.write_text(
        '[line]\nid = "line-1"\n[telemetry]\nhost = "127.0.0.1"\nport = 0\n'
        'store_path = "s.sqlite"\nsocket_path = "l.sock"\n[telemetry.database]\n'
    )
    samples = _file(tmp_path, first=NOW - timedelta(days=300))
    words = ["database", "enter-samples", str(line), str(samples), "--json"]
    for new in (6, 0):
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out) == {"samples": 6, "new": new}
    assert main(["database", "enter-samples", str(line), str(tmp_path / "gone.csv")]) == 2
    assert "gone.csv cannot be read" in capsys.readouterr().err


def test_a_plant_that_keeps_accounts_has_the_samples_in_its_ledger_too(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    line = tmp_path / "line.toml"
    line.write_text(
        '[line]\nid = "line"\n[telemetry]\nhost = "127.0.0.1"\nport = 0\n'
        'store_path = "s.sqlite"\nsocket_path = "l.sock"\n[telemetry.database]\n'
        f'[accounts]\ndatabase_path = "plant.sqlite"\nequipment = {{ rated_t_per_h = 5.0 }}\n'
        f'facility = {{ bin = "{BIN}", facility_id = "site", name_kk = "Z", name_ru = "Z" }}\n'
    )
    samples = _file(tmp_path, first=NOW - timedelta(days=30))
    for _ in range(2):
        assert main(["database", "enter-samples", str(line), str(samples)]) == 0
    accounts = read_accounts(line)
    with plant_database(accounts) as database:
        rows = [
            row for row in Ledger(database, accounts, now=utc_now).rows() if row.kind == "audit"
        ]
    bodies = [entry_of(row).body for row in rows]
    assert [body.material for body in bodies] == ["plastic", "paper"] * 6
    assert {(body.stream, body.items, body.by) for body in bodies} == {
        ("plastic", 44, "A. Auditor")
    }
    assert (bodies[0].material_g, bodies[0].sample_g) == (1000, 1050)
