"""Recipes in files of their own, and two of them compared."""

import json

import pytest

import run_line
from controller.config_report import ConfigError
from controller.recipe_file import read_recipe, with_recipe
from twin.whole_line import LINES, _with_files_found, load_line
from vision.types import Fraction

RECIPES = LINES.parent / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))


def test_there_is_a_recipe_for_each_typical_plant():
    assert NAMES == [
        "dry-recyclables",
        "mixed-municipal",
        "negative-plastic",
        "positive-paper",
        "weee-line",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_shipped_recipes_fit_the_line_with_four_bars(name):
    line = load_line(LINES / "four-bars.toml", RECIPES / f"{name}.toml").line
    assert line.recipe.fractions[Fraction.MERCURY_LAMP].station is None


def test_food_leaves_first_in_mixed_municipal_waste():
    line = load_line(LINES / "four-bars.toml").line
    assert line.recipe.name == "mixed municipal, food first"
    assert line.recipe.fractions[Fraction.FOOD].station == line.stations[0].name


def test_keys_beside_the_file_go_over_those_of_the_recipe_file(tmp_path):
    (tmp_path / "r.toml").write_text(
        'name = "r"\nmax_mass_g = 5\n[fractions]\nfood = 1\nplastic = 2\n'
    )
    section = {"file": "r.toml", "max_mass_g": 7, "fractions": {"food": 3}}
    merged = with_recipe({"recipe": section, "line": {}}, tmp_path)
    assert merged["recipe"] == {
        "name": "r",
        "max_mass_g": 7,
        "fractions": {"food": 3, "plastic": 2},
    }
    assert with_recipe({"recipe": {"name": "own"}}, tmp_path) == {"recipe": {"name": "own"}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file or directory; name an existing recipe file"),
        ("name = ", "not TOML"),
        ('file = "other.toml"', "a recipe file cannot name another"),
        ("[recipe]\n", "this is a line file; a recipe file has its keys at the top"),
    ],
)
def test_a_bad_recipe_file_is_named_with_its_remedy(tmp_path, content, words):
    path = tmp_path / "r.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=words):
        read_recipe(path)


def test_a_key_that_no_recipe_has_is_an_error_of_the_line(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text((RECIPES / "weee-line.toml").read_text().replace("max_mass_g", "max_mass_kg"))
    with pytest.raises(ConfigError) as caught:
        load_line(LINES / "four-bars.toml", path)
    assert any("recipe.max_mass_kg" in problem for problem in caught.value.problems)


def test_compare_runs_both_recipes_on_the_same_items(capsys):
    recipes = [str(RECIPES / f"{name}.toml") for name in ("mixed-municipal", "positive-paper")]
    assert run_line.main(["compare", *recipes, "--items", "25", "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert both["a"]["items"] == both["b"]["items"] == 25
    assert both["a"]["destinations"]["food"] == "bar-1"
    assert both["b"]["destinations"]["food"] == "pass"
    assert both["a"]["ejected"] > both["b"]["ejected"]


def test_compare_names_a_missing_recipe_and_does_not_run(capsys):
    assert run_line.main(["compare", "absent.toml", str(RECIPES / "weee-line.toml")]) == 2
    assert "absent.toml: No such file or directory; name an existing" in capsys.readouterr().err


def test_simulate_takes_another_recipe(capsys):
    words = ["simulate", str(LINES / "four-bars.toml"), "--recipe"]
    words += [str(RECIPES / "positive-paper.toml"), "--items", "15", "--detector", "perfect"]
    assert run_line.main([*words, "--json"]) == 0
    ejected = json.loads(capsys.readouterr().out)["ejected_by_station"]
    assert [bool(count) for count in ejected] == [False, True, False, False]


def test_a_recording_of_another_recipe_is_refused_with_the_remedy(capsys, tmp_path):
    recipe = RECIPES / "positive-paper.toml"
    words = ["simulate", str(LINES / "four-bars.toml"), "--recipe", str(recipe)]
    assert run_line.main([*words, "--record", str(tmp_path / "s")]) == 2
    assert "name the recipe there" in capsys.readouterr().err


def test_a_session_names_its_recipe_file_by_where_it_is():
    text = _with_files_found(LINES / "four-bars.toml")
    assert f'file = "{RECIPES / "mixed-municipal.toml"}"' in text
