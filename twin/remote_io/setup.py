"""What the remote I/O's process is told when it starts."""

from pydantic import Field

from calibration.section import Section
from twin.config import AirConfig, BeltConfig


class RemoteIoSetup(Section):
    """A remote I/O with valves, a belt drive and its encoder's counter."""

    first_coils: tuple[int, ...]
    valve_counts: tuple[int, ...]
    coil_count: int = Field(ge=1, le=1968)
    belt_coil: int
    belt: BeltConfig
    mm_per_tick: float = Field(gt=0)
    belt_seed: int
    start_ns: int
    """Instant of zero travel, monotonic."""
    first_tick: int = 0
    counter_address: int = 0
    """Holding register of the 32-bit counter, high word first."""
    safety_input: int = 0
    air: AirConfig | None = None
    """True valves behind the outputs, for the bars' pressure sensors; None fits no sensors."""
    nozzles_mm: tuple[float, ...] = ()
    """Nozzles of every station; one each where `air` is given."""
    watchdog_ms: float = Field(gt=0)
    """Without a request for this long every output goes off."""
    rounds_up: bool = False
    """Clears the coils between the end of a write and the end of its last byte, as OpenPLC does."""
    port: int = Field(default=0, ge=0, le=65535)
    unit_id: int = Field(default=1, ge=1, le=247)
    fifo_priority: int = Field(default=0, ge=0, le=99)
    """A device has a processor of its own; real-time priority stands for it. 0 asks for none."""
