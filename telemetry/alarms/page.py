"""`python -m telemetry.alarms.page docs/alarms.md`: writes the rationalised alarm list as a page.

What stands above the mark in the file is written by hand and kept; what stands below is the list.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from controller.alarm_list import AlarmDefinition, AlarmPriority, alarm_list
from telemetry.wording import DAGGER, Language, wording

MARK: Final = "<!-- Below: python -m telemetry.alarms.page docs/alarms.md -->"
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def listed() -> str:
    """Return the list as Markdown, most urgent first."""
    rows = [
        "",
        "## The list",
        "",
        "| alarm | priority | respond within | stops the line | on / off delay | deadband |",
        "|---|---|---|---|---|---|",
        *(_row(entry) for entry in _ordered()),
        "",
        f"{DAGGER} Kazakh wording that a native speaker has yet to confirm.",
    ]
    for entry in _ordered():
        rows += ["", *_details(entry)]
    return "\n".join(rows) + "\n"


def _ordered() -> list[AlarmDefinition]:
    rank = {priority: number for number, priority in enumerate(AlarmPriority)}
    return sorted(alarm_list().values(), key=lambda entry: rank[entry.priority])


def _row(entry: AlarmDefinition) -> str:
    delays = f"{_seconds(entry.on_delay_ns)} / {_seconds(entry.off_delay_ns)}"
    deadband = f"{entry.deadband:.0%}" if entry.deadband else "-"
    stops = "yes" if entry.stops_line else "-"
    cells = (
        f"`{entry.kind.value}` {entry.words('en').name}",
        entry.priority.value,
        _within(entry.respond_within_s),
        stops,
        delays,
        deadband,
    )
    return f"| {' | '.join(cells)} |"


def _details(entry: AlarmDefinition) -> list[str]:
    rows = [f"### {entry.words('en').name}", "", f"`{entry.kind.value}`, {entry.area.value}"]
    for language in (Language.EN, Language.RU, Language.KK):
        words, written = entry.words(language.value), wording(language)
        heads = [written.text(f"alarm-{part}") for part in ("cause", "consequence", "response")]
        mark = f" {DAGGER}" if words.review else ""
        texts = (words.cause, words.consequence, words.response)
        told = " ".join(f"*{head}:* {text}." for head, text in zip(heads, texts, strict=True))
        rows += ["", f"**{words.name}**{mark} {told}"]
    return rows


def _seconds(delay_ns: int) -> str:
    return f"{delay_ns / 1e9:g} s"


def _within(seconds: int) -> str:
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S} min"
    return f"{seconds // _HOUR_S} h" if seconds <= _DAY_S else f"{seconds // _DAY_S} d"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; returns 0, or 2 where the file has no mark."""
    parser = argparse.ArgumentParser(prog="python -m telemetry.alarms.page", description=__doc__)
    parser.add_argument("page", type=Path, help="docs/alarms.md")
    path: Path = parser.parse_args(argv).page
    try:
        above, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    except OSError as error:
        parser.error(f"{path}: {error.strerror}")
    if not mark:
        parser.error(f"{path} has no line {MARK!r}")
    path.write_text(above + MARK + "\n" + listed(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
