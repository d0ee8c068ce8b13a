"""What runs over the plant's cables between the soft PLC and the twin's world."""

from dataclasses import dataclass

from calibration.units import BeltTick, MonotonicNs


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveEdge:
    """A valve output switched.

    Attributes:
        station: jet bar index.
        valve: valve index.
        opened: True when switched on.
        tick: the PLC's encoder count at that instant.
        at_ns: that instant.
    """

    station: int
    valve: int
    opened: bool
    tick: BeltTick
    at_ns: MonotonicNs


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltCommand:
    """The PLC's drive outputs switched.

    Attributes:
        run: the belt motor is on.
        at_ns: when it switched.
        slow: at the drive's slow speed.
    """

    run: bool
    at_ns: MonotonicNs
    slow: bool = False
