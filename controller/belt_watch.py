"""The encoder against the camera's own view of the belt: named findings. Pure."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_RECENT: Final = 12
"""Measurements judged together: about two seconds."""
_LONG: Final = 150
"""Measurements for the self-check of the scale: half a minute."""
_LEAST_TRAVEL_MM: Final = 40.0
"""Travel below which a standing belt and a quiet encoder cannot be told from faults."""
_STANDS_SHARE: Final = 0.1
_APART_SHARE: Final = 0.02
"""Two per cent of a metre of transit are 20 mm: more than a nozzle pitch beside the item."""
_SCALE_SHARE: Final = 0.005
_SCALE_SPREAD: Final = 0.01
"""A wrong scale is the same at every measurement; slip is not."""
_GLITCH_MM: Final = 6.0
"""One measurement this far off its neighbours: counts came or went at once."""
_LEAST_GLITCHES: Final = 1


class BeltTrouble(StrEnum):
    """What encoder and camera say together."""

    STUCK = "stuck"
    REVERSED = "reversed"
    GLITCHES = "glitches"
    MISSING_PULSES = "missing_pulses"
    SLIP = "slip"
    SCALE = "scale"


FIRES_BLIND: Final = frozenset(BeltTrouble) - {BeltTrouble.SCALE, BeltTrouble.GLITCHES}
"""With these no pulse would meet its item: nothing fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltFinding:
    """One thing that is wrong.

    Attributes:
        trouble: what.
        words: with figures.
    """

    trouble: BeltTrouble
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltLook:
    """Travel between two frames.

    Attributes:
        encoder_mm: by the ticks of the two frames.
        camera_mm: by the belt's texture.
    """

    encoder_mm: float
    camera_mm: float


class BeltWatch:
    """Keeps pairs of travel and says what they mean. One thread."""

    def __init__(self, *, mm_per_tick: float) -> None:
        """Begin without pairs.

        Args:
            mm_per_tick: of the calibration, to say what it should be.
        """
        self._mm_per_tick = mm_per_tick
        self._recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)
        self._long: deque[tuple[float, float]] = deque(maxlen=_LONG)
        self._agreed = False
        self.finding: BeltFinding | None = None
        """What stands now, None while both agree."""

    @property
    def ratio(self) -> float | None:
        """Camera's travel for one of the encoder's over the long window; None while unknown."""
        pairs = np.array(self._long)
        if len(pairs) < _LONG // 3 or abs(pairs[:, 0].sum()) < _LEAST_TRAVEL_MM:
            return None
        return float(pairs[:, 1].sum() / pairs[:, 0].sum())

    def reset(self) -> None:
        """Forget everything, as after an encoder fault that was seen to."""
        self._recent.clear()
        self._long.clear()
        self._agreed, self.finding = False, None

    def pause(self) -> None:
        """Judge nothing across a ramp of the belt or an unsure clock; what stands goes on."""
        self._recent.clear()

    def add(self, *, encoder_mm: float, camera_mm: float) -> None:
        """Take the travel between two frames by the encoder and by the camera."""
        pair = (encoder_mm, camera_mm)
        self._recent.append(pair)
        self._long.append(pair)
        if len(self._recent) == _RECENT:
            self.finding = self._judge(np.array(self._recent))

    def _judge(
        self, pairs: "np.ndarray[tuple[int, int], np.dtype[np.float64]]"
    ) -> BeltFinding | None:
        encoder_mm, camera_mm = float(pairs[:, 0].sum()), float(pairs[:, 1].sum())
        standing = _stands(encoder_mm, camera_mm)
        if standing is not None:
            return standing
        if max(abs(encoder_mm), abs(camera_mm)) < _LEAST_TRAVEL_MM:
            return None
        glitch = _glitch(pairs)
        if glitch is not None:
            return glitch
        ratio = camera_mm / encoder_mm
        if abs(ratio - 1) <= _APART_SHARE / 2:
            self._agreed = True
        if abs(ratio - 1) > _APART_SHARE and (self._agreed or not _steady(pairs)):
            return _apart(ratio)
        return self._scale()

    def _scale(self) -> BeltFinding | None:
        ratio = self.ratio
        if ratio is None or abs(ratio - 1) <= _SCALE_SHARE or not _steady(np.array(self._long)):
            return None
        return BeltFinding(
            trouble=BeltTrouble.SCALE,
            words=(
                f"the calibration has {self._mm_per_tick:.4f} mm per tick, the camera sees "
                f"{self._mm_per_tick * ratio:.4f} ({ratio - 1:+.1%})"
            ),
        )


def _stands(encoder_mm: float, camera_mm: float) -> BeltFinding | None:
    """Name what it is when one of the two stands still, or they run against each other."""
    if abs(camera_mm) >= _LEAST_TRAVEL_MM and abs(encoder_mm) < _STANDS_SHARE * abs(camera_mm):
        words = f"the camera sees the belt move {camera_mm:.0f} mm, the encoder {encoder_mm:.0f} mm"
        return BeltFinding(trouble=BeltTrouble.STUCK, words=words)
    if abs(encoder_mm) >= _LEAST_TRAVEL_MM and abs(camera_mm) < _STANDS_SHARE * abs(encoder_mm):
        words = f"the encoder counts {encoder_mm:.0f} mm, the camera sees the belt stand"
        return BeltFinding(trouble=BeltTrouble.SLIP, words=words)
    if encoder_mm * camera_mm < 0 and abs(encoder_mm) >= _LEAST_TRAVEL_MM:
        words = f"the encoder counts {encoder_mm:+.0f} mm, the camera sees {camera_mm:+.0f} mm"
        return BeltFinding(trouble=BeltTrouble.REVERSED, words=words)
    return None


def _glitch(pairs: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> BeltFinding | None:
    """Name single measurements that leave their neighbours while the others agree."""
    apart_mm = pairs[:, 0] - pairs[:, 1]
    middle_mm = float(np.median(apart_mm))
    far = np.abs(apart_mm - middle_mm) > _GLITCH_MM
    if not _LEAST_GLITCHES <= int(far.sum()) <= _RECENT // 4:
        return None
    lost_mm = float((apart_mm - middle_mm)[far].sum())
    words = (
        f"the encoder {'gained' if lost_mm > 0 else 'lost'} {abs(lost_mm):.0f} mm at once, "
        f"{int(far.sum())} time(s) in the last {_RECENT} looks"
    )
    return BeltFinding(trouble=BeltTrouble.GLITCHES, words=words)


def _steady(pairs: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> bool:
    """Whether the ratio is the same all along: a scale, not slip that comes and goes."""
    moving = pairs[np.abs(pairs[:, 0]) > _LEAST_TRAVEL_MM / _RECENT]
    if not len(moving):
        return False
    parts: Sequence[float] = [
        float(part[:, 1].sum() / part[:, 0].sum())
        for part in np.array_split(moving, 4)
        if len(part)
    ]
    return max(parts) - min(parts) <= _SCALE_SPREAD


def _apart(ratio: float) -> BeltFinding:
    if ratio > 1:
        words = f"the belt moves {ratio - 1:.1%} further than the encoder counts"
        return BeltFinding(trouble=BeltTrouble.MISSING_PULSES, words=words)
    words = f"the encoder counts {1 / ratio - 1:.1%} more than the belt moves"
    return BeltFinding(trouble=BeltTrouble.SLIP, words=words)
