"""What no single section of the line file can know: whether stations, recipe and bundle fit."""

from collections.abc import Sequence
from typing import Final

from calibration.mass_model import MassModelError
from controller.config import FractionRule, RecipeConfig, SitePolicy
from controller.stations import FlapConfig, GateConfig, JetBarConfig, StationConfig
from controller.types import ActionPolicy
from vision.mass_law import read_mass_law
from vision.tracker_config import TrackerConfig
from vision.types import Fraction

_TAKERS: Final[dict[ActionPolicy, tuple[type[JetBarConfig | FlapConfig | GateConfig], ...]]] = {
    ActionPolicy.EJECT: (JetBarConfig,),
    ActionPolicy.DIVERT: (FlapConfig, GateConfig),
}
_KINDS: Final = {ActionPolicy.EJECT: '"jets"', ActionPolicy.DIVERT: '"flap" or "gate"'}
"""Kinds of station that an action goes with."""


def station_problems(
    stations: Sequence[StationConfig], recipe: RecipeConfig, site: SitePolicy
) -> tuple[str, ...]:
    """Return what does not fit between the stations, the recipe and the site, one line each."""
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
        problems += _rule_problems(fraction, rule, stations, site)
    return tuple(problems)


def _rule_problems(
    fraction: Fraction, rule: FractionRule, stations: Sequence[StationConfig], site: SitePolicy
) -> tuple[str, ...]:
    """Return why a rule's station cannot do what the rule asks of it."""
    if rule.station is None:
        return ()
    key = f"recipe.fractions.{fraction.value}"
    chosen = next((station for station in stations if station.name == rule.station), None)
    if chosen is None:
        known = ", ".join(repr(station.name) for station in stations)
        return (f"{key}.station: no station {rule.station!r}; there are {known}",)
    if not isinstance(chosen, _TAKERS[rule.action]):
        words = (
            f"{key}: {rule.action.value} takes a station of kind {_KINDS[rule.action]}, "
            f"{rule.station!r} is of kind {chosen.kind!r}"
        )
        return (words,)
    return _lamp_problems(key, chosen, site) if fraction is Fraction.MERCURY_LAMP else ()


def _lamp_problems(key: str, station: StationConfig, site: SitePolicy) -> tuple[str, ...]:
    """Return why a lamp must not be diverted at a station."""
    if not isinstance(station, FlapConfig) or not station.soft:
        return (f"{key}: only a flap with soft = true may take lamps, {station.name!r} is none",)
    if not site.lamps_to_soft_flap:
        words = (
            f"{key}: the site does not allow lamps to be diverted; set site.lamps_to_soft_flap = "
            "true where it does, or take action stop_and_alarm"
        )
        return (words,)
    return ()


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


def mass_problems(tracker: TrackerConfig) -> tuple[str, ...]:
    """Return why the mass model that the tracker names cannot weigh this line's items."""
    try:
        read_mass_law(tracker.mass_model)
    except MassModelError as error:
        return (f"tracker.mass_model: {error}; leave it out to weigh by the built-in law",)
    return ()
