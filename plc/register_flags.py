"""Bits and codes that registers hold, shared by driver, soft PLC and PLC program."""

from enum import IntEnum, IntFlag


class StatusFlag(IntFlag):
    """Bits of the status register `flags`."""

    SAFETY_OK = 1
    BELT_RUNNING = 2
    HEARTBEAT_OK = 4
    BELT_SLOW = 8
    LATCH_IN_HARDWARE = 16
    """Trigger ticks are latched by a counter, exact; else by the scan that saw the input rise."""
    COMPARE_IN_HARDWARE = 32
    """Valves switch at their tick; else at the first scan that finds the tick reached."""
    CAN_SIMULATE = 64
    """The program offers a simulated encoder for tests without a belt."""
    SIMULATED = 128
    """Encoder and safety input are the program's own: nothing that is read belongs to a belt."""


class RequestFlag(IntFlag):
    """Bits of the mailbox register `requests`."""

    RUN = 1
    BELT_RUN = 2
    MAINTENANCE = 4
    BELT_SLOW = 8
    RELEASE = 16
    """The master gives its lease back; for the PLC the same as if it had fallen silent."""


class StationKind(IntEnum):
    """What stands at a station."""

    NONE = 0
    JET_BAR = 1
    DIVERTER = 2
    REJECT_GATE = 3


class ValveTestState(IntEnum):
    """What became of the last manual valve test."""

    IDLE = 0
    RUNNING = 1
    DONE = 2
    REFUSED = 3
    ABORTED = 4
    """Maintenance ended, the master fell silent or the safety input dropped in the middle."""


class ValveTestReason(IntEnum):
    """Why a manual valve test was refused."""

    NONE = 0
    NOT_IN_MAINTENANCE = 1
    NOT_THE_OWNER = 2
    STATION_UNKNOWN = 3
    VALVE_UNKNOWN = 4
    DURATION_OUT_OF_LIMITS = 5
    COUNT_OUT_OF_LIMITS = 6
    BUSY = 7


class PulseReason(IntEnum):
    """Why a pulse ended as it did: the low five bits of a report's tag."""

    UNSTATED = 0
    FIRED = 1
    FIRED_CUT = 2
    """Opened at its tick, closed early: stop, silence, safety, or open for too long."""
    LATE_ARRIVED = 3
    """Its open tick was past when it arrived."""
    LATE_SCAN = 4
    """It waited in time, but no scan came within the tolerance after its open tick."""
    NO_ROOM = 5
    STATION_UNKNOWN = 6
    VALVE_UNKNOWN = 7
    TOO_SHORT = 8
    TOO_LONG = 9
    MALFORMED = 10
    NOT_RUNNING = 11
    """The program was not in RUNNING when the pulse arrived."""
    STOPPED = 12
    """The program left RUNNING on request while the pulse waited."""
    SILENCE = 13
    """The master fell silent while the pulse waited."""
    SAFETY = 14
    """The safety input dropped while the pulse waited."""


class FlapPosition(IntEnum):
    """Where a diverter or a reject gate stands, two bits per station."""

    MOVING = 0
    REST = 1
    WORKING = 2
    FAULT = 3
    """Both limit switches at once, or neither for longer than it may travel."""
