"""PackML vocabulary (ISA-TR88.00.02): states, commands and modes of the line."""

from enum import StrEnum


class LineState(StrEnum):
    """The 17 states of the PackML base model."""

    STOPPED = "stopped"
    RESETTING = "resetting"
    IDLE = "idle"
    STARTING = "starting"
    EXECUTE = "execute"
    HOLDING = "holding"
    HELD = "held"
    UNHOLDING = "unholding"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    UNSUSPENDING = "unsuspending"
    COMPLETING = "completing"
    COMPLETE = "complete"
    STOPPING = "stopping"
    ABORTING = "aborting"
    ABORTED = "aborted"
    CLEARING = "clearing"


class LineCommand(StrEnum):
    """PackML commands; which are valid depends on the state."""

    RESET = "reset"
    START = "start"
    STOP = "stop"
    HOLD = "hold"
    UNHOLD = "unhold"
    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"
    COMPLETE = "complete"
    ABORT = "abort"
    CLEAR = "clear"


class LineMode(StrEnum):
    """PackML unit modes."""

    PRODUCTION = "production"
    MAINTENANCE = "maintenance"
    MANUAL = "manual"
