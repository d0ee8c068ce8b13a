"""What the line needs from a PLC."""

from collections.abc import Sequence
from typing import Protocol

from plc.types import EjectionCommand, Exchange, PlcRequest


class PlcLink(Protocol):
    """One PLC. Used from one thread."""

    def connect(self) -> None:
        """Connect, check magic number and map version. Idempotent; blocks up to the link timeout.

        Raises:
            PlcLinkError: no connection, no answer.
            PlcMapError: this is not our PLC program or its register map has another version.
        """
        ...

    def exchange(self, request: PlcRequest, commands: Sequence[EjectionCommand]) -> Exchange:
        """Write the heartbeat, the request and the commands; read status and reports.

        A batch is sent exactly once in effect: after a lost answer the same sequence number is
        repeated, and the PLC ignores what it has already taken. Blocks up to the link timeout.

        Raises:
            PlcLinkError: the link broke; what became of the commands is unknown until the reports
                are read after `connect`.
            PlcFaultError: the PLC answered with a Modbus exception.
        """
        ...

    def close(self) -> None:
        """Disconnect without commanding anything. Idempotent, never raises."""
        ...
