"""Words in Kazakh, Russian and English from Fluent catalogues, shared by reports and pages."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from babel.dates import format_datetime
from babel.numbers import format_decimal
from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax.ast import Junk, Message, Placeable, TextElement, VariableReference

from telemetry.errors import TelemetryError

CATALOGUE: Final = Path(__file__).with_name("catalogue")
DAGGER: Final = "†"


class WordingError(TelemetryError):
    """A word that no catalogue has, or one that cannot be put together."""


class Language(StrEnum):
    """Languages of reports and pages."""

    KK = "kk"
    RU = "ru"
    EN = "en"


class Wording:
    """Words and numbers of one language.

    Args:
        language: which.
        part: of which catalogue; the reports' own has no name.

    Raises:
        WordingError: its catalogue is damaged.
    """

    def __init__(self, language: Language, part: str = "") -> None:
        self.language = language
        text = (CATALOGUE / f"{part}{language.value}.ftl").read_text(encoding="utf-8")
        self._bundle = FluentBundle([language.value], use_isolating=False)
        self._resource = FluentResource(text)
        junk = [part for part in self._resource.body if isinstance(part, Junk)]
        if junk:
            msg = f"catalogue {language.value} cannot be read at {junk[0].content!r}"
            raise WordingError(msg)
        self._bundle.add_resource(self._resource)

    def keys(self) -> Iterator[str]:
        """Yield every key of the catalogue."""
        for message in self._resource.body:
            name = getattr(getattr(message, "id", None), "name", None)
            if name is not None:
                yield str(name)

    def has(self, key: str) -> bool:
        """Return whether the catalogue has a word."""
        return bool(self._bundle.has_message(key))

    def text(self, key: str, **arguments: str) -> str:
        """Return the words for a key; a dagger marks those a native speaker must check.

        Raises:
            WordingError: no such key, or an argument is missing.
        """
        if not self.has(key):
            msg = f"catalogue {self.language.value} has no {key!r}"
            raise WordingError(msg)
        message = self._bundle.get_message(key)
        if message.value is None:
            msg = f"catalogue {self.language.value}: {key!r} has no words of its own"
            raise WordingError(msg)
        value, errors = self._bundle.format_pattern(message.value, arguments)
        if errors:
            msg = f"catalogue {self.language.value}, {key!r}: {errors}"
            raise WordingError(msg)
        return f"{value} {DAGGER}" if "review" in message.attributes else str(value)

    def template(self, key: str) -> str:
        """Return the words for a key with `{name}` where an argument goes, for a browser.

        Raises:
            WordingError: no such key, or its words hold more than text and arguments.
        """
        for message in self._resource.body:
            if isinstance(message, Message) and message.id.name == key and message.value:
                return "".join(_plain(part, key) for part in message.value.elements)
        msg = f"catalogue {self.language.value} has no {key!r}"
        raise WordingError(msg)

    def word(self, prefix: str, name: str) -> str:
        """Return `prefix-name`, or the name itself where the catalogue has no such word."""
        key = f"{prefix}-{name}"
        return self.text(key) if self.has(key) else name

    def number(self, value: float, decimals: int) -> str:
        """Return a number as the language writes it."""
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, pattern, locale=self.language.value))

    def instant(self, value: datetime) -> str:
        """Return day, time and offset as the language writes them."""
        pattern = "d MMMM y, HH:mm ZZZZZ"
        return str(format_datetime(value, pattern, locale=self.language.value))


def _plain(part: TextElement | Placeable, key: str) -> str:
    if isinstance(part, TextElement):
        return str(part.value)
    if isinstance(part.expression, VariableReference):
        return f"{{{part.expression.id.name}}}"
    msg = f"{key!r} holds more than text and arguments"
    raise WordingError(msg)


@cache
def wording(language: Language) -> Wording:
    """Return the words of a language; catalogues are read once."""
    return Wording(language)
