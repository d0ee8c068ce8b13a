"""What no single section of the line file can know: whether stations, recipe and bundle fit."""

from collections.abc import Sequence

from controller.config import RecipeConfig
from controller.stations import StationConfig
from controller.types import ActionPolicy
from vision.types import Fraction


def station_problems(stations: Sequence[StationConfig], recipe: RecipeConfig) -> tuple[str, ...]:
    """Return what does not fit between the stations and the recipe, one line each."""
    problems: list[str] = []
    names = [station.name for station in stations]
    for index, station in enumerate(stations):
        if station.name in names[:index]:
            problems.append(f"stations[{index}].name: {station.name!r} is used twice")
        if index and station.distance_mm <= stations[index - 1].distance_mm:
            problems.append(
                f"stations[{index}].distance_mm: {station.distance_mm:g} is not downstream of "
                f"{names[index - 1]!r} at {stations[index - 1].distance_mm:g}"
            )
    for fraction, rule in recipe.fractions.items():
        if rule.station is not None and rule.station not in names:
            problems.append(
                f"recipe.fractions.{fraction.value}.station: no station {rule.station!r}; "
                f"there are {', '.join(repr(name) for name in names)}"
            )
    return tuple(problems)


def bundle_problems(
    recipe: RecipeConfig, bundle: str, classes: Sequence[Fraction]
) -> tuple[str, ...]:
    """Return a line per fraction that the recipe acts on and the bundle cannot name.

    Args:
        recipe: what is to be done with each fraction.
        bundle: name of the model bundle.
        classes: fractions that its network tells apart.
    """
    known = ", ".join(fraction.value for fraction in classes)
    return tuple(
        f"recipe.fractions.{fraction.value}: action {rule.action.value}, but bundle {bundle!r} "
        f"does not know {fraction.value}; it knows {known}. Let {fraction.value} pass, or take a "
        "bundle that knows it"
        for fraction, rule in recipe.fractions.items()
        if rule.action is not ActionPolicy.PASS and fraction not in classes
    )
