"""The rationalised list against the code: what can be raised is on it, and nothing else is."""

import re
from pathlib import Path

import pytest

from controller.alarm_list import LANGUAGES, AlarmPriority, alarm_list, entry_of
from controller.health import _CONDITIONS
from controller.snapshot import AlarmKind
from telemetry.alarms.page import MARK, listed, main

ROOT = Path(__file__).parents[2]
HUB_KINDS = set(
    re.findall(r"_watch\(\s*AlarmKind\.(\w+)", (ROOT / "telemetry/hub.py").read_text("utf-8"))
)


def test_every_alarm_that_code_raises_is_on_the_list_and_vice_versa() -> None:
    raised = {kind.name for kind in _CONDITIONS} | HUB_KINDS
    assert {kind.name for kind in alarm_list()} == raised
    assert set(alarm_list()) == set(AlarmKind)


@pytest.mark.parametrize("kind", AlarmKind)
def test_every_alarm_says_cause_consequence_and_response_in_three_languages(
    kind: AlarmKind,
) -> None:
    entry = entry_of(kind)
    for language in LANGUAGES:
        words = entry.words(language)
        texts = (words.name, words.cause, words.consequence, words.response)
        assert len(set(texts)) == 4
        if language != "en":
            assert not set(texts) & {
                entry.words("en").name,
                entry.words("en").cause,
                entry.words("en").response,
            }
            assert re.search("[\u0400-\u04ff]{3}", words.name)


def test_unconfirmed_kazakh_words_are_marked_and_only_those() -> None:
    for entry in alarm_list().values():
        assert entry.words("kk").review
        assert not entry.words("ru").review
        assert not entry.words("en").review


def test_priorities_are_spread_as_the_standard_asks() -> None:
    spread = {p: sum(e.priority is p for e in alarm_list().values()) for p in AlarmPriority}
    assert 1 <= spread[AlarmPriority.CRITICAL] <= 3
    assert spread[AlarmPriority.CRITICAL] < spread[AlarmPriority.HIGH]
    assert spread[AlarmPriority.HIGH] <= spread[AlarmPriority.MEDIUM]


def test_who_must_act_soon_has_a_high_priority() -> None:
    for entry in alarm_list().values():
        urgent = entry.priority in (AlarmPriority.CRITICAL, AlarmPriority.HIGH)
        assert not urgent or entry.respond_within_s <= 600
        if entry.respond_within_s > 3600:
            assert not urgent


def test_the_page_in_the_docs_is_the_list() -> None:
    text = (ROOT / "docs/alarms.md").read_text("utf-8")
    assert text.partition(MARK)[2] == "\n" + listed(), (
        "run: python -m telemetry.alarms.page docs/alarms.md"
    )


def test_a_page_without_the_mark_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "x.md"
    page.write_text("mine")
    with pytest.raises(SystemExit) as ended:
        main([str(page)])
    assert ended.value.code == 2
    assert page.read_text() == "mine"
