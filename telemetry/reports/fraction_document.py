"""The parts of a report's document that came with version 2: yields, contamination, overlap."""

from typing import Annotated, Literal

from pydantic import Field

from calibration.section import Section

Share = Annotated[float, Field(ge=0, le=1)]


class ContaminantPart(Section):
    """Part of a product that is not its target, by what it is; shares of the product's mass."""

    kind: Literal["recyclable", "not_recyclable", "prohibited"]
    share: Share


class FractionPart(Section):
    """Yield of one fraction, and what its contamination is made of.

    Both follow the definitions of `telemetry/estimates/definitions.py`. The split needs samples
    that were sorted into all fractions; `split_reason` says why there is none.
    """

    fraction: str
    mass_yield: float | None
    yield_lo: float | None
    yield_hi: float | None
    yield_is_estimate: bool
    contamination: tuple[ContaminantPart, ...]
    split_reason: str


class OverlapPart(Section):
    """How much of what left the belt was estimated where items lay on one another too much.

    Above `limit` (area of all boxes over the area they cover) an estimate is invalid.
    """

    limit: float
    invalid_t: Annotated[float, Field(ge=0)]
    invalid_share: Share
