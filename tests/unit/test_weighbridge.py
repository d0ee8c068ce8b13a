"""Weighbridge tickets: from a form, from CSV files of different programs, and wrong ones."""

import pytest

from telemetry.ledger.entries import MassMethod, Operation
from telemetry.ledger.errors import EntryError
from telemetry.ledger.weighbridge import TicketForm, entry_from, read_tickets, with_openings
from tests.support.plant import accounts

PLANT = accounts()
HEAD = "ticket,weighed_at,gross_kg,tare_kg\n"


def form(**changes):
    values = {
        "ticket": "T-1",
        "weighed_at": "2026-10-05 21:30",
        "gross_kg": "18 240",
        "tare_kg": "9140,5",
    }
    return TicketForm(**(values | changes))


def test_a_form_becomes_a_weighed_delivery_of_its_shift():
    entry = entry_from(form(supplier="city", vehicle="123 ABC 02"), PLANT)
    assert (entry.uid, entry.shift, entry.batch) == ("weighbridge:T-1", "2026-10-05/B", "T-1")
    assert entry.at.isoformat() == "2026-10-05T21:30:00+05:00"
    assert (entry.body.code, entry.body.mass.mass_g) == ("200301", 9_099_500)
    assert entry.body.mass.method is MassMethod.WEIGHBRIDGE
    assert not entry.body.mass.is_estimate


def test_what_leaves_names_its_code_and_where_it_goes():
    out = form(direction="out", code="19 12 12", operation="landfill", destination="city")
    body = entry_from(out, PLANT).body
    assert (body.kind, body.code, body.operation) == ("dispatch", "191212", Operation.LANDFILL)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ticket": " "}, "has no number"),
        ({"weighed_at": "05.10.2026 21:30"}, "is not like 2026-10-05 14:30"),
        ({"gross_kg": "heavy"}, "'heavy' is not a number of kilograms"),
        ({"gross_kg": "9000"}, "leave no load"),
        ({"tare_kg": "-5"}, "leave no load"),
        ({"net_kg": "9200"}, "is not gross less tare"),
        ({"code": "2003"}, "is not six digits"),
        ({"direction": "sideways"}, "neither in nor out"),
        ({"direction": "out"}, "needs its waste code"),
        ({"direction": "out", "code": "191212", "operation": "magic"}, "is none of recycling"),
    ],
)
def test_a_ticket_that_cannot_be_right_is_told_what_is_wrong(changes, words):
    with pytest.raises(EntryError, match=words):
        entry_from(form(**changes), PLANT)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "1,2026-10-05 08:30,18000,9000\n2,2026-10-05T22:00:00+05:00,18000.5,9000\n",
        (
            "\ufeffticket;weighed_at;gross_kg;tare_kg;net_kg\n1;2026-10-05 08:30;18000;9000;9000\n"
            "2;2026-10-05 22:00;18000,5;9000;9000,5\n"
        ),
    ],
)
def test_files_with_commas_or_semicolons_say_the_same(tmp_path, text):
    path = tmp_path / "tickets.csv"
    path.write_text(text, encoding="utf-8")
    entries = read_tickets(path, PLANT)
    assert [entry.body.mass.mass_g for entry in entries] == [9_000_000, 9_000_500]
    assert [entry.shift for entry in entries] == ["2026-10-05/A", "2026-10-05/B"]
    uids = [entry.uid for entry in with_openings(entries, PLANT)]
    assert uids[:2] == ["shift:2026-10-05/A", "shift:2026-10-05/B"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("ticket,weighed_at,gross\n", "column gross_kg is missing; column tare_kg is missing"),
        (HEAD + "1,2026-10-05 08:30,1,2,3\n", "line 2 has more cells than columns"),
        (HEAD + "1,2026-10-05 08:30,18000,9000\n1,2026-10-05 09:30,18000,9000\n", "stands twice"),
        (HEAD + "1,x,18000,9000\n2,2026-10-05 08:30,1,9000\n", "(?s)line 2: .*line 3: "),
    ],
)
def test_a_file_with_anything_wrong_is_refused_whole_with_every_line(tmp_path, text, words):
    path = tmp_path / "tickets.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EntryError, match=words):
        read_tickets(path, PLANT)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path):
    with pytest.raises(EntryError, match="cannot be read"):
        read_tickets(tmp_path / "none.csv", PLANT)
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EntryError, match="cannot be read as UTF-8"):
        read_tickets(path, PLANT)
