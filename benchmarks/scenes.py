"""Rendered frames of an endless belt with a wanted number of items in view.

The belt is a loop: what leaves the view comes back one loop later, so a second of drawing feeds a
camera for as long as a measurement takes, and items move on from frame to frame without a jump.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.standard_line import StandardLine
from twin.belt_items import BeltItems
from twin.config import TwinConfig
from twin.feed import Feed
from twin.items import SpriteCatalogue
from twin.optics import Renderer
from twin.sights import RENDER_MARGIN_MM
from twin.viewpoint import true_plane
from vision.types import Fraction

LOOP_MM = 1400.0
"""Length of the endless belt: half a second at nominal speed, nearly three views."""
OCCUPANCY = 0.30
"""How dense the items fall before they are spread over the loop; the feed's upper limit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EndlessBelt:
    """Frames at equal distances of belt travel.

    Attributes:
        images: (n, height, width, 3) uint8 BGR, read-only.
        step_mm: belt travel between two of them; n steps make the loop.
    """

    images: npt.NDArray[np.uint8]
    step_mm: float

    def at(self, travel_mm: float) -> npt.NDArray[np.uint8]:
        """Return the frame nearest to a belt travel."""
        return np.asarray(self.images[round(travel_mm / self.step_mm) % len(self.images)])


def draw_belt(
    standard: StandardLine, catalogue: SpriteCatalogue, *, items_in_view: int, step_mm: float
) -> EndlessBelt:
    """Draw one loop of belt.

    Args:
        standard: its camera and world; lamps are left out, they would stop the line.
        catalogue: what lies on the belt.
        items_in_view: mean number of items whose centre is in view; they lie over each other where
            they do not fit.
        step_mm: belt travel from frame to frame, a divisor of LOOP_MM.
    """
    config, camera = standard.twin, standard.twin.camera
    items = _endless(config, catalogue, round(items_in_view * LOOP_MM / camera.view_length_mm))
    renderer = Renderer(config=config, plane=true_plane(config), sprites=catalogue.sprites)
    count = round(LOOP_MM / step_mm)
    images = np.empty((count, camera.height_px, camera.width_px, 3), dtype=np.uint8)
    reach_mm = camera.view_length_mm / 2 + RENDER_MARGIN_MM
    for index in range(count):
        # In the second loop: an item near its ends has its copies in the first and the third.
        travel_mm = LOOP_MM + index * step_mm
        near = np.abs(items.y_mm - travel_mm) <= reach_mm + items.radius_mm
        images[index] = renderer.render(
            items.chosen(near),
            travel_mm=travel_mm,
            speed_mm_per_s=config.belt.speed_mm_per_s,
            seq=index,
        )
    images.setflags(write=False)
    return EndlessBelt(images=images, step_mm=step_mm)


def _endless(config: TwinConfig, catalogue: SpriteCatalogue, count: int) -> BeltItems:
    """Return `count` items spread over a loop, with their copies on the next two."""
    feed = Feed(
        config=config.feed.model_copy(
            update={
                "mix": {**config.feed.mix, Fraction.MERCURY_LAMP: 0.0},
                "occupancy": OCCUPANCY,
            }
        ),
        slip=config.slip.model_copy(update={"settled_share": 1.0, "air_share": 0.0}),
        catalogue=catalogue,
        belt_width_mm=config.belt.width_mm,
        belt_speed_mm_per_s=config.belt.speed_mm_per_s,
        first_y_mm=0.0,
        seed=config.seed,
    )
    once = BeltItems.of(feed.items_until(np.inf, most=count), entry_s_mm=-LOOP_MM)
    once.y_mm[:] *= LOOP_MM / (float(once.y_mm.max(initial=0.0)) + 1 / feed.items_per_mm)
    items = once.joined(once).joined(once)
    items.y_mm[:] += np.repeat((0.0, LOOP_MM, 2 * LOOP_MM), len(once))
    return items
