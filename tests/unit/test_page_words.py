"""The page's words: all of them, in all three languages, and no others."""

import re

import pytest

from controller.snapshot import AlarmKind
from controller.states import LineCommand, LineMode, LineState
from telemetry.hmi.roles import Role
from telemetry.hmi.words import page_words
from telemetry.web import STATIC
from telemetry.wording import Language
from vision.types import FRACTIONS

SCRIPTS = sorted(STATIC.glob("*.js"))
PAGES = sorted(STATIC.glob("*.html"))
ASKED = re.compile(
    r"""\bt\(\s*(?:[^"')]*\?\s*)?"([a-z][a-z0-9_-]*)"(?:\s*:\s*"([a-z][a-z0-9_-]*)")?"""
)
MARKED = re.compile(r'data-t(?:-alt|-label)?="([^"]+)"')
SAME = {"p50", "p99", "unit-percent", "stage-none"}
"""Written alike in Russian and English, as symbols are."""


def made_up() -> set[str]:
    """Return the keys that scripts put together from names of the line."""
    names = {
        "state": LineState,
        "command": LineCommand,
        "mode": LineMode,
        "role": Role,
        "fraction": FRACTIONS,
        "alarm": AlarmKind,
        "response": AlarmKind,
    }
    return {f"{prefix}-{name.value}" for prefix, kinds in names.items() for name in kinds}


def asked_for() -> set[str]:
    found = set(made_up())
    for script in SCRIPTS:
        for match in ASKED.finditer(script.read_text(encoding="utf-8")):
            found |= {key for key in match.groups() if key}
    for page in PAGES:
        found |= set(MARKED.findall(page.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("language", list(Language))
def test_every_word_that_a_page_asks_for_is_there(language: Language) -> None:
    assert len(asked_for()) > 180
    assert asked_for() - set(page_words(language)) == set()


def test_the_three_catalogues_hold_the_same_words_and_arguments() -> None:
    arguments = {
        language: {k: sorted(re.findall(r"\{\w+\}", v)) for k, v in page_words(language).items()}
        for language in Language
    }
    assert arguments[Language.KK] == arguments[Language.RU] == arguments[Language.EN]


@pytest.mark.parametrize("language", [Language.KK, Language.RU])
def test_no_word_is_left_in_english(language: Language) -> None:
    english = page_words(Language.EN)
    left = {
        key
        for key, text in page_words(language).items()
        if re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", text)) and text == english[key]
    }
    assert left - SAME == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_holds_no_text_of_its_own(page) -> None:
    html = page.read_text(encoding="utf-8")
    html = re.sub(r"<(title|noscript)>.*?</\1>", "", html, flags=re.DOTALL)
    assert re.findall(r">\s*([^<>]*[A-Za-z][^<>]*?)\s*<", html) == []
