"""Lockstep runs of the shipped line files on the twin's plain shapes."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from controller.line_file import read_document, sorting_sections
from twin.assembly import SimulatedLine, twin_run
from twin.config import TwinConfig
from twin.items import ItemCatalogue, PlainCatalogue
from twin.lockstep import LockstepSetup
from vision.types import Fraction

LINES = Path(__file__).parents[2] / "deploy" / "lines"
MM_PER_TICK = 0.5


@cache
def shipped_line(name: str) -> tuple[SimulatedLine, TwinConfig]:
    """Return the line and world of one of the shipped line files."""
    document = read_document(LINES / f"{name}.toml")
    document.pop("telemetry")
    config = TwinConfig.model_validate(document.pop("twin"))
    line, problems = sorting_sections(document, LINES)
    assert line is not None, problems
    simulated = SimulatedLine(
        session_id="test",
        stations=line.stations,
        recipe=line.recipe,
        limits=line.limits,
        tracker=line.tracker,
        stall_after_ms=line.camera.stall_after_ms,
        plc=line.plc,
    )
    return simulated, config


def shipped_run(
    name: str = "standard",
    *,
    items: int,
    config: TwinConfig | None = None,
    catalogue: ItemCatalogue | None = None,
    max_by_catch_ratio: float | None = None,
    **more: Any,
) -> LockstepSetup:
    """Return a ready run of a shipped line, on plain shapes and its own world by default."""
    line, own_config = shipped_line(name)
    if max_by_catch_ratio is not None:
        recipe = line.recipe.model_copy(update={"max_by_catch_ratio": max_by_catch_ratio})
        line = replace(line, recipe=recipe)
    return twin_run(
        line,
        config or own_config,
        mm_per_tick=MM_PER_TICK,
        catalogue=catalogue or PlainCatalogue(),
        items=items,
        **more,
    )


def with_share(config: TwinConfig, fraction: Fraction, share: float) -> TwinConfig:
    """Return a world whose feed holds this share of a fraction, the rest in proportion."""
    rest = {f: s for f, s in config.feed.mix.items() if f is not fraction}
    scale = (1 - share) / sum(rest.values())
    mix = {**{f: s * scale for f, s in rest.items()}, fraction: share}
    return config.model_copy(update={"feed": config.feed.model_copy(update={"mix": mix})})


def with_air(config: TwinConfig, **changes: Any) -> TwinConfig:
    """Return a world with some of its air settings changed."""
    return config.model_copy(update={"air": config.air.model_copy(update=changes)})
