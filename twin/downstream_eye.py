"""The twin's camera behind the bars: sees once what is still on the belt there, not quite where."""

import numpy as np

from controller.miss_watch import DownstreamSighting
from twin.world import World

_NOISE_MM = 5.0
"""Spread of a sighting's place, per axis."""
_SEEN_SHARE = 0.95
"""Items that it does see; some lie under others."""


class TwinDownstreamEye:
    """Implements `DownstreamEye` on the world. One thread."""

    def __init__(self, world: World, *, s_mm: float, mm_per_tick: float, seed: int) -> None:
        """Look at one place.

        Args:
            world: advanced by somebody else.
            s_mm: the place, machine frame, well behind the last bar that is judged.
            mm_per_tick: true encoder scale.
            seed: of noise and overlooked items.
        """
        self._world, self._s_mm, self._mm_per_tick = world, s_mm, mm_per_tick
        self._rng = np.random.default_rng((seed, 5))
        self._looked_mm = world.travel_mm

    @property
    def s_mm(self) -> float:
        """Where it looks, machine frame."""
        return self._s_mm

    @property
    def tick(self) -> float:
        """Belt tick up to which it has looked."""
        return self._looked_mm / self._mm_per_tick

    def take(self) -> tuple[DownstreamSighting, ...]:
        """Return the items whose middle has come past since the last call."""
        moved_mm = self._world.travel_mm - self._looked_mm
        self._looked_mm = self._world.travel_mm
        if moved_mm <= 0.0:
            return ()
        items = self._world.items_between(self._s_mm, self._s_mm + moved_mm)
        origins = items.origins_mm(self._looked_mm)
        place_mm = self._looked_mm - origins[:, 1]
        passed = (place_mm >= self._s_mm) & (place_mm < self._s_mm + moved_mm)
        seen = passed & (self._rng.uniform(size=len(items)) < _SEEN_SHARE)
        return tuple(
            DownstreamSighting(
                tick=self.tick,
                s_mm=float(place_mm[row] + self._rng.normal(0.0, _NOISE_MM)),
                x_mm=float(origins[row, 0] + self._rng.normal(0.0, _NOISE_MM)),
            )
            for row in np.flatnonzero(seen).tolist()
        )
