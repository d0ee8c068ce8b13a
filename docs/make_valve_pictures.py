"""Draws a valve test: `run_line.py valves test LINE.toml --json | docs/make_valve_pictures.py`.

Writes docs/pictures/valve-curves.png and docs/pictures/valve-lags.png (needs matplotlib, which the
training environment has).
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PICTURES: Final = Path(__file__).parent / "pictures"
_COLOURS: Final = {
    "ok": "#1b6ca8",
    "slow": "#e08e0b",
    "dead": "#d1495b",
    "widened_by_neighbours": "#d1495b",
}
_WORDS: Final = {"ok": "ok", "slow": "slow", "dead": "dead", "widened_by_neighbours": "dead"}


def main() -> int:
    """Read a report from stdin, draw its first bar, name the files.

    Returns:
        0, or 2 where stdin holds no report.
    """
    try:
        bar: dict[str, Any] = json.load(sys.stdin)["bars"][0]
    except (ValueError, KeyError, IndexError) as error:
        sys.stderr.write(f"error: no report of a valve test on stdin ({error})\n")
        return 2
    mpl.use("Agg")
    for name, plot in (("valve-curves", _curves), ("valve-lags", _lags)):
        figure, axes = plt.subplots(figsize=(7.0, 4.0), layout="constrained")
        plot(axes, bar)
        axes.grid(alpha=0.3)
        path = PICTURES / f"{name}.png"
        figure.savefig(path, dpi=110)
        plt.close(figure)
        sys.stdout.write(f"{path}\n")
    return 0


def _curves(axes: Axes, bar: dict[str, Any]) -> None:
    """Draw how far the pressure falls by the length of the pulse, a line for each valve."""
    named: dict[str, list[str]] = {}
    place: dict[str, tuple[float, float]] = {}
    lengths = sorted({p["open_ms"] for valve in bar["valves"] for p in valve.get("curve", ())})
    for valve in bar["valves"]:
        if not valve["shots"]:
            continue
        answers = {point["open_ms"]: point["answer"] for point in valve.get("curve", ())}
        axes.plot(
            lengths,
            [answers.get(length, 0.0) for length in lengths],
            color=_COLOURS[valve["health"]],
            alpha=0.45 if valve["health"] == "ok" else 1.0,
            marker="o",
        )
        if valve["health"] != "ok":
            kind = _WORDS[valve["health"]]
            named.setdefault(kind, []).append(str(valve["printed"]))
            place[kind] = (lengths[0], answers.get(lengths[0], 0.0))
    for kind, valves in named.items():
        words = f"{kind}: valve {', '.join(valves)}"
        axes.annotate(words, place[kind], xytext=(8, 8), textcoords="offset points")
    axes.set(
        xlabel="length of the pulse, ms",
        ylabel="fall of the pressure, kPa",
        title=f"Station {bar['station']}: answer of each valve",
    )


def _lags(axes: Axes, bar: dict[str, Any]) -> None:
    """Draw every valve's open lag with two standard errors, dead ones as crosses."""
    for valve in bar["valves"]:
        if not valve["shots"]:
            continue
        colour, at = _COLOURS[valve["health"]], valve["printed"]
        if _WORDS[valve["health"]] == "dead":
            axes.plot(at, 0.0, "x", color=colour, markersize=9, markeredgewidth=2)
        else:
            error = 2 * valve["open_lag_sd_ms"]
            axes.errorbar(at, valve["open_lag_ms"], error, fmt="o", color=colour, capsize=3)
    axes.set(
        xlabel="valve, as printed on the bar (x: dead)",
        ylabel="from switching on to air, ms",
        title=f"Station {bar['station']}: open lag of each valve",
    )
    axes.set_ylim(bottom=-0.5)


if __name__ == "__main__":
    sys.exit(main())
