"""The model card and the printed table: what a bundle was trained on and how far to trust it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from vision.manifest import BundleManifest

_SUBSET_WORDS = {
    "test_rendered": "rendered items from seeds never trained on, on held-out belts",
    "test_photo": "photographs from sources never trained on, cut out, on held-out belts",
}


_ALWAYS = (
    "Food and mercury lamps are rendered items only: none of the training pictures was a real one.",
    "Photographs have no scale; their sizes on the belt are plausible, not true.",
    "Figures are per view. The line fuses a track's views before it decides.",
    "A plant must train on its own waste before trusting it.",
)


def table(manifest: BundleManifest) -> str:
    """Plain text table of every measured subset."""
    lines = []
    for subset in _SUBSET_WORDS:
        figures = _mapping(manifest.metrics.get(subset))
        if not figures:
            continue
        lines.append(
            f"{subset}: {figures['scenes']} scenes, {figures['items']} items, mAP50 "
            f"{figures['map50']}, mAP50-95 {figures['map50_95']}, macro recall "
            f"{figures['macro_recall']}"
        )
        lines.append(
            f"  {'fraction':14}{'items':>7}{'AP50':>8}{'AP50-95':>9}{'prec':>8}{'recall':>8}"
        )
        for name, row in _rows(figures):
            cells = [row[key] for key in ("ap50", "ap50_95", "precision", "recall")]
            lines.append(
                f"  {name:14}{row['items']:>7}{cells[0]:>8}{cells[1]:>9}{cells[2]:>8}{cells[3]:>8}"
            )
        lamps = _mapping(figures["lamps"])
        lines.append(
            f"  lamps: recall per view {lamps['recall_per_view']} (lower "
            f"{lamps['recall_per_view_lower']}), {lamps['false_per_5000']} false per 5000 others"
        )
    return "\n".join(lines) + "\n"


def model_card(manifest: BundleManifest) -> str:
    """Markdown model card."""
    training = manifest.training
    run = _mapping(training.get("run"))
    scenes = _mapping(training.get("scenes"))
    sources = training.get("sources")
    parts = [
        f"# Model card: {manifest.name}",
        "Written by `python -m models evaluate --card`; do not edit by hand.",
        (
            f"- network: {manifest.network.family}, input {manifest.input.long_side_px} px, "
            f"{'with' if manifest.decode.needs_nms else 'without'} non-maximum suppression\n"
            f"- weights: `{manifest.network.sha256[:12]}`, {manifest.created_at_utc:%Y-%m-%d}, "
            f"licence **{manifest.licence}** (trained with Ultralytics; the code is Apache-2.0)\n"
            f"- framework: {training.get('framework')}\n"
            f"- hardware: {training.get('hardware')}; {run.get('seconds', '?')} s of training at "
            f"{run.get('long_side_px', '?')} px, batch {run.get('batch', '?')}, "
            f"{run.get('optimiser', '?')}, seed {run.get('seed', '?')}\n"
            f"- data: {scenes.get('train', '?')} composed scenes, seed {scenes.get('seed', '?')}"
        ),
        "## Sources",
        "\n".join(f"- {source}" for source in sources) if isinstance(sources, list) else "",
        (
            "Held-out scenes lie at 10 % occupancy. One source group in five is held out; "
            "thresholds are chosen on one half of it (with rendered items) and the figures below "
            "come from the other half."
        ),
        "## Thresholds",
        ", ".join(f"{name.value} {score:g}" for name, score in manifest.thresholds.items()),
        "Mercury lamps: chosen with recall weighing four times precision.",
        "## Figures",
        *[_subset(manifest, subset, words) for subset, words in _SUBSET_WORDS.items()],
        "## What it does not know",
        "\n".join(f"- {text}" for text in (*_ALWAYS, *_notes(manifest))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _notes(manifest: BundleManifest) -> list[str]:
    notes = manifest.metrics.get("notes")
    return [str(note) for note in notes] if isinstance(notes, list) else []


def _subset(manifest: BundleManifest, subset: str, words: str) -> str:
    figures = _mapping(manifest.metrics.get(subset))
    if not figures:
        return ""
    lamps = _mapping(figures["lamps"])
    lines = [
        f"### {subset}: {words}",
        "",
        (
            f"{figures['scenes']} scenes, {figures['items']} items: mAP50 {figures['map50']}, "
            f"mAP50-95 {figures['map50_95']}, macro recall {figures['macro_recall']}."
        ),
        "",
        "| fraction | items | AP50 | AP50-95 | precision | recall |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in _rows(figures):
        keys = ("items", "ap50", "ap50_95", "precision", "recall")
        lines.append(f"| {name} | " + " | ".join(str(row[key]) for key in keys) + " |")
    lines += ["", _lamp_line(lamps)]
    return "\n".join(lines)


def _lamp_line(lamps: dict[str, JsonValue]) -> str:
    alarms = (
        f"{lamps['false_alarms']} false alarms, {lamps['false_per_5000']} per 5,000 other items"
    )
    if not lamps["items"]:
        return f"Mercury lamps: none in this subset; {alarms}."
    return (
        f"Mercury lamps: recall per view {lamps['recall_per_view']} (95 % lower bound "
        f"{lamps['recall_per_view_lower']}), {alarms}."
    )


def _rows(figures: dict[str, JsonValue]) -> list[tuple[str, dict[str, JsonValue]]]:
    return [(name, _mapping(row)) for name, row in _mapping(figures["per_class"]).items()]


def _mapping(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}
