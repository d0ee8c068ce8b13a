"""Everything the plc package raises on purpose."""

from enum import StrEnum


class SecurityProblem(StrEnum):
    """Why two ends of a Modbus/TCP Security link do not trust each other."""

    OWN_FILES = "own_files"
    """Certificate, key or CA file is missing, unreadable or does not belong together."""
    OWN_CERTIFICATE_EXPIRED = "own_certificate_expired"
    NO_ROLE = "no_role"
    """Our certificate carries no role."""
    PLC_CERTIFICATE_EXPIRED = "plc_certificate_expired"
    WRONG_CA = "wrong_ca"
    WRONG_HOSTNAME = "wrong_hostname"
    REFUSED_BY_PLC = "refused_by_plc"
    """The PLC does not accept our certificate."""
    WRONG_ROLE = "wrong_role"
    """The PLC accepts our certificate, but its role may not do what was asked."""
    NOT_TLS = "not_tls"
    """The port answers, but not with TLS."""


class EncoderFault(StrEnum):
    """What is wrong with an encoder."""

    STUCK = "stuck"
    """No tick while the belt is driven, or moves before the camera."""
    REVERSED = "reversed"
    JUMPED = "jumped"
    """A step that no belt can do: quadrature glitches, a bad cable or a counter that restarted."""
    UNPLUGGED = "unplugged"
    """The counter's port is gone or it says nothing."""
    UNKNOWN = "unknown"


class PlcError(Exception):
    """Base of the family."""


class PlcLinkError(PlcError):
    """No connection, no answer in time, or the connection broke."""


class PlcSecurityError(PlcLinkError):
    """The two ends do not trust each other; no attempt helps until certificates are changed.

    Attributes:
        problem: which of the things that can be wrong.
    """

    def __init__(self, problem: SecurityProblem, words: str) -> None:
        super().__init__(f"{problem.value}: {words}")
        self.problem = problem


class PlcMapError(PlcError):
    """The device answers but is not this line's PLC: magic, map version or line id differ."""


class PlcFaultError(PlcError):
    """The PLC answers, but with a Modbus exception, or its program does not run or take batches."""


class PlcFullError(PlcFaultError):
    """The commands of this exchange were not taken: too many wait already."""


class DirectModeError(PlcFaultError):
    """The PC may not fire valves itself: too slow for this belt, or its firing process ended."""


class EncoderError(PlcError):
    """Encoder counts jump, run backwards or stand still while the belt is driven.

    Attributes:
        fault: which of these.
    """

    def __init__(self, words: str, *, fault: EncoderFault = EncoderFault.UNKNOWN) -> None:
        super().__init__(words)
        self.fault = fault


class PlcLeaseError(PlcError):
    """Another master controls the PLC; it keeps control until its heartbeat lapses."""
