"""[[stations]]: kinds told apart, old files read as jet bars, every wrong key named."""

from pathlib import Path

import pytest

from controller.line_file import read_document, sorting_sections
from controller.stations import FlapConfig, GateConfig, JetBarConfig

LINES = Path(__file__).parents[2] / "deploy" / "lines"
FLAP = {
    "kind": "flap",
    "name": "flap",
    "distance_mm": 1500,
    "x_min_mm": 0,
    "x_max_mm": 1000,
    "lead_ms": 150,
    "return_ms": 150,
    "min_open_ms": 200,
    "max_open_ms": 2000,
    "soft": True,
}
GATE = {key: FLAP[key] for key in ("lead_ms", "return_ms", "min_open_ms", "max_open_ms")} | {
    "kind": "gate",
    "name": "reject",
    "distance_mm": 2500,
}


def read(*more, without_kind=False):
    document = read_document(LINES / "standard.toml")
    document.pop("telemetry")
    document.pop("twin")
    if without_kind:
        del document["stations"][0]["kind"]
    document["stations"] += more
    return sorting_sections(document, LINES)


def test_stations_of_every_kind_are_told_apart():
    line, problems = read(FLAP, GATE)
    assert not problems
    assert [type(s) for s in line.stations] == [JetBarConfig, FlapConfig, GateConfig]


def test_a_station_without_kind_is_the_jet_bar_that_all_its_keys_make_it():
    line, problems = read(without_kind=True)
    assert not problems
    assert isinstance(line.stations[0], JetBarConfig)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (FLAP | {"kind": "trapdoor"}, "stations[1].kind: 'trapdoor' is none of"),
        (FLAP | {"valve_count": 3}, "stations[1].valve_count: unknown key"),
        (
            {k: v for k, v in FLAP.items() if k != "kind"},
            "stations[1].valve_count: missing key; it has no default",
        ),
        (FLAP | {"min_open_ms": 100}, "turns back before it is out"),
        (FLAP | {"x_min_mm": 1000}, "is not left of x_max_mm"),
        ({k: v for k, v in FLAP.items() if k != "soft"}, "stations[1].soft: missing key"),
        (FLAP | {"kind": 3}, "stations[1].kind"),
    ],
)
def test_a_wrong_station_is_named_with_its_key(table, words):
    line, problems = read(table)
    assert line is None
    assert any(words in problem for problem in problems), problems


def lamp_line(*, site=None, soft=True, action="divert", station="flap"):
    document = read_document(LINES / "standard.toml")
    document.pop("telemetry")
    document.pop("twin")
    document["stations"] += [FLAP | {"soft": soft}, GATE]
    document["recipe"]["fractions"]["mercury_lamp"] = {
        "action": action,
        "station": station,
        "min_probability": 0.8,
    }
    if site is not None:
        document["site"] = site
    return sorting_sections(document, LINES)


def test_a_lamp_goes_to_a_soft_flap_where_the_site_allows_it():
    line, problems = lamp_line(site={"lamps_to_soft_flap": True})
    assert not problems
    assert line.site.lamps_to_soft_flap


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "set site.lamps_to_soft_flap = true where it does"),
        ({"site": {"lamps_to_soft_flap": False}}, "the site does not allow lamps"),
        ({"site": {"lamps_to_soft_flap": True}, "soft": False}, "'flap' is none"),
        ({"site": {"lamps_to_soft_flap": True}, "station": "reject"}, "'reject' is none"),
        (
            {"site": {"lamps_to_soft_flap": True}, "action": "eject", "station": "plastic"},
            "mercury_lamp must not be ejected by air",
        ),
        (
            {"site": {"lamps_to_soft_flap": True}, "station": "plastic"},
            "divert takes a station of kind \"flap\" or \"gate\", 'plastic' is of kind 'jets'",
        ),
        ({"site": {"lamps_anywhere": True}}, "site.lamps_anywhere: unknown key"),
    ],
)
def test_a_lamp_goes_nowhere_else(changes, words):
    line, problems = lamp_line(**changes)
    assert line is None
    assert any(words in problem for problem in problems), problems


def test_the_valves_folder_starts_at_the_line_file():
    line, problems = read()
    assert not problems
    assert line.valves.folder == (LINES / "../../var/standard/valves").resolve()


def test_a_place_where_the_crawling_belt_stands_is_a_station_that_takes_nothing():
    picker = {"kind": "belt", "name": "picker", "distance_mm": 3000}
    line, problems = read(FLAP, picker)
    assert not problems
    document = read_document(LINES / "standard.toml")
    document.pop("telemetry")
    document.pop("twin")
    document["stations"].append(picker)
    document["recipe"]["fractions"]["plastic"]["station"] = "picker"
    line, problems = sorting_sections(document, LINES)
    assert line is None
    assert "eject takes a station of kind \"jets\", 'picker' is of kind 'belt'" in problems[0]
