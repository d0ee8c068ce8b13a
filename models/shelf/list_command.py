"""List the bundles of a shelf and how they came and went."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from models.shelf.shelf import Shelf

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `list` command."""
    parser.add_argument("--shelf", type=Path, required=True, help="folder of the plant's bundles")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """List."""
    shelf = Shelf(arguments.shelf)
    history, bundles = shelf.history(), shelf.bundles()
    current = None if shelf.current is None else shelf.current.name
    if arguments.json:
        document = {
            "current": current,
            "bundles": [edition for edition, _ in bundles],
            "history": [change.model_dump(mode="json") for change in history],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    for edition, bundle in bundles:
        mark = "*" if edition == current else " "
        manifest = bundle.manifest
        sys.stdout.write(
            f"{mark} {edition}  {manifest.network.family}  "
            f"{manifest.created_at_utc:%Y-%m-%d}  {manifest.licence}\n"
        )
    for change in history:
        sys.stdout.write(
            f"{change.at_utc:%Y-%m-%d %H:%M} UTC  {change.kind.value:11}  {change.edition}  "
            f"by {change.by}: {change.reason}\n"
        )
    return 0
