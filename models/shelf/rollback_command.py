"""Take the last promotion back: the line loads what it loaded before."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from models.shelf.shelf import Shelf

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `rollback` command."""
    parser.add_argument("--shelf", type=Path, required=True, help="folder of the plant's bundles")
    parser.add_argument("--reason", required=True, help="why, for the history")
    parser.add_argument("--by", default=getpass.getuser(), help="who (default: you)")


def run(arguments: argparse.Namespace) -> int:
    """Roll back."""
    shelf = Shelf(arguments.shelf)
    shelf.settle()
    change = shelf.roll_back(by=arguments.by, reason=arguments.reason)
    sys.stdout.write(f"rolled back to {change.edition} (before: {change.before})\n")
    return 0
