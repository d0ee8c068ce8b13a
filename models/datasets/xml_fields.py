"""Fields of XML labels, with errors that name file and field. Entities are refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse as parse_safely

from models.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element


def parse(path: Path) -> Element:
    """Return the root of an XML file.

    Raises:
        DatasetError: unreadable, not XML, or it holds entities.
    """
    try:
        root: Element | None = parse_safely(path).getroot()
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from error
    except (ParseError, DefusedXmlException) as error:
        raise DatasetError(f"{path}: not usable XML: {error}") from error
    if root is None:
        raise DatasetError(f"{path}: empty XML")
    return root


def text_of(element: Element, field: str, path: Path) -> str:
    """Return a field's text.

    Raises:
        DatasetError: it is missing or empty.
    """
    text = (element.findtext(field) or "").strip()
    if not text:
        raise DatasetError(f"{path}: <{element.tag}> lacks <{field}>")
    return text


def number_of(element: Element, field: str, path: Path) -> float:
    """Return a field's number.

    Raises:
        DatasetError: it is missing or no number.
    """
    return number(text_of(element, field, path), f"{path}: <{field}>")


def number(text: str, place: str) -> float:
    """Return a finite number.

    Raises:
        DatasetError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DatasetError(f"{place}: {text!r} is no number")
    return value
