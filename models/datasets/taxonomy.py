"""What foreign classes are on this line: a table in a file, never a guess."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import DatasetError
from vision.types import Fraction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.datasets.types import LabelledPicture

BUILT_IN = Path(__file__).with_name("taxonomies.toml")
_IGNORED = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """One data set's classes.

    Attributes:
        name: of the data set.
        fraction_of: by class name as compared (`compared`); None leaves its boxes out.
    """

    name: str
    fraction_of: Mapping[str, Fraction | None]


def compared(label: str) -> str:
    """Return a class name as it is compared: no case, blanks, `-` or `_`."""
    return _IGNORED.sub("", label).casefold()


def load_taxonomy(name: str, file: Path | None = None) -> Taxonomy:
    """Read one table.

    Args:
        name: of the table.
        file: of the plant's own tables; None for those that ship.

    Raises:
        DatasetError: no such file or table, or it names what is no fraction.
    """
    path = file or BUILT_IN
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}; name a file of taxonomies") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: not TOML: {error}") from error
    table = tables.get(name)
    if not isinstance(table, dict):
        raise DatasetError(f"{path}: no table [{name}]; there are: {', '.join(tables)}")
    known = {fraction.value: fraction for fraction in Fraction}
    fractions: dict[str, Fraction | None] = {}
    for label, fraction in table.items():
        if fraction and fraction not in known:
            raise DatasetError(
                f"{path}: [{name}] {label}: {fraction!r} is none of {', '.join(known)} "
                '(or "" to leave it out)'
            )
        fractions[compared(label)] = known.get(fraction)
    return Taxonomy(name=name, fraction_of=fractions)


def mapped(pictures: Sequence[LabelledPicture], taxonomy: Taxonomy) -> tuple[LabelledPicture, ...]:
    """Name every box by its fraction; boxes of classes that are left out go.

    Raises:
        DatasetError: classes that the table does not know; all of them are named.
    """
    labels = {box.label for picture in pictures for box in picture.boxes}
    unknown = sorted(label for label in labels if compared(label) not in taxonomy.fraction_of)
    if unknown:
        raise DatasetError(
            f"taxonomy {taxonomy.name}: no word on {', '.join(map(repr, unknown))}; write a table "
            "that names them and give it with --taxonomies FILE"
        )
    return tuple(
        replace(
            picture,
            boxes=tuple(
                replace(box, label=fraction.value)
                for box in picture.boxes
                if (fraction := taxonomy.fraction_of[compared(box.label)]) is not None
            ),
        )
        for picture in pictures
    )
