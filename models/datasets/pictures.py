"""Pictures on disk: which there are, and how large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from models.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


def picture_names(folder: Path) -> tuple[str, ...]:
    """Return the names of all pictures below a folder, with forward slashes, sorted.

    Raises:
        DatasetError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder of pictures")
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not found:
        raise DatasetError(f"{folder}: no pictures there ({', '.join(sorted(SUFFIXES))})")
    return tuple(found)


def size_px(path: Path) -> tuple[int, int]:
    """Return a picture's width and height as stored, reading no more than its head.

    Raises:
        DatasetError: missing or no picture.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: no such picture; its labels name it") from error
    except (OSError, UnidentifiedImageError) as error:
        raise DatasetError(f"{path}: not a readable picture ({error})") from error


def inside(folder: Path, name: str) -> Path:
    """Return the path of a picture that labels name.

    Raises:
        DatasetError: the name leads out of the folder.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DatasetError(f"{name}: leads out of {folder}; picture names must lie below it")
    return path
