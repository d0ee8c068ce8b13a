"""The classes of every data set and bundle made here."""

from __future__ import annotations

from typing import Final

from vision.types import Fraction

CLASS_NAMES: Final = tuple(fraction.value for fraction in Fraction)
"""In the order of their indices in labels and score rows."""
