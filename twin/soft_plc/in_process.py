"""The soft PLC behind the driver without a wire: for virtual time, same codec and same map."""

from collections.abc import Callable, Sequence

from calibration.clock import Clock
from plc.errors import PlcFaultError, PlcLinkError
from plc.register_link import RegisterLink
from plc.tick_extension import TickExtension
from twin.soft_plc.program import SoftPlc

_OWNER_ID = 1
"""Nobody else reaches a PLC in the same thread."""


class InProcessTransport:
    """Register access to a `SoftPlc` in the same thread. Implements `RegisterTransport`."""

    def __init__(self, plc: SoftPlc, scan: Callable[[], None]) -> None:
        """Prepare without connecting.

        Args:
            plc: the PLC.
            scan: scans the PLC at the present instant and hands its outputs on; called before
                each read, so that an answer shows what the write before it did.
        """
        self._plc = plc
        self._scan = scan
        self._is_open = False

    def open(self) -> None:
        """Connect. See `RegisterTransport`."""
        self._is_open = True

    def read_holding(self, address: int, count: int) -> list[int]:
        """Scan, then read registers. See `RegisterTransport`."""
        self._require_open()
        self._scan()
        try:
            return self._plc.read_holding(address, count)
        except IndexError as error:
            raise PlcFaultError(str(error)) from error

    def write_holding(self, address: int, words: Sequence[int]) -> None:
        """Write registers. See `RegisterTransport`."""
        self._require_open()
        try:
            self._plc.write_holding(address, words)
        except IndexError as error:
            raise PlcFaultError(str(error)) from error

    def close(self) -> None:
        """Disconnect. Idempotent, never raises."""
        self._is_open = False

    def _require_open(self) -> None:
        if not self._is_open:
            msg = "not connected to the soft PLC"
            raise PlcLinkError(msg)


def in_process_link(
    plc: SoftPlc,
    *,
    clock: Clock,
    scan: Callable[[], None],
    heartbeat_timeout_ms: float,
    max_ticks_per_s: float,
    encoder_stall_ms: float = 1000.0,
    line_id: int = 1,
) -> RegisterLink:
    """Make a driver for a soft PLC in the same thread, not yet connected.

    Args:
        plc: the PLC.
        clock: virtual or real time.
        scan: see `InProcessTransport`.
        heartbeat_timeout_ms: longest silence the PLC may be set to.
        max_ticks_per_s: more than the belt can do.
        encoder_stall_ms: see `TickExtension`.
        line_id: which line's PLC it must be.
    """
    return RegisterLink(
        transport=InProcessTransport(plc, scan),
        clock=clock,
        ticks=TickExtension(max_ticks_per_s=max_ticks_per_s, stall_ms=encoder_stall_ms),
        heartbeat_timeout_ms=heartbeat_timeout_ms,
        line_id=line_id,
        owner_id=_OWNER_ID,
    )
