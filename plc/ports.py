"""What the line needs from a PLC, and what the driver needs from a bus."""

from collections.abc import Sequence
from typing import Protocol

from plc.types import CountReading, EjectionCommand, Exchange, PlcRequest


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
        repeated, and the PLC ignores what it has already taken. Commands that do not fit this
        exchange wait for the next. Blocks up to the link timeout for each of write and read.

        Raises:
            PlcLinkError: the link broke; what became of the commands is unknown until the reports
                are read after `connect`. If there was no connection to begin with, the commands
                were not taken.
            PlcFaultError: the PLC answered with a Modbus exception, its program stands still, or
                it takes no more batches.
            EncoderError: the encoder jumped, ran backwards or stands still under a driven belt.
                Counting goes on from the new count; pulse reports read are kept for the next call.
        """
        ...

    def close(self) -> None:
        """Disconnect without commanding anything. Idempotent, never raises."""
        ...


class RegisterTransport(Protocol):
    """Holding registers of one device over one bus. Used from one thread."""

    def open(self) -> None:
        """Connect. Idempotent; blocks up to the timeout.

        Raises:
            PlcLinkError: no connection.
        """
        ...

    def read_holding(self, address: int, count: int) -> list[int]:
        """Read registers with one request. Blocks up to the timeout.

        Raises:
            PlcLinkError: not connected, connection broken, or no answer in time.
            PlcFaultError: answered with a Modbus exception.
        """
        ...

    def write_holding(self, address: int, words: Sequence[int]) -> None:
        """Write registers with one request. Blocks up to the timeout.

        Raises:
            PlcLinkError: not connected, connection broken, or no answer in time; the write may
                or may not have happened.
            PlcFaultError: answered with a Modbus exception.
        """
        ...

    def close(self) -> None:
        """Disconnect. Idempotent, never raises."""
        ...


class CoilTransport(RegisterTransport, Protocol):
    """Coils, inputs and registers of plain remote I/O. Errors as in `RegisterTransport`."""

    def read_coils(self, address: int, count: int) -> list[bool]:
        """Read coils with one request. Blocks up to the timeout."""
        ...

    def read_discrete(self, address: int, count: int) -> list[bool]:
        """Read discrete inputs with one request. Blocks up to the timeout."""
        ...

    def read_input(self, address: int, count: int) -> list[int]:
        """Read input registers with one request. Blocks up to the timeout."""
        ...

    def write_coils(self, address: int, values: Sequence[bool]) -> None:
        """Write coils with one request. Blocks up to the timeout."""
        ...


class EncoderSource(Protocol):
    """An encoder that the PC reads itself. Used from one thread."""

    def open(self) -> None:
        """Open it. Idempotent.

        Raises:
            EncoderError: it is not there.
        """
        ...

    def poll(self) -> CountReading | None:
        """Return the newest count since the last call, None if there is none.

        A counter that went away is looked for again with back-off; None meanwhile.

        Raises:
            EncoderError: it went away or fell silent; told once.
            PlcError: the link that it is read with broke.
        """
        ...

    def close(self) -> None:
        """Close it. Idempotent, never raises."""
        ...
