"""The live picture: tracks and decisions drawn on a frame, as JPEG."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.belt_plane import BeltPlane
from calibration.travel import BeltTravel
from vision.types import Fraction, Track

JPEG_QUALITY: Final = 80
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX

Colour = tuple[int, int, int]

FRACTION_COLOURS_BGR: Final[tuple[tuple[Fraction, Colour], ...]] = (
    (Fraction.PLASTIC, (230, 159, 0)),
    (Fraction.PAPER, (66, 228, 240)),
    (Fraction.FOOD, (115, 158, 0)),
    (Fraction.WEEE, (167, 121, 204)),
    (Fraction.MERCURY_LAMP, (0, 0, 255)),
    (Fraction.OTHER, (190, 190, 190)),
)
"""Tell-apart colours after Okabe and Ito (jfly.uni-koeln.de/color); red is the hazard's alone."""
_COLOUR_OF: Final = dict(FRACTION_COLOURS_BGR)
_SHORT_NAME: Final = {Fraction.MERCURY_LAMP: "LAMP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedTrack:
    """A track as the picture shows it.

    Attributes:
        track: the item.
        mark: what was decided about it, in a word; empty while undecided.
    """

    track: Track
    mark: str


def annotate(
    image: npt.NDArray[np.uint8],
    marked: tuple[MarkedTrack, ...],
    *,
    plane: BeltPlane,
    travel: BeltTravel,
    tick: float,
) -> bytes:
    """Draw the items on a copy of the frame and return it as JPEG.

    Args:
        image: (height, width, 3) uint8 BGR, raw image frame; left as it is.
        marked: items to draw; those outside the picture are skipped.
        plane: the camera's belt plane.
        travel: the belt's scale.
        tick: belt tick of the frame's exposure.
    """
    picture = image.copy()
    if marked:
        outlines = _outlines(marked, plane, travel, tick)
        seen = [
            (item, outline)
            for item, outline in zip(marked, outlines, strict=True)
            if _touches(outline, picture)
        ]
        for item, outline in seen:
            _draw_outline(picture, item, outline)
        for item, outline in seen:
            _draw_label(picture, item, outline)
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        msg = f"a picture of shape {picture.shape} cannot be encoded as JPEG"
        raise ValueError(msg)
    return jpeg.tobytes()


def _outlines(
    marked: tuple[MarkedTrack, ...], plane: BeltPlane, travel: BeltTravel, tick: float
) -> npt.NDArray[np.int32]:
    tracks = [item.track for item in marked]
    x_mm = np.array([t.x_mm for t in tracks])
    s_mm = np.array([travel.position_s_mm(t.y_mm, tick) for t in tracks])
    half_width = np.array([t.width_mm for t in tracks]) / 2
    half_length = np.array([t.length_mm for t in tracks]) / 2
    across = np.stack((-half_width, half_width, half_width, -half_width), axis=1)
    along = np.stack((-half_length, -half_length, half_length, half_length), axis=1)
    corners_mm = np.stack((x_mm[:, None] + across, s_mm[:, None] + along), axis=2)
    corners_px = plane.to_image_px(corners_mm.reshape(-1, 2)).reshape(-1, 4, 2)
    # Far outside the view the lens model turns over; such corners only need to stay outside.
    limit = 4 * max(plane.image_width_px, plane.image_height_px)
    return np.asarray(np.clip(np.rint(corners_px), -limit, limit), dtype=np.int32)


def _touches(outline: npt.NDArray[np.int32], picture: npt.NDArray[np.uint8]) -> bool:
    height, width = picture.shape[:2]
    (u_min, v_min), (u_max, v_max) = outline.min(axis=0), outline.max(axis=0)
    return bool(u_max >= 0 and v_max >= 0 and u_min < width and v_min < height)


def _draw_outline(
    picture: npt.NDArray[np.uint8], item: MarkedTrack, outline: npt.NDArray[np.int32]
) -> None:
    fraction = item.track.fraction
    thickness = 3 if fraction is Fraction.MERCURY_LAMP else 2
    colour = _COLOUR_OF[fraction]
    cv2.polylines(picture, [outline], isClosed=True, color=colour, thickness=thickness)


def _draw_label(
    picture: npt.NDArray[np.uint8], item: MarkedTrack, outline: npt.NDArray[np.int32]
) -> None:
    height, width = picture.shape[:2]
    fraction = item.track.fraction
    name = _SHORT_NAME.get(fraction, fraction.value)
    label = f"{name} {item.track.confidence:.0%} {item.mark}".rstrip()
    scale = max(0.4, width / 1600)
    (text_width, text_height), base = cv2.getTextSize(label, _FONT, scale, 1)
    u_min, v_min = outline.min(axis=0)
    u = int(np.clip(u_min, 0, max(0, width - text_width - 2)))
    v = int(np.clip(v_min - base, text_height + 2, height - base))
    corner, opposite = (u, v - text_height - 2), (u + text_width + 2, v + base - 1)
    cv2.rectangle(picture, corner, opposite, (20, 20, 20), cv2.FILLED)
    cv2.putText(picture, label, (u + 1, v - 1), _FONT, scale, _COLOUR_OF[fraction], 1, cv2.LINE_AA)
