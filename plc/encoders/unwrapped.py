"""A count that wraps at any modulus, carried on without end. Pure."""


class Unwrapped:
    """Adds up the shortest way from count to count: half a turn between two is the limit."""

    def __init__(self, modulus: int, *, reverse: bool = False) -> None:
        """Begin without a reference.

        Args:
            modulus: counts run from 0 to this minus one.
            reverse: count the other way round.
        """
        self._modulus, self._sign = modulus, -1 if reverse else 1
        self._count: int | None = None
        self._total = 0

    def restart(self) -> None:
        """Forget the reference: the next count goes on from the total so far."""
        self._count = None

    def extend(self, count: int) -> int:
        """Take a count and return the total."""
        if self._count is None:
            if self._total == 0:
                self._total = self._sign * count
        else:
            half = self._modulus // 2
            step = (count - self._count + half) % self._modulus - half
            self._total += self._sign * step
        self._count = count
        return self._total
