"""What the manager wants held: [recipe.hold.FRACTION]."""

from typing import Annotated

from pydantic import Field

from calibration.section import Section


class HoldConfig(Section):
    """One product whose purity is held.

    Purity is by mass, as samples of the product are weighed.
    """

    purity: Annotated[float, Field(ge=0.5, le=0.995)]
    """Share of the product's mass that is to belong there."""
    interval_min: Annotated[float, Field(gt=0)] = 10.0
    """Least time between two moves; the product of one setting must reach the sampling point."""
    caution_sd: Annotated[float, Field(ge=0.0, le=3.0)] = 0.5
    """Standard deviations of the estimated purity by which it is kept above the wanted one."""
