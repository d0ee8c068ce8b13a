"""Waste codes: dates, jurisdictions, mirror entries, the asterisk, a plant's own choice."""

from datetime import date

import pytest
from pydantic import ValidationError

from telemetry.codes.plant import DEFAULT_PRODUCTS, DEFAULT_REMOVALS, PlantCodes
from telemetry.codes.table import (
    CodeError,
    ExpiredCodeError,
    Jurisdiction,
    Role,
    UnknownCodeError,
    load_table,
    parse_code,
)
from vision.types import FRACTIONS

BEFORE, AFTER = date(2026, 11, 8), date(2026, 11, 9)
TABLE = load_table()


def find(code, on=BEFORE, jurisdiction=Jurisdiction.KZ):
    return TABLE.lookup(code, on=on, jurisdiction=jurisdiction)


@pytest.mark.parametrize("written", ["200121", "20 01 21", "20 01 21*", " 200121* "])
def test_a_code_is_six_digits_however_it_is_written_and_the_flag_is_apart(written):
    entry = find(written)
    assert (entry.code, entry.hazardous, entry.printed) == ("200121", True, "20 01 21*")


@pytest.mark.parametrize(
    "written", ["", "2001", "20012l", "20 01 211", "\uff12\uff1000121", "191204*", "999999"]
)
def test_what_is_no_code_is_refused_with_what_was_written(written):
    with pytest.raises(UnknownCodeError, match="waste code"):
        find(written)


@pytest.mark.parametrize("code", ["200133", "200134", "190211", "160601", "160604"])
def test_codes_that_the_eu_deletes_end_there_on_the_ninth_of_november_and_go_on_in_kazakhstan(code):
    assert find(code, BEFORE, Jurisdiction.EU).valid_to == BEFORE
    with pytest.raises(ExpiredCodeError, match="not on 2026-11-09; choose another code"):
        find(code, AFTER, Jurisdiction.EU)
    assert find(code, AFTER, Jurisdiction.KZ).valid_to is None


@pytest.mark.parametrize(
    ("code", "hazardous"), [("200142", True), ("200143", True), ("200144", False)]
)
def test_codes_that_the_eu_adds_begin_on_that_day_and_are_unknown_in_kazakhstan(code, hazardous):
    with pytest.raises(ExpiredCodeError):
        find(code, BEFORE, Jurisdiction.EU)
    assert find(code, AFTER, Jurisdiction.EU).hazardous is hazardous
    with pytest.raises(UnknownCodeError):
        find(code, AFTER, Jurisdiction.KZ)


def test_of_every_mirror_pair_exactly_one_is_hazardous_and_each_knows_the_other():
    pairs = [entry for entry in TABLE.entries if entry.mirror]
    assert {"191206", "191211", "200127", "200129", "200137"} <= {entry.code for entry in pairs}
    for entry in pairs:
        other = TABLE.mirror_of(entry)
        assert TABLE.mirror_of(other) == entry
        assert other.hazardous is not entry.hazardous


def test_nothing_claims_to_have_been_read_in_kazakhstan_s_classifier():
    assert not TABLE.kz_verified()
    assert not any(entry.kz_verified for entry in TABLE.entries)
    assert all(entry.verified_against for entry in TABLE.entries)


def test_the_defaults_give_every_fraction_and_removal_a_code_in_force_in_kazakhstan():
    codes = PlantCodes()
    outputs = {fraction: codes.product(fraction, AFTER) for fraction in FRACTIONS}
    assert outputs["plastic"].printed == "19 12 04"
    assert outputs["mercury_lamp"].printed == "20 01 21*"
    assert set(DEFAULT_PRODUCTS) == set(FRACTIONS)
    assert all(codes.removal(kind, AFTER).code for kind in DEFAULT_REMOVALS)
    assert Role.RESIDUE in codes.entry(codes.residue, AFTER).roles


def test_a_plant_under_the_european_list_must_choose_a_battery_code_after_the_change():
    codes = PlantCodes(jurisdiction=Jurisdiction.EU)
    assert codes.removal("battery", BEFORE).code == "200133"
    with pytest.raises(ExpiredCodeError, match=r"\[accounts.codes\]"):
        codes.removal("battery", AFTER)
    chosen = PlantCodes(jurisdiction=Jurisdiction.EU, removals={"battery": "20 01 42*"})
    assert chosen.removal("battery", AFTER).hazardous


def test_an_unknown_kind_of_removal_names_those_that_are_known():
    with pytest.raises(UnknownCodeError, match="known: battery"):
        PlantCodes().removal("anvil", AFTER)
    with pytest.raises(ValidationError):
        PlantCodes.model_validate({"products": {"gold": "191203"}})


def test_a_code_file_with_half_a_mirror_pair_is_refused(tmp_path):
    text = load_table.__wrapped__.__defaults__[0].read_text(encoding="utf-8")
    path = tmp_path / "codes.toml"
    path.write_text(text.replace('mirror = "191212"', 'mirror = "191210"'), encoding="utf-8")
    with pytest.raises(CodeError, match="does not point back"):
        load_table(path)


def test_names_fall_back_to_english_where_no_other_wording_is_known():
    assert find("191201").name("kk") == "қағаз және картон"
    assert find("191209").name("kk") == find("191209").name("en")


def test_parsing_gives_digits_only():
    assert parse_code("19 12 12") == "191212"
