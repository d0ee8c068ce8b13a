"""A whole line file: the sections that sort, telemetry, and the world when there is no plant.

Telemetry's and the twin's sections are unknown to the controller below them, so this is the lowest
place that can check a line file completely and report all its problems at once.
"""

import argparse
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from calibration import line_calibration
from calibration.line_calibration import LineCalibration
from controller.config_report import ConfigError, problems_of
from controller.line_file import LineFile, read_document, sorting_sections
from controller.session import FORMAT, SessionHeader, SessionWriter
from telemetry.config import TelemetryConfig
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.plant_line import PlantLine
from twin.config import TwinConfig

LINES = Path(__file__).resolve().parents[1] / "deploy" / "lines"
"""Line files that ship."""

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeLine:
    """A checked line file."""

    path: Path
    line: LineFile
    telemetry: TelemetryConfig
    twin: TwinConfig
    accounts: AccountsConfig | None


def load_line(path: Path, recipe: Path | None = None) -> WholeLine:
    """Read and check a line file.

    Args:
        path: of the line file.
        recipe: a recipe file to run instead of the line's own recipe, or None.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = read_document(path)
    if recipe is not None:
        document["recipe"] = {"file": str(recipe.resolve())}
    folder = path.resolve().parent
    problems: list[str] = []
    telemetry = _section(TelemetryConfig, "telemetry", document, problems)
    twin = _section(TwinConfig, "twin", document, problems)
    line, more = sorting_sections(document, folder)
    problems += more
    accounts = _accounts(document, folder, problems)
    if line is not None and twin is not None and line.camera.source == "twin":
        named = 1 + len(line.more_cameras)
        if named != twin.camera.count:
            msg = f"twin.camera.count: {twin.camera.count}, but the line names {named} camera(s)"
            problems.append(msg)
    if line is None or telemetry is None or twin is None or problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    located = telemetry.beside(folder)
    plant = None
    if accounts is not None:
        plant = PlantLine(
            accounts=accounts,
            line_id=line.line.id,
            store_path=located.store_path,
            mass_model=line.tracker.mass_model,
        )
    return WholeLine(
        path=path,
        line=line,
        telemetry=located.model_copy(update={"plant": plant}),
        twin=twin,
        accounts=accounts,
    )


def add_line_argument(parser: argparse.ArgumentParser, default: Path | None = None) -> None:
    """Declare the LINE.toml argument, to be left out only where there is a default."""
    parser.add_argument(
        "line",
        type=Path,
        nargs=None if default is None else "?",
        default=default,
        metavar="LINE.toml",
        help="the line file"
        if default is None
        else f"the line file (default: {default.relative_to(LINES.parents[1])})",
    )


def add_record_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--record DIR`."""
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="record frames and decisions for replay"
    )


def open_recorder(
    whole: WholeLine,
    folder: Path,
    session_id: str,
    bundle_id: str,
    calibration: LineCalibration,
    *,
    patient: bool = False,
) -> SessionWriter:
    """Begin to record a session of this line in a new folder.

    Args:
        whole: the line.
        folder: new; made here.
        session_id: of the line run.
        bundle_id: model bundle that names the items.
        calibration: that the run sorts with.
        patient: wait for the disk; for virtual time only.

    Raises:
        SessionError: the folder already holds a session or cannot be written.
    """
    header = SessionHeader(
        format=FORMAT,
        session_id=session_id,
        bundle_id=bundle_id,
        bundle=str(whole.line.detector.bundle.resolve()),
        line_toml=_with_files_found(whole.path),
        calibration_json=line_calibration.as_text(calibration),
    )
    return SessionWriter(folder, header, patient=patient)


def _with_files_found(path: Path) -> str:
    """Return a line file's text with recipe and mass model named by where they truly are."""
    text = path.read_text(encoding="utf-8")
    document = tomllib.loads(text)
    for named in (document["recipe"].get("file"), document.get("tracker", {}).get("mass_model")):
        if named is not None:
            found = (path.resolve().parent / named).resolve()
            text = text.replace(json.dumps(named), json.dumps(str(found)))
    return text


def _accounts(document: dict[str, Any], folder: Path, problems: list[str]) -> AccountsConfig | None:
    """Check the accounts of a plant that keeps any."""
    if "accounts" not in document:
        return None
    accounts = _section(AccountsConfig, "accounts", document, problems)
    return accounts.beside(folder) if accounts is not None else None


def _section(
    model: type[_Model], name: str, document: dict[str, Any], problems: list[str]
) -> _Model | None:
    """Check one section of the document; problems are added to the list."""
    content = document.get(name, {})
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems += problems_of(error, content, section=name)
        return None
