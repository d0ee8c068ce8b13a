"""Modbus exception codes as named faults, with what an operator reads and does."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class ModbusFault(IntEnum):
    """Exception codes of the Modbus application protocol 1.1b3, section 7."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    DEVICE_BUSY = 6
    NEGATIVE_ACKNOWLEDGE = 7
    MEMORY_PARITY_ERROR = 8
    GATEWAY_PATH_UNAVAILABLE = 10
    GATEWAY_TARGET_SILENT = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultWords:
    """What is said of a fault.

    Attributes:
        meaning: what the device says.
        remedy: what the operator is to do.
    """

    meaning: str
    remedy: str


WORDS: Final[dict[ModbusFault, FaultWords]] = {
    ModbusFault.ILLEGAL_FUNCTION: FaultWords(
        meaning="illegal function: it does not offer this request",
        remedy="load the PLC program of this release; behind TLS, check the certificate's role",
    ),
    ModbusFault.ILLEGAL_ADDRESS: FaultWords(
        meaning="illegal address: it does not hold this register map",
        remedy="check unit id and address, then load the PLC program of this release",
    ),
    ModbusFault.ILLEGAL_VALUE: FaultWords(
        meaning="illegal value: it refuses the count or a value",
        remedy="check that the PLC takes 125 registers in one request (a gateway may not)",
    ),
    ModbusFault.DEVICE_FAILURE: FaultWords(
        meaning="device failure: its program or processor has failed",
        remedy="read the PLC's own diagnostics and restart it",
    ),
    ModbusFault.ACKNOWLEDGE: FaultWords(
        meaning="acknowledge: it wants more time",
        remedy="lengthen plc.timeout_ms or lighten the PLC's load",
    ),
    ModbusFault.DEVICE_BUSY: FaultWords(
        meaning="device busy: it cannot take the request now",
        remedy="find the other master or the task that keeps it busy",
    ),
    ModbusFault.NEGATIVE_ACKNOWLEDGE: FaultWords(
        meaning="negative acknowledge: it cannot do what was asked",
        remedy="load the PLC program of this release",
    ),
    ModbusFault.MEMORY_PARITY_ERROR: FaultWords(
        meaning="memory parity error: its memory is damaged",
        remedy="restart the PLC; replace it if this comes back",
    ),
    ModbusFault.GATEWAY_PATH_UNAVAILABLE: FaultWords(
        meaning="gateway path unavailable: the gateway is misconfigured",
        remedy="check the gateway's routing of this unit id to its serial port",
    ),
    ModbusFault.GATEWAY_TARGET_SILENT: FaultWords(
        meaning="gateway target does not answer: wrong unit id, or the device behind it is off",
        remedy="check plc.unit_id, and power and wiring of the device behind the gateway",
    ),
}


def words_of(code: int) -> str:
    """Return "NAME (exception n), meaning; remedy" for any code a device may send."""
    try:
        fault = ModbusFault(code)
    except ValueError:
        return f"exception {code}, which Modbus does not define; look it up in the PLC's manual"
    words = WORDS[fault]
    return f"exception {code}, {words.meaning} [{fault.name.lower()}]; {words.remedy}"
