"""How far the belt has travelled since a session began, by the clock fit."""

from controller.snapshot import BeltUse


class BeltTravel:
    """Adds up travel; a tick that was lost and found again adds nothing. One thread; pure.

    Args:
        width_mm: usable belt width.
        mm_per_tick: scale of the belt.
    """

    def __init__(self, width_mm: float, mm_per_tick: float) -> None:
        self._width_mm, self._mm_per_tick = width_mm, mm_per_tick
        self._tick: float | None = None
        self._travelled_tick = 0.0

    def at(self, tick: float | None) -> None:
        """Take the belt tick of an instant, None while it is not known."""
        if tick is not None and self._tick is not None:
            self._travelled_tick += max(0.0, tick - self._tick)
        self._tick = tick

    def use(self, covered_mm2: float) -> BeltUse:
        """Return the belt's use, `covered_mm2` of it covered by items."""
        return BeltUse(
            width_mm=self._width_mm,
            travelled_mm=self._travelled_tick * self._mm_per_tick,
            covered_mm2=covered_mm2,
        )
