"""Take labelled pictures of another tool or data set in, mapped onto the fractions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from models.datasets.formats import FORMATS, LabelFormat
from models.datasets.intake import take_in
from models.datasets.taxonomy import load_taxonomy

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `import` command."""
    formats = [name.value for name in LabelFormat]
    parser.add_argument("--format", required=True, choices=formats, help="of the labels")
    parser.add_argument("--labels", type=Path, required=True, help="file or folder of the labels")
    parser.add_argument(
        "--images", type=Path, required=True, help="folder below which the pictures lie"
    )
    parser.add_argument("--out", type=Path, required=True, help="data set folder to write")
    parser.add_argument(
        "--taxonomy",
        default="sortline",
        help="what the classes are here: sortline (the default), taco, trashnet, zerowaste, warp",
    )
    parser.add_argument(
        "--taxonomies", type=Path, metavar="FILE", help="TOML file of the plant's own tables"
    )


def run(arguments: argparse.Namespace) -> int:
    """Take a data set in."""
    taxonomy = load_taxonomy(arguments.taxonomy, arguments.taxonomies)
    pictures = FORMATS[LabelFormat(arguments.format)].read(arguments.labels, arguments.images)
    found = take_in(
        pictures,
        arguments.images,
        taxonomy,
        arguments.out,
        source=f"{arguments.format}: {arguments.labels.name}",
    )
    parts = ", ".join(f"{count} {part}" for part, count in sorted(found.pictures.items()))
    boxes = ", ".join(f"{count} {label}" for label, count in sorted(found.boxes.items()))
    sys.stdout.write(
        f"{found.folder / 'data.yaml'}\n{parts}\n{boxes}\nversion {found.version[:16]}\n"
    )
    return 0
