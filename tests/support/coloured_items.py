"""Items of plain colour that the cell network of the tests can name."""

import numpy as np

from models.library import Sprite
from twin.items import SpriteCatalogue
from vision.types import Fraction

_COLOURS_BGR = {
    Fraction.PLASTIC: (0, 0, 255),
    Fraction.FOOD: (255, 0, 0),
    Fraction.PAPER: (0, 255, 0),
}


def coloured_plate(fraction: Fraction, side_mm: float = 180.0) -> Sprite:
    """Return a square plate in the colour that the cell network takes for `fraction`."""
    side_px = round(side_mm / 2)
    return Sprite(
        bgr=np.full((side_px, side_px, 3), _COLOURS_BGR[fraction], np.uint8),
        alpha=np.full((side_px, side_px), 255, np.uint8),
        mm_per_px=2.0,
        fraction=fraction,
        design="plate",
        mass_g=30.0,
        height_mm=2.0,
        source="test",
    )


def coloured_catalogue() -> SpriteCatalogue:
    """Return a catalogue of one plate for each colour."""
    return SpriteCatalogue([coloured_plate(fraction) for fraction in _COLOURS_BGR])
