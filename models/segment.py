"""Separating the one object of a photograph from its background."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from models.render.surface import crop, main_part

U8 = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]

_WORK_PX = 224
"""GrabCut runs at this long side; sprites keep it (about 1 mm per pixel for a 220 mm item)."""

_LEAST_COVER, _MOST_COVER = 0.03, 0.93
"""A mask outside these shares of the picture: the object fills the frame or was not found."""

_SURE_DISTANCE, _LIKELY_DISTANCE = 40, 14
"""Lab distance to the background field; board noise and soft shadows stay below 14."""


def cut_object(bgr: U8, box: Box | None = None) -> tuple[U8, U8]:
    """Separate the one object of a picture from its background.

    The background is a smooth colour field fitted to the border; GrabCut refines what differs from
    it. A picture whose object fills the frame is kept whole, corners rounded.

    Args:
        bgr: (h, w, 3) uint8.
        box: the object's box as shares of the image; the surroundings then serve as background.

    Returns:
        BGR and alpha, cropped to the object, long side at most 224 px.
    """
    picture, inner = _working_copy(bgr, box)
    mask = _grab(picture, inner)
    x0, y0, x1, y1 = inner
    cover = np.count_nonzero(mask) / max((x1 - x0) * (y1 - y0), 1)
    if not _LEAST_COVER <= cover <= _MOST_COVER:
        mask = _whole_frame(picture.shape[:2], inner)
    alpha = cv2.GaussianBlur(mask, (0, 0), 0.8)
    return crop(picture, np.asarray(alpha, np.uint8), threshold=64)


def _working_copy(bgr: U8, box: Box | None) -> tuple[U8, tuple[int, int, int, int]]:
    """Shrunk picture (or box with a margin), and the rectangle that may hold the object."""
    h_px, w_px = bgr.shape[:2]
    x0, y0, x1, y1 = 0.0, 0.0, float(w_px), float(h_px)
    if box is not None:
        cx, cy, w, h = box
        x0, x1 = max((cx - 0.6 * w) * w_px, 0), min((cx + 0.6 * w) * w_px, w_px)
        y0, y1 = max((cy - 0.6 * h) * h_px, 0), min((cy + 0.6 * h) * h_px, h_px)
    part = bgr[int(y0) : max(int(y1), int(y0) + 2), int(x0) : max(int(x1), int(x0) + 2)]
    scale = min(_WORK_PX / max(part.shape[:2]), 1.0)
    size = (max(round(part.shape[1] * scale), 8), max(round(part.shape[0] * scale), 8))
    picture = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    if box is None:
        return picture, (0, 0, size[0], size[1])
    cx, cy, w, h = box
    return picture, (
        max(int(((cx - w / 2) * w_px - x0) * scale), 1),
        max(int(((cy - h / 2) * h_px - y0) * scale), 1),
        min(int(((cx + w / 2) * w_px - x0) * scale) + 1, size[0] - 1),
        min(int(((cy + h / 2) * h_px - y0) * scale) + 1, size[1] - 1),
    )


def _background_distance(picture: U8) -> npt.NDArray[np.float32]:
    """Lab distance of every pixel to a quadratic field fitted robustly to the border."""
    h_px, w_px = picture.shape[:2]
    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB).astype(np.float32)
    y, x = np.mgrid[-1 : 1 : h_px * 1j, -1 : 1 : w_px * 1j]
    basis = np.stack((np.ones_like(x), x, y, x * y, x * x, y * y), axis=-1).reshape(-1, 6)
    edge = max(min(h_px, w_px) // 16, 2)
    border = np.ones((h_px, w_px), bool)
    border[edge:-edge, edge:-edge] = False
    chosen = np.flatnonzero(border)
    flat = lab.reshape(-1, 3)
    weights = np.zeros((6, 3))
    for _ in range(4):
        weights = np.linalg.lstsq(basis[chosen], flat[chosen], rcond=None)[0]
        error = np.linalg.norm(flat[border.ravel()] - basis[border.ravel()] @ weights, axis=1)
        chosen = np.flatnonzero(border)[error <= max(float(np.percentile(error, 70)), 3.0)]
    distance = np.linalg.norm(flat - basis @ weights, axis=1).reshape(h_px, w_px)
    return np.asarray(distance, np.float32)


def _grab(picture: U8, inner: tuple[int, int, int, int]) -> U8:
    """Object mask, 0 or 255."""
    h_px, w_px = picture.shape[:2]
    x0, y0, x1, y1 = inner
    whole = (x0, y0, x1, y1) == (0, 0, w_px, h_px)
    mask = np.full((h_px, w_px), cv2.GC_BGD, np.uint8)
    if whole:
        distance = cv2.GaussianBlur(_background_distance(picture), (0, 0), 1.5)
        mask[:] = np.where(distance > _LIKELY_DISTANCE, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
        mask[distance > _SURE_DISTANCE] = cv2.GC_FGD
    else:
        mask[y0:y1, x0:x1] = cv2.GC_PR_FGD
        inset_x, inset_y = (x1 - x0) // 4, (y1 - y0) // 4
        mask[y0 + inset_y : y1 - inset_y, x0 + inset_x : x1 - inset_x] = cv2.GC_FGD
    if (mask & 1).all() or not (mask & 1).any():
        return ((mask & 1) * 255).astype(np.uint8)
    cv2.setRNGSeed(1)
    colours = np.zeros((2, 1, 65))
    unused = (0, 0, 1, 1)
    cv2.grabCut(picture, mask, unused, colours[0], colours[1], 2, cv2.GC_INIT_WITH_MASK)
    solid = ((mask & 1) * 255).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    solid = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_CLOSE, kernel), np.uint8)
    return _fill_holes(main_part(solid))


def _fill_holes(mask: U8) -> U8:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, outlines, -1, (255,), cv2.FILLED)
    return filled


def _whole_frame(shape: tuple[int, ...], inner: tuple[int, int, int, int]) -> U8:
    x0, y0, x1, y1 = inner
    mask: U8 = np.zeros(shape[:2], np.uint8)
    radius = max(min(x1 - x0, y1 - y0) // 10, 1)
    mask[y0 + radius : y1 - radius, x0 + radius : x1 - radius] = 255
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)
