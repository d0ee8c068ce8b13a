"""A flap or gate as a moving plate: it takes its time, and turns aside what meets it well out.

The plate moves at a constant rate between rest (0) and out (1), and may be turned about on its way.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from calibration.units import NS_PER_MS
from controller.stations import FlapConfig, SwingConfig
from twin.belt_items import BeltItems
from twin.items import Float64Array
from twin.passage import Verdict

_TURNS_ASIDE: Final = 0.5
"""How far out the plate must be when an item's middle meets it: half way its edge stands in the
item's path, before that the item brushes past."""
_KEPT_MM: Final = 5000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """The plate's motion changed: from `place` on it moves with `per_ms` until it stands."""

    at_ns: int
    travel_mm: float
    place: float
    per_ms: float


class SwingPlate:
    """One flap or gate of the twin. Used from one thread."""

    def __init__(self, station: SwingConfig, *, index: int, travel_share: float = 1.0) -> None:
        """Begin at rest.

        Args:
            station: where it stands and how long it takes.
            index: of the station, whose bin takes what it turns aside.
            travel_share: true times over those of the line file; above 1 it is slower.
        """
        self.distance_mm, self.index = station.distance_mm, index
        self.air_open_s = 0.0
        """A plate blows no air."""
        self._x_mm = (
            (station.x_min_mm, station.x_max_mm)
            if isinstance(station, FlapConfig)
            else (float("-inf"), float("inf"))
        )
        self._out_per_ms = 1.0 / (station.lead_ms * travel_share)
        self._back_per_ms = -1.0 / (station.return_ms * travel_share)
        self._pending: deque[tuple[int, bool]] = deque()
        self._turns: deque[_Turn] = deque([_Turn(at_ns=0, travel_mm=0.0, place=0.0, per_ms=0.0)])

    def switch(self, *, valve: int, opened: bool, at_ns: int) -> None:  # noqa: ARG002 - one output
        """Note that the output switched; the plate follows from that instant."""
        self._pending.append((at_ns, opened))

    def advance(self, now_ns: int, travel_mm: Callable[[int], float]) -> None:
        """Let the plate follow all outputs that were due by `now_ns`."""
        while self._pending and self._pending[0][0] <= now_ns:
            at_ns, opened = self._pending.popleft()
            self._turns.append(
                _Turn(
                    at_ns=at_ns,
                    travel_mm=travel_mm(at_ns),
                    place=self._place(self._turns[-1], at_ns),
                    per_ms=self._out_per_ms if opened else self._back_per_ms,
                )
            )

    @staticmethod
    def _place(turn: _Turn, at_ns: float) -> float:
        place = turn.place + turn.per_ms * (at_ns - turn.at_ns) / NS_PER_MS
        return min(max(place, 0.0), 1.0)

    def judge(
        self,
        items: BeltItems,
        heap: Sequence[int],
        *,
        passing_mm: Float64Array,
        speed_mm_per_s: float,
    ) -> tuple[Verdict, ...]:
        """Return what becomes of the items of a heap, in the heap's order; air touches none.

        Args:
            items: on the belt.
            heap: indices of items that have passed.
            passing_mm: (n,) belt travel at which each item on the belt passed.
            speed_mm_per_s: of the belt.
        """
        return tuple(
            Verdict(
                touched=False,
                cleared=self.takes(
                    items.outline_at_mm(row, float(passing_mm[row])), speed_mm_per_s=speed_mm_per_s
                ),
            )
            for row in heap
        )

    def takes(self, outline_mm: Float64Array, *, speed_mm_per_s: float) -> bool:
        """Return whether an item that has passed was turned aside.

        Args:
            outline_mm: (k, 2) x in the machine frame, y in the belt frame where it passed.
            speed_mm_per_s: of the belt as it passed.
        """
        passing_mm = float(outline_mm[:, 1].min() + outline_mm[:, 1].max()) / 2 + self.distance_mm
        middle_x_mm = float(outline_mm[:, 0].min() + outline_mm[:, 0].max()) / 2
        if not self._x_mm[0] <= middle_x_mm <= self._x_mm[1]:
            return False
        turn = next((t for t in reversed(self._turns) if t.travel_mm <= passing_mm), self._turns[0])
        since_ns = (passing_mm - turn.travel_mm) / max(speed_mm_per_s, 1.0) * 1e9
        return self._place(turn, turn.at_ns + since_ns) >= _TURNS_ASIDE

    def forget_before(self, travel_mm: float) -> None:
        """Drop the memory of turns that ended before a belt travel."""
        while len(self._turns) > 1 and self._turns[1].travel_mm < travel_mm - _KEPT_MM:
            self._turns.popleft()
