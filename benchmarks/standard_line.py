"""The line file that the benchmarks run: the standard scenario, as shipped."""

from dataclasses import dataclass
from pathlib import Path

from controller.config_report import ConfigError
from controller.line_file import LineFile, TwinCalibration, read_document, sorting_sections
from twin.config import TwinConfig

LINE_FILE = Path(__file__).parents[1] / "deploy" / "lines" / "standard.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardLine:
    """The standard scenario: a line and the world under it."""

    line: LineFile
    twin: TwinConfig

    @property
    def mm_per_tick(self) -> float:
        """Encoder scale, mm of belt travel per tick.

        Raises:
            TypeError: the line file's calibration is not the twin's.
        """
        config = self.line.calibration
        if not isinstance(config, TwinCalibration):
            msg = f"{LINE_FILE}: the standard scenario is calibrated by the twin"
            raise TypeError(msg)
        return config.mm_per_tick

    @property
    def ticks_per_s(self) -> float:
        """Nominal belt speed in encoder ticks per second."""
        return self.twin.belt.speed_mm_per_s / self.mm_per_tick


def standard_line() -> StandardLine:
    """Read the standard line file.

    Raises:
        ConfigError: it does not pass its own checks.
    """
    document = read_document(LINE_FILE)
    document.pop("telemetry", None)
    twin = TwinConfig.model_validate(document.pop("twin"))
    line, problems = sorting_sections(document, LINE_FILE.parent)
    if line is None:
        raise ConfigError(list(problems))
    return StandardLine(line=line, twin=twin)
