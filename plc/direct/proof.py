"""Measures at start how precisely this PC switches coils of this remote I/O."""

import random
from threading import Event

from calibration.clock import Clock
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from plc.direct.coil_image import CoilImage
from plc.direct.io_port import IoPort
from plc.direct.precision import Precision

SPIN_NS = NS_PER_MS
"""The last stretch before a switching is not slept but watched: a sleeping process wakes up to
0.2 ms late even with real-time priority, a watching one within microseconds."""
_PAUSE_NS = (1_200_000, 3_200_000)
"""Between two writes of the proof, drawn at random so that no rhythm of the system hides."""


def wait_until(clock: Clock, at_ns: int, never: Event) -> None:
    """Sleep until shortly before an instant, then watch the clock until it has come."""
    left_ns = at_ns - clock.now_ns()
    if left_ns > SPIN_NS:
        clock.wait(never, (left_ns - SPIN_NS) / NS_PER_S)
    while clock.now_ns() < at_ns:
        pass


def measure(port: IoPort, image: CoilImage, clock: Clock, *, writes: int) -> Precision:
    """Write the outputs as they are, at planned instants, and see when that happens.

    Nothing moves: every write repeats what the outputs are. The first tenth finds the latency
    that is compensated in the others.

    Args:
        port: connected.
        image: written.
        clock: real time.
        writes: that are measured.

    Raises:
        PlcError: the link broke, or it refuses.
    """
    draw = random.Random(writes)  # noqa: S311 - spreads instants, guards nothing
    never, latency_ns = Event(), 0
    trips_ns: list[int] = []
    errors_ns: list[int] = []
    warming = writes // 10
    for index in range(warming + writes):
        at_ns = clock.now_ns() + draw.randrange(*_PAUSE_NS)
        wait_until(clock, at_ns - latency_ns, never)
        port.write(*image.whole())
        trips_ns.append(port.answered_ns - port.sent_ns)
        if index < warming:
            latency_ns = sorted(trips_ns)[len(trips_ns) // 2] // 2
        else:
            errors_ns.append(error_ns(port, MonotonicNs(at_ns)))
    return Precision.of(errors_ns, latency_ns=latency_ns)


def error_ns(port: IoPort, planned_ns: MonotonicNs) -> int:
    """Return how far the last write may have acted from its planned instant, at worst."""
    return max(abs(port.sent_ns - planned_ns), abs(port.answered_ns - planned_ns))
