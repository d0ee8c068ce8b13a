"""Reads what the accounts commands need of a line file."""

from pathlib import Path

from pydantic import ValidationError

from controller.config_report import ConfigError, problems_of
from controller.line_file import read_document
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.plant_line import PlantLine


def read_accounts(path: Path) -> AccountsConfig:
    """Return the [accounts] section of a line file.

    Raises:
        ConfigError: no such file, no such section, or problems in it.
    """
    document = read_document(path)
    content = document.get("accounts")
    if content is None:
        msg = f"{path}: no [accounts] section; a plant's figures need its BIN: see docs/accounts.md"
        raise ConfigError([msg])
    try:
        accounts = AccountsConfig.model_validate(content)
    except ValidationError as error:
        found = problems_of(error, content, section="accounts")
        raise ConfigError([f"{path}: {problem}" for problem in found]) from error
    return accounts.beside(path.resolve().parent)


def read_plant_line(path: Path) -> PlantLine:
    """Return accounts, line and item store of a line file.

    Raises:
        ConfigError: no such file, or a section that is needed is missing or wrong.
    """
    accounts = read_accounts(path)
    document = read_document(path)
    try:
        line_id = str(document["line"]["id"])
        store = Path(document["telemetry"]["store_path"])
    except (KeyError, TypeError) as error:
        msg = f"{path}: line.id and telemetry.store_path are needed: {error} is missing"
        raise ConfigError([msg]) from error
    folder = path.resolve().parent
    model = document.get("tracker", {}).get("mass_model")
    return PlantLine(
        accounts=accounts,
        line_id=line_id,
        store_path=(folder / store).resolve(),
        mass_model=None if model is None else folder / str(model),
    )
