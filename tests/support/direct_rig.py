"""Direct mode on a real remote I/O process, for contract and wire tests."""

from calibration.clock import MonotonicClock
from plc.config import DirectConfig, TcpTransport
from plc.direct.direct_link import DirectLink
from plc.direct.setup import DirectSetup
from plc.encoders.config import EncoderConfig, RegisterEncoder
from tests.support.plc_bench import MAX_TICKS_PER_S, MM_PER_TICK, QUICK_BELT, Rig, wait_ms
from tests.support.plc_wire import HEARTBEAT_TIMEOUT_MS, TIMEOUT_MS, TOLERANCE_TICK, UNIT_ID
from twin.remote_io.setup import RemoteIoSetup

VALVES = (80, 80, 24)
FIRST_COILS = (0, 80, 160)
BELT_COIL, SAFETY_INPUT, COIL_COUNT = 190, 3, 196
WATCHDOG_MS = 1000.0


def remote_io_setup(**changes: object) -> RemoteIoSetup:
    """Describe the test remote I/O; its belt is quick and its coils are not whole bytes."""
    setup = RemoteIoSetup(
        first_coils=FIRST_COILS,
        valve_counts=VALVES,
        coil_count=COIL_COUNT,
        belt_coil=BELT_COIL,
        belt=QUICK_BELT,
        mm_per_tick=MM_PER_TICK,
        belt_seed=1,
        start_ns=MonotonicClock().now_ns(),
        safety_input=SAFETY_INPUT,
        watchdog_ms=WATCHDOG_MS,
        unit_id=UNIT_ID,
        rounds_up=True,
        fifo_priority=50,
    )
    return setup.model_copy(update=changes)


def direct_setup(
    port: int,
    *,
    encoder: EncoderConfig | None = None,
    pitch_mm: float = 200.0,
    speed_mm_per_s: float = 2800.0,
) -> DirectSetup:
    """Describe the line's end; the wide nozzle pitch forgives a busy test machine."""
    return DirectSetup(
        device=DirectConfig(
            mode="direct",
            transport=TcpTransport(kind="tcp", host="127.0.0.1", port=port),
            unit_id=UNIT_ID,
            timeout_ms=TIMEOUT_MS,
            cycle_ms=10,
            heartbeat_timeout_ms=HEARTBEAT_TIMEOUT_MS,
            max_ticks_per_s=MAX_TICKS_PER_S,
            encoder_stall_ms=500,
            coil_count=COIL_COUNT,
            first_coils=FIRST_COILS,
            belt_coil=BELT_COIL,
            safety_input=SAFETY_INPUT,
            watchdog_ms=WATCHDOG_MS,
            max_open_ms=150,
            proof_writes=200,
        ),
        encoder=encoder or RegisterEncoder(kind="register", address=0),
        valve_counts=VALVES,
        pitch_mm=pitch_mm,
        mm_per_tick=MM_PER_TICK,
        speed_mm_per_s=speed_mm_per_s,
        min_open_tick=20,
        max_open_tick=600,
    )


def direct_rig(setup: DirectSetup) -> tuple[Rig, DirectLink]:
    """Return a rig over direct mode, not yet connected, and its link."""
    link = DirectLink(setup)
    rig = Rig(
        link=link,
        clock=MonotonicClock(),
        pass_ms=wait_ms,
        tolerance_tick=TOLERANCE_TICK,
        early_tick=TOLERANCE_TICK,
        silence_ms=1.5 * HEARTBEAT_TIMEOUT_MS,
    )
    return rig, link
