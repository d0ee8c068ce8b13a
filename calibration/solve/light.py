"""Light and colour from photographs of a grey card: flat field, white balance, exposure, vignette.

The card fills the view; what differs over it is lamps, lens and sensor. The daily check compares a
reference strip beside the belt with what it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.belt_plane import Float64Array
from calibration.errors import ProcedureError
from calibration.light_field import GRID

Image = npt.NDArray[np.uint8]

WANTED_LEVEL: Final = 118.0
"""A card of 18 % reflectance in an image with a gamma of 2.2 (255 x 0.18^(1/2.2))."""
_LEVEL_TOLERANCE: Final = 0.25
_LEAST_LEVEL, _LARGEST_LEVEL = 20.0, 245.0
_LARGEST_COLOUR_SPREAD: Final = 0.35
_UNEVEN: Final = 0.6
"""A card that is darker than this share of its brightest somewhere is not the card alone."""
_STRIP_TOLERANCE: Final = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class LightFit:
    """How a line is lit.

    Attributes:
        gain: (12, 24) by which each part of the image must be multiplied to be as bright as the
            brightest.
        white_balance: gains of blue, green and red that make the card grey; green is 1.
        level: mean grey level of the card.
        exposure_factor: by which the exposure is to be changed; 1 where it may stay.
        vignette_share: light lost in the corners against the middle.
        noise_levels: standard deviation of a pixel from photograph to photograph.
    """

    gain: Float64Array
    white_balance: tuple[float, float, float]
    level: float
    exposure_factor: float
    vignette_share: float
    noise_levels: float


def fit_light(images: Sequence[Image]) -> LightFit:
    """Fit flat field and white balance to photographs of a grey card that fills the view.

    Args:
        images: (height, width, 3) uint8 BGR, two at least.

    Raises:
        ProcedureError: the card is too dark, burnt out, coloured, or not alone in the view.
    """
    if len(images) < 2:
        msg = f"{len(images)} photographs of the grey card"
        raise ProcedureError(msg, "take two at least")
    stack = np.stack([image.astype(np.float32) for image in images])
    mean = stack.mean(axis=0)
    colour = mean.reshape(-1, 3).mean(axis=0)
    level = float(colour.mean())
    if not _LEAST_LEVEL < level < _LARGEST_LEVEL:
        words = f"the grey card is at level {level:.0f} of 255"
        what = "lengthen" if level < WANTED_LEVEL else "shorten"
        raise ProcedureError(words, f"{what} the exposure until it is near {WANTED_LEVEL:.0f}")
    spread = float(np.ptp(colour) / level)
    if spread > _LARGEST_COLOUR_SPREAD:
        words = f"the card's colours differ by {spread:.0%}"
        raise ProcedureError(words, "use a neutral grey card, and lamps of one colour")
    coarse = cv2.resize(mean.mean(axis=2), GRID[::-1], interpolation=cv2.INTER_AREA)
    flat = np.asarray(coarse, dtype=np.float64) / float(coarse.max())
    if float(flat.min()) < _UNEVEN:
        words = f"part of the view is at {flat.min():.0%} of the brightest"
        raise ProcedureError(words, "let the card fill the whole view; see that all lamps burn")
    middle = flat[GRID[0] // 3 : -GRID[0] // 3, GRID[1] // 3 : -GRID[1] // 3].mean()
    corners = flat[[0, 0, -1, -1], [0, -1, 0, -1]].mean()
    return LightFit(
        gain=1.0 / flat,
        white_balance=(float(colour[1] / colour[0]), 1.0, float(colour[1] / colour[2])),
        level=level,
        exposure_factor=_exposure_factor(level),
        vignette_share=float(1.0 - corners / middle),
        noise_levels=float(np.sqrt(stack.var(axis=0, ddof=1).mean())),
    )


def _exposure_factor(level: float) -> float:
    """Return the change of exposure that brings the card to its level, 1 where it is near."""
    ratio = WANTED_LEVEL / level
    if abs(ratio - 1.0) <= _LEVEL_TOLERANCE:
        return 1.0
    return float(ratio**2.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class StripCheck:
    """The reference strip against what it was.

    Attributes:
        change: share by which each patch became brighter (positive) or darker.
        good: all within what is allowed.
        words: what was found.
    """

    change: tuple[float, ...]
    good: bool
    words: str


def check_strip(now: Float64Array, reference: Float64Array) -> StripCheck:
    """Compare grey levels of a reference strip's patches with those at calibration.

    Args:
        now: (n,) mean level of each patch.
        reference: (n,) at calibration.

    Raises:
        ValueError: the strips have different patches.
    """
    if now.shape != reference.shape:
        msg = f"{now.shape} patches against {reference.shape}"
        raise ValueError(msg)
    change = now / np.maximum(reference, 1.0) - 1.0
    common = float(np.median(change))
    worst = float(np.abs(change).max())
    good = worst <= _STRIP_TOLERANCE
    if good:
        words = f"the strip is as it was to {worst:.1%}"
    elif float(np.abs(change - common).max()) <= _STRIP_TOLERANCE:
        words = f"all of the strip changed by {common:+.0%}: light or exposure"
    else:
        words = f"patches changed by up to {worst:.0%}, differently: colour of the light, or dirt"
    return StripCheck(change=tuple(change.tolist()), good=good, words=words)
