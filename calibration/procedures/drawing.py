"""Draws a step as the technician sees it: the photograph, what was found in it, and the words."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.procedures.steps import Mark, Step

_SHOWN_WIDTH_PX: Final = 960
_BAR_PX: Final = 44
_GOOD: Final = (80, 220, 80)
_WANTED: Final = (60, 160, 255)
_TROUBLE: Final = (60, 60, 230)
_PAPER: Final = (32, 32, 32)
_INK: Final = (240, 240, 240)
_LETTERS: Final = 118
"""Letters of the font at this size that fit the width."""


def draw_step(step: Step) -> npt.NDArray[np.uint8] | None:
    """Return the picture of a step, (height, width, 3) uint8 BGR; None where it shows nothing."""
    if step.image is None:
        return None
    scale = _SHOWN_WIDTH_PX / step.image.shape[1]
    shown = np.asarray(
        cv2.resize(step.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8
    )
    for mark in step.marks:
        _draw(shown, mark, scale)
    lines = _folded(step.words) + _folded(step.trouble)
    bar = np.full((_BAR_PX + 20 * len(lines), shown.shape[1], 3), _PAPER, np.uint8)
    done = round(step.share * (shown.shape[1] - 20))
    cv2.rectangle(bar, (10, 12), (shown.shape[1] - 10, 20), (90, 90, 90), -1)
    cv2.rectangle(bar, (10, 12), (10 + done, 20), _GOOD, -1)
    cv2.putText(bar, step.procedure, (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _GOOD, 1, cv2.LINE_AA)
    for row, line in enumerate(lines):
        colour = _INK if row < len(_folded(step.words)) else _TROUBLE
        at = (10, 60 + 20 * row)
        cv2.putText(bar, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    return np.concatenate((shown, bar))


def _draw(shown: npt.NDArray[np.uint8], mark: Mark, scale: float) -> None:
    colour = _GOOD if mark.good else _WANTED
    points = np.rint(mark.points_px * scale).astype(np.int32)
    if mark.joined:
        cv2.polylines(shown, [points.reshape(-1, 1, 2)], True, colour, 2, cv2.LINE_AA)  # noqa: FBT003 - cv2's own
    else:
        for u, v in points.tolist():
            cv2.circle(shown, (u, v), 4, colour, 1, cv2.LINE_AA)
    if mark.label and len(points):
        u, v = points.min(axis=0).tolist()
        at = (u, max(v - 8, 14))
        cv2.putText(shown, mark.label, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)


def _folded(words: str) -> list[str]:
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + len(word) < _LETTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
