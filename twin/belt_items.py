"""The items on the belt as a struct of arrays, each moving by its own slip."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from twin.feed import FedItem
from twin.items import HAZARDS, OUTLINE_POINTS, Float64Array, outline_area_mm2
from twin.outlines import supports_mm
from vision.types import FRACTIONS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BeltItems:
    """Items lying on the belt, n of them, in order of feeding.

    Attributes:
        item_id: (n,) int64.
        fraction: (n,) int64, index into FRACTIONS.
        hazard: (n,) int64, index into HAZARDS, -1 for other items.
        sprite: (n,) int64, index into the catalogue's sprites, -1 without a picture.
        mass_g: (n,) with moisture.
        area_mm2: (n,) of the outline.
        height_mm: (n,) above the belt.
        rolls: (n,) bool.
        wet: (n,) bool, food that sticks to the belt and to what it touches.
        angle_rad: (n,) turn from x towards y.
        outline_mm: (n, OUTLINE_POINTS, 2) around the origin, x lateral, y upstream.
        support_mm: (n, 16) reach of the outline from the origin, for `outlines.may_touch`.
        radius_mm: (n,) farthest corner of the outline from the origin.
        x_mm: (n,) where the origin fell, machine frame.
        y_mm: (n,) the same, belt frame.
        slip_mm: (n, 2) way still to go until the item lies still, x and y.
        slip_decay_mm: (n,) belt travel over which that shrinks to 1/e.
        fed_travel_mm: (n,) belt travel when it fell.
    """

    item_id: npt.NDArray[np.int64]
    fraction: npt.NDArray[np.int64]
    hazard: npt.NDArray[np.int64]
    sprite: npt.NDArray[np.int64]
    mass_g: Float64Array
    area_mm2: Float64Array
    height_mm: Float64Array
    rolls: npt.NDArray[np.bool_]
    wet: npt.NDArray[np.bool_]
    angle_rad: Float64Array
    outline_mm: Float64Array
    support_mm: Float64Array
    radius_mm: Float64Array
    x_mm: Float64Array
    y_mm: Float64Array
    slip_mm: Float64Array
    slip_decay_mm: Float64Array
    fed_travel_mm: Float64Array

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.item_id)

    @classmethod
    def of(cls, fed: Sequence[FedItem], *, entry_s_mm: float) -> Self:
        """Lay down fed items.

        Args:
            fed: in order of feeding.
            entry_s_mm: where beside the belt they fall, machine frame.
        """
        n = len(fed)
        outlines = np.array([f.outline_mm for f in fed]).reshape(n, OUTLINE_POINTS, 2)
        sprites = [-1 if f.kind.sprite is None else f.kind.sprite for f in fed]
        return cls(
            item_id=np.array([f.item_id for f in fed], dtype=np.int64),
            fraction=np.array([FRACTIONS.index(f.kind.fraction) for f in fed], dtype=np.int64),
            hazard=np.array(
                [-1 if f.kind.hazard is None else HAZARDS.index(f.kind.hazard) for f in fed],
                dtype=np.int64,
            ),
            sprite=np.array(sprites, dtype=np.int64),
            mass_g=np.array([f.mass_g for f in fed], dtype=np.float64),
            area_mm2=np.array([outline_area_mm2(f.outline_mm) for f in fed], dtype=np.float64),
            height_mm=np.array([f.kind.height_mm for f in fed], dtype=np.float64),
            wet=np.array([f.wet for f in fed], dtype=np.bool_),
            rolls=np.array([f.kind.rolls for f in fed], dtype=np.bool_),
            angle_rad=np.array([f.angle_rad for f in fed], dtype=np.float64),
            outline_mm=outlines,
            support_mm=supports_mm(outlines),
            radius_mm=np.sqrt((outlines**2).sum(axis=2)).max(axis=1, initial=0.0),
            x_mm=np.array([f.x_mm for f in fed], dtype=np.float64),
            y_mm=np.array([f.y_mm for f in fed], dtype=np.float64),
            slip_mm=np.array([(f.slip_x_mm, f.slip_y_mm) for f in fed]).reshape(n, 2),
            slip_decay_mm=np.array([f.slip_decay_mm for f in fed], dtype=np.float64),
            fed_travel_mm=np.array([f.y_mm + entry_s_mm for f in fed], dtype=np.float64),
        )

    def chosen(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Self:
        """Return the items that a mask or index array chooses."""
        return type(self)(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    def joined(self, other: Self) -> Self:
        """Return these items followed by others."""
        return type(self)(
            **{
                f.name: np.concatenate((getattr(self, f.name), getattr(other, f.name)))
                for f in fields(self)
            }
        )

    def origins_mm(self, travel_mm: float | Float64Array) -> Float64Array:
        """Return where the items' origins are at a belt travel.

        Slip dies out with belt travel, not with time: on a standing belt nothing moves.

        Args:
            travel_mm: belt travel, one for all or (n,) one for each.

        Returns:
            (n, 2) x in the machine frame, y in the belt frame.
        """
        since_mm = np.maximum(travel_mm - self.fed_travel_mm, 0.0)
        gone = 1.0 - np.exp(-since_mm / self.slip_decay_mm)
        origins = self.slip_mm * gone[:, None]
        origins[:, 0] += self.x_mm
        origins[:, 1] += self.y_mm
        return np.asarray(origins, dtype=np.float64)

    def slip_left_mm(self, travel_mm: float) -> Float64Array:
        """Return (n, 2) the way that the items still go over the belt after a belt travel."""
        since_mm = np.maximum(travel_mm - self.fed_travel_mm, 0.0)
        left = np.exp(-since_mm / self.slip_decay_mm)
        return np.asarray(self.slip_mm * left[:, None], dtype=np.float64)

    def passing_mm(self, mark_mm: Float64Array) -> Float64Array:
        """Return (n,) belt travel at which each item's origin passes a mark beside the belt.

        Args:
            mark_mm: (n,) each item's mark, downstream of the camera reference line.
        """
        travel_mm = self.y_mm + mark_mm
        # An item that falls behind passes later, and falls behind further until then; slip is slow
        # against the belt, so the correction shrinks fast.
        for _ in range(4):
            travel_mm = self.origins_mm(travel_mm)[:, 1] + mark_mm
        return travel_mm

    def outline_at_mm(self, index: int, travel_mm: float) -> Float64Array:
        """Return one item's outline at a belt travel.

        Returns:
            (OUTLINE_POINTS, 2) x in the machine frame, y in the belt frame.
        """
        since_mm = max(travel_mm - float(self.fed_travel_mm[index]), 0.0)
        gone = 1.0 - math.exp(-since_mm / float(self.slip_decay_mm[index]))
        origin = (float(self.x_mm[index]), float(self.y_mm[index])) + gone * self.slip_mm[index]
        return np.asarray(self.outline_mm[index] + origin, dtype=np.float64)
