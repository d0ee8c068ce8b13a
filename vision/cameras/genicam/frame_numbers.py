"""How many frames a camera exposed between two that arrived, from its own frame numbers."""

from typing import Final

_WRAP: Final = 65535
"""GigE Vision 1.x numbers blocks 1 to 65535 and skips 0 when it begins again."""
_NEAR_WRAP: Final = 1000
"""Numbers lost at once around a wrap; more is a restarted camera."""


class FrameNumbers:
    """Follows one opening's frame numbers, 16 or 64 bits wide."""

    def __init__(self) -> None:
        """Begin before the first frame."""
        self._last: int | None = None

    def step(self, number: int) -> int:
        """Return how many frames further this one is; 1 for the first and after a restart."""
        last, self._last = self._last, number
        if last is None:
            return 1
        if number > last:
            return number - last
        wrapped = number - last + _WRAP
        return wrapped if 0 < wrapped <= _NEAR_WRAP else 1
