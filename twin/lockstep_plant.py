"""The plant in virtual time: belt drive, soft PLC and driver, and the world if there is one.

Between two instants the PLC is scanned on its grid and exactly at every tick at which a valve
switches, so that virtual time loses nothing of the encoder compare's precision.
"""

from collections.abc import Callable, Sequence

from calibration.units import NS_PER_MS, BeltTick, MonotonicNs
from controller.stations import StationConfig
from plc.config import PlcConfig
from twin.belt_drive import BeltDrive
from twin.config import TwinConfig
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.in_process import in_process_link
from twin.soft_plc.program import SoftPlc
from twin.virtual_clock import VirtualClock
from twin.wiring import ValveEdge

_SCAN_GRID_NS = 10 * NS_PER_MS
"""Scans between valve edges serve the heartbeat watch and the mailbox only."""

_FASTEST_SHARE = 3.0
"""Encoder counts above this multiple of the nominal speed are a fault of the encoder."""


class LockstepPlant:
    """Drive, PLC and link. `advance_to` moves time; nothing else does."""

    def __init__(
        self,
        *,
        config: TwinConfig,
        stations: Sequence[StationConfig],
        plc: PlcConfig,
        mm_per_tick: float,
        start_ns: MonotonicNs,
    ) -> None:
        """Boot the PLC with the belt standing.

        Args:
            config: of the world.
            stations: the line's jet bars.
            plc: the line's PLC section, for the heartbeat timeout.
            mm_per_tick: scale of the encoder.
            start_ns: virtual time zero.
        """
        ticks_per_s = config.belt.speed_mm_per_s / mm_per_tick
        self.nominal_speed_mm_per_s = config.belt.speed_mm_per_s
        self.clock = VirtualClock(start_ns)
        self.drive = BeltDrive(
            config=config.belt, mm_per_tick=mm_per_tick, seed=config.seed, start_ns=start_ns
        )
        self.plc = SoftPlc(
            SoftPlcConfig.for_line(
                stations,
                heartbeat_timeout_ms=plc.heartbeat_timeout_ms,
                ticks_per_s=ticks_per_s,
                line_id=plc.line_id,
                scan_period_us=0,
            ),
            boot_number=config.seed,
        )
        self.link = in_process_link(
            self.plc,
            clock=self.clock,
            scan=self._scan,
            heartbeat_timeout_ms=plc.heartbeat_timeout_ms,
            max_ticks_per_s=_FASTEST_SHARE * ticks_per_s,
            line_id=plc.line_id,
        )
        self._on_valve: Callable[[ValveEdge], None] | None = None
        self._grid_ns = start_ns
        self._scanned_ns = start_ns
        self._edge_tick: BeltTick | None = None
        self._edge_ns: MonotonicNs | None = None

    def wire_valves(self, on_valve: Callable[[ValveEdge], None]) -> None:
        """Have every switching of a valve output told to somebody."""
        self._on_valve = on_valve

    def advance_to(self, at_ns: MonotonicNs) -> None:
        """Let the PLC work until an instant, which becomes the present."""
        while (due_ns := self._next_scan_ns()) <= at_ns:
            self.clock.move_to(due_ns)
            self._scan()
        self.clock.move_to(at_ns)

    def _next_scan_ns(self) -> MonotonicNs:
        tick = self.plc.next_edge_tick()
        if tick != self._edge_tick:
            self._edge_tick = tick
            self._edge_ns = None if tick is None else self.drive.time_of_tick(tick)
        edges_ns = (self._edge_ns, self.plc.next_edge_ns())
        ahead_ns = [at_ns for at_ns in edges_ns if at_ns is not None and at_ns > self._scanned_ns]
        return min((self._grid_ns, *ahead_ns))

    def _scan(self) -> None:
        now_ns = self.clock.now_ns()
        self._scanned_ns = now_ns
        self._grid_ns = MonotonicNs(now_ns + _SCAN_GRID_NS)
        output = self.plc.scan(self.drive.tick(now_ns), now_ns)
        if output.belt is not None:
            self.drive.command(run=output.belt.run, at_ns=output.belt.at_ns, slow=output.belt.slow)
            self._edge_tick, self._edge_ns = None, None
        if self._on_valve is not None:
            for edge in output.valves:
                self._on_valve(edge)
