"""Number types that must not be mixed up: belt ticks and monotonic nanoseconds."""

from typing import NewType

BeltTick = NewType("BeltTick", int)
"""Encoder count since the PLC began counting, extended to 64 bits: never wraps, may be negative."""

MonotonicNs = NewType("MonotonicNs", int)
"""Nanoseconds of the monotonic clock; differences mean something, absolute values do not."""

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
