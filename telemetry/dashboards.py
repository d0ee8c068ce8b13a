"""Grafana dashboards for line, plant and fleet, made from one list of panels.

`python -m telemetry.dashboards FOLDER` writes them; those in `deploy/grafana/dashboards/` are kept
and a test compares. Expressions use metrics of `telemetry/metrics*.py` and the recording rules of
`deploy/prometheus/rules/recording.yml` only, and a test looks each name up.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from telemetry.dashboard_boards import BOARDS, Board, Panel

_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
_WIDTH: Final = 24


def dashboard(board: Board) -> dict[str, Any]:
    """Return a dashboard as Grafana imports it."""
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["sortline"],
        "timezone": "browser",
        "editable": True,
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source_variable(), *map(_variable, board.variables)]},
        "panels": _laid_out(board.panels),
    }


def _laid_out(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    laid, x, y, tallest = [], 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > _WIDTH:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        laid.append(_panel(panel, number, place))
        x, tallest = x + panel.width, max(tallest, panel.height)
    return laid


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    instant = panel.kind in ("table", "bargauge", "stat")
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": _SOURCE,
            "expr": expression,
            "legendFormat": legend,
            "instant": instant,
            "range": not instant,
        }
        for index, (expression, legend) in enumerate(panel.expressions)
    ]
    made = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "gridPos": place,
        "datasource": _SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
    }
    if panel.kind in ("stat", "bargauge"):
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}}
    return made | ({"description": panel.note} if panel.note else {})


def _source_variable() -> dict[str, Any]:
    return {"type": "datasource", "name": "source", "label": "Source", "query": "prometheus"}


def _variable(name: str) -> dict[str, Any]:
    of_plant = '{plant=~"$plant"}' if name == "line" else ""
    return {
        "type": "query",
        "name": name,
        "label": name.capitalize(),
        "datasource": _SOURCE,
        "query": f"label_values(sortline_line_up{of_plant}, {name})",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
    }


def write_dashboards(folder: Path) -> tuple[Path, ...]:
    """Write every dashboard into a folder; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for board in BOARDS:
        path = folder / f"{board.uid.removeprefix('sortline-')}.json"
        path.write_text(json.dumps(dashboard(board), indent=2) + "\n", encoding="utf-8")
        paths.append(path)
    return tuple(paths)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the dashboards; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m telemetry.dashboards", description=__doc__)
    parser.add_argument("folder", type=Path, help="deploy/grafana/dashboards")
    for path in write_dashboards(parser.parse_args(argv).folder):
        print(path)  # noqa: T201 - the result of a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
