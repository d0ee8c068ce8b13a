"""What people find who check the line: samples sorted by hand, and its naming looked over."""

from dataclasses import dataclass
from typing import Literal

from vision.types import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One sample sorted by hand: what part of a stream one material is.

    Attributes:
        stream: a fraction's product, or `residue`.
        material: a fraction, or glass, cullet, metal, battery; for purity the stream's own.
        sample_g: the whole sample.
        material_g: of the material in it.
        items: pieces in the sample.
        by: who sorted it.
    """

    kind: Literal["audit"] = "audit"
    stream: str
    material: str
    sample_g: int
    material_g: int
    items: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a person calls items of a stretch of belt that the line has named.

    Attributes:
        named: the line's word.
        true: the person's.
        items: so many of them.
        model: bundle that named them.
        by: who looked.
    """

    kind: Literal["naming"] = "naming"
    named: Fraction
    true: Fraction
    items: int
    model: str
    by: str
