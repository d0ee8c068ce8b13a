"""Recipes in files of their own: `[recipe] file = "..."` in a line file, or `--recipe FILE`.

A recipe file holds what the `[recipe]` section would: the same keys, `[fractions]` among them. Keys
beside `file` in the line file go over those of the recipe file.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.config_report import ConfigError


def with_recipe(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a line file's content with the recipe that it names in place.

    Args:
        document: parsed line file.
        folder: a relative path starts here.

    Raises:
        ConfigError: the recipe file is missing, not TOML, or names another in turn.
    """
    section = document.get("recipe")
    if not isinstance(section, Mapping) or "file" not in section:
        return dict(document)
    named = section["file"]
    if not isinstance(named, str):
        raise ConfigError(["recipe.file: Input should be a valid string"])
    recipe = read_recipe(folder / named)
    over = {key: value for key, value in section.items() if key != "file"}
    fractions = {**_table(recipe, "fractions"), **_table(over, "fractions")}
    return {**document, "recipe": {**recipe, **over, "fractions": fractions}}


def read_recipe(path: Path) -> dict[str, Any]:
    """Parse a recipe file without checking its content.

    Raises:
        ConfigError: missing, not TOML, or it names a recipe file itself.
    """
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        words = f"recipe.file: {path}: {error.strerror}; name an existing recipe file"
        raise ConfigError([words]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"recipe.file: {path}: not TOML: {error}"]) from error
    if "file" in recipe:
        raise ConfigError([f"recipe.file: {path}: a recipe file cannot name another"])
    if "recipe" in recipe or "stations" in recipe:
        words = f"recipe.file: {path}: this is a line file; a recipe file has its keys at the top"
        raise ConfigError([words])
    return recipe


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key, {})
    return value if isinstance(value, Mapping) else {}
