"""The demonstration line with many lamps, in virtual time with all of its parts."""

from dataclasses import dataclass
from pathlib import Path

from controller.config_report import ConfigError
from controller.line_file import TwinCalibration, read_document, sorting_sections
from twin.assembly import twin_run
from twin.config import OperatorConfig, TwinConfig
from twin.items import HazardKind, PlainCatalogue
from twin.lockstep import run_lockstep
from twin.simulation import simulated_line
from vision.types import Fraction

LINE_FILE = Path(__file__).parents[1] / "deploy" / "lines" / "demo.toml"
LAMP_SHARE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTally:
    """What came of the line's items; lamps whole and broken."""

    items: int
    lamps: int
    lamps_jetted: int
    lamps_stopped: int
    batteries: int
    batteries_jetted: int
    canisters: int
    canisters_jetted: int


def run_line(items: int) -> LineTally:
    """Run the demonstration line with its shipped recipe; lamps hold it and are picked by hand.

    Raises:
        ConfigError: the line file does not pass its own checks.
    """
    document = read_document(LINE_FILE)
    document.pop("telemetry", None)
    twin = TwinConfig.model_validate(document.pop("twin"))
    line, problems = sorting_sections(document, LINE_FILE.parent)
    if line is None or not isinstance(line.calibration, TwinCalibration):
        raise ConfigError(list(problems))
    rest = {f: s for f, s in twin.feed.mix.items() if f is not Fraction.MERCURY_LAMP}
    scale = (1.0 - LAMP_SHARE) / sum(rest.values())
    mix: dict[Fraction, float] = {
        **{f: s * scale for f, s in rest.items()},
        Fraction.MERCURY_LAMP: LAMP_SHARE,
    }
    feed = twin.feed.model_copy(update={"mix": mix})
    world = twin.model_copy(update={"feed": feed, "operator": OperatorConfig(reaction_s=1.0)})
    setup = twin_run(
        simulated_line(line),
        world,
        mm_per_tick=line.calibration.mm_per_tick,
        catalogue=PlainCatalogue(),
        items=items,
    )
    result = run_lockstep(setup)
    bins = None if setup.world is None else setup.world.bins
    if bins is None or result.lamps is None or result.lamps_jetted is None:
        msg = "a run on the twin's belt has a world and knows its lamps"
        raise TypeError(msg)
    return LineTally(
        items=result.items,
        lamps=result.lamps,
        lamps_jetted=result.lamps_jetted,
        lamps_stopped=result.lamps_picked,
        batteries=bins.hazards(HazardKind.BATTERY),
        batteries_jetted=bins.hazards_jetted(HazardKind.BATTERY),
        canisters=bins.hazards(HazardKind.CANISTER),
        canisters_jetted=bins.hazards_jetted(HazardKind.CANISTER),
    )
