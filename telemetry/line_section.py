"""Reads the [telemetry] section of a line file, for what runs beside a line and not in it."""

from pathlib import Path

from pydantic import ValidationError

from controller.config_report import ConfigError, problems_of
from controller.line_file import read_document
from telemetry.config import TelemetryConfig


def read_telemetry(path: Path) -> TelemetryConfig:
    """Read the [telemetry] section of a line file alone; its paths start at the file's folder.

    Raises:
        ConfigError: the file cannot be read, or with every problem of the section.
    """
    content = read_document(path).get("telemetry", {})
    try:
        config = TelemetryConfig.model_validate(content)
    except ValidationError as error:
        problems = problems_of(error, content, section="telemetry")
        raise ConfigError([f"{path}: {problem}" for problem in problems]) from error
    return config.beside(path.resolve().parent)
