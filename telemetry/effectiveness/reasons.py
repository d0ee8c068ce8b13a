"""Downtime reasons: the buttons an operator taps, with their words and whose time they mean."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from telemetry.effectiveness.types import TimeCategory

REASONS_PATH: Final = Path(__file__).with_name("reasons.toml")
ReasonCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Words = Annotated[str, Field(min_length=1, max_length=60)]


class DowntimeReason(BaseModel):
    """One button."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: Literal[
        TimeCategory.STARVED, TimeCategory.BLOCKED, TimeCategory.FAULT, TimeCategory.PLANNED
    ]
    """Whose time it was."""
    kk: _Words
    ru: _Words
    en: _Words
    review: bool = False
    """A native speaker has yet to confirm the Kazakh wording."""


Reasons = Mapping[str, DowntimeReason]
_REASONS: Final = TypeAdapter(dict[ReasonCode, DowntimeReason])


@cache
def shipped_reasons() -> Reasons:
    """Return the shipped reasons by code, in the order of the buttons."""
    return _REASONS.validate_python(tomllib.loads(REASONS_PATH.read_text(encoding="utf-8")))
