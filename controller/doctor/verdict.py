"""What an examination says of one part."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a part is."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    WARN = "warn"
    """The line sorts, but worse than it could, or nobody can tell."""
    FAIL = "fail"
    """The line does not sort, or must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One part of the line, examined.

    Attributes:
        part: which.
        verdict: how it is.
        found: with figures.
        remedy: what to do; empty where nothing is to be done.
    """

    part: str
    verdict: Verdict
    found: str
    remedy: str = ""


def passed(part: str, found: str) -> Check:
    """Return that a part is well."""
    return Check(part=part, verdict=Verdict.PASS, found=found)


def warned(part: str, found: str, remedy: str) -> Check:
    """Return that a part could be better."""
    return Check(part=part, verdict=Verdict.WARN, found=found, remedy=remedy)


def failed(part: str, found: str, remedy: str) -> Check:
    """Return that a part keeps the line from sorting."""
    return Check(part=part, verdict=Verdict.FAIL, found=found, remedy=remedy)


def worst(checks: Sequence[Check]) -> Verdict:
    """Return the worst verdict among checks."""
    order = (Verdict.FAIL, Verdict.WARN)
    found = {check.verdict for check in checks}
    return next((verdict for verdict in order if verdict in found), Verdict.PASS)


def as_document(line_id: str, checks: Sequence[Check]) -> dict[str, Any]:
    """Return an examination as JSON values."""
    return {
        "line": line_id,
        "verdict": worst(checks).value,
        "checks": [asdict(check) | {"verdict": check.verdict.value} for check in checks],
    }
