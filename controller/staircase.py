"""Few pulses for many valves: neighbours with nearly the same times blow together."""

import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.jet_window import JetWindow

IntArray = npt.NDArray[np.int64]

_MOST_STEPS: Final = 3
"""Pulses that one item's outline is followed with. A third one saves a tenth of the air of a disc,
a fourth a twentieth more; each takes a place in the PLC's queue."""


def staircase(
    first: int, open_tick: IntArray, close_tick: IntArray, *, slack_tick: float
) -> tuple[JetWindow, ...]:
    """Unite neighbouring valves into at most three pulses that cover every valve's own times.

    Args:
        first: first valve.
        open_tick: (v,) when each valve has to open.
        close_tick: (v,) when it may close.
        slack_tick: valve-ticks of air for which no separate pulse is worth it.

    Returns:
        The pulses from left to right.
    """
    groups = [
        [first + i, first + i, int(a), int(b)]
        for i, (a, b) in enumerate(zip(open_tick, close_tick, strict=True))
    ]
    while len(groups) > 1:
        extra = [_extra(a, b) for a, b in itertools.pairwise(groups)]
        at = int(np.argmin(extra))
        if len(groups) <= _MOST_STEPS and extra[at] > slack_tick:
            break
        left, right = groups[at], groups.pop(at + 1)
        groups[at] = [left[0], right[1], min(left[2], right[2]), max(left[3], right[3])]
    return tuple(
        JetWindow(first=a, last=b, open_tick=opened, close_tick=closed)
        for a, b, opened, closed in groups
    )


def _extra(left: list[int], right: list[int]) -> int:
    """Return the valve-ticks of air that uniting two groups adds."""
    opened, closed = min(left[2], right[2]), max(left[3], right[3])
    return sum(
        (group[1] - group[0] + 1) * ((closed - opened) - (group[3] - group[2]))
        for group in (left, right)
    )
