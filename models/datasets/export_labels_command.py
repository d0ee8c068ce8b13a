"""Write a data set's labels in the format of another tool; the pictures stay where they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from models.classes import CLASS_NAMES
from models.datasets import yolo
from models.datasets.formats import FORMATS, LabelFormat
from models.errors import DatasetError

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `export-labels` command."""
    formats = [name.value for name in LabelFormat if name is not LabelFormat.YOLO]
    parser.add_argument("dataset", type=Path, help="folder of a data set (with data.yaml)")
    parser.add_argument("--format", required=True, choices=formats, help="to write")
    parser.add_argument("--out", type=Path, required=True, help="file to write; voc: a folder")


def run(arguments: argparse.Namespace) -> int:
    """Write labels."""
    if arguments.out.exists():
        raise DatasetError(f"{arguments.out}: exists already; name a new file or folder")
    pictures = yolo.read(arguments.dataset, None)
    unread = [picture.name for picture in pictures if not picture.width_px]
    if unread:
        raise DatasetError(f"{unread[0]}: cannot be read; mend or remove it (see `check`)")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    FORMATS[LabelFormat(arguments.format)].write(pictures, arguments.out, CLASS_NAMES)
    sys.stdout.write(f"{arguments.out}: {len(pictures)} pictures\n")
    return 0
