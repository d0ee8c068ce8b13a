"""A line core with a soft PLC and made-up items in virtual time, moved by hand."""

from typing import Literal

from calibration.units import NS_PER_MS, MonotonicNs
from controller.assembly import build_core
from controller.config import RecipeConfig
from controller.outcome import CaptureFigures, FrameOutcome
from controller.snapshot import LineSnapshot, PackmlRequest
from controller.states import LineCommand, LineState
from controller.types import ItemRecord
from plc.errors import EncoderError, PlcError
from tests.support.belt_scenes import (
    CALIBRATION,
    LIMITS,
    MM_PER_TICK,
    LyingItem,
    detections,
    stamp,
    station,
)
from tests.support.belt_scenes import recipe as plain_recipe
from tests.support.plc_bench import CYCLE_MS, PlcBench
from vision.tracker_config import TrackerConfig
from vision.types import CameraLosses, Detections

STALL_AFTER_MS = 400.0
FIGURES = CaptureFigures(
    frames_dropped=0, losses=CameraLosses(), frames_per_s=50.0, records_dropped=0, latencies=()
)
_FRAME_EVERY = 2


class CoreBench:
    """Turns the crank of a core: an exchange every 10 ms, a frame every 20 ms."""

    def __init__(
        self,
        items: list[LyingItem] | None = None,
        *,
        belt_on_camera_loss: Literal["stop", "run"] = "stop",
        recipe: RecipeConfig | None = None,
    ) -> None:
        self.plant = PlcBench()
        limits = LIMITS.model_copy(update={"belt_on_camera_loss": belt_on_camera_loss})
        self.core = build_core(
            session_id="s",
            bundle_id="b",
            calibration=CALIBRATION,
            stations=(station(),),
            recipe=recipe or plain_recipe(),
            limits=limits,
            tracker=TrackerConfig(),
            stall_after_ms=STALL_AFTER_MS,
        )
        self.items = items or []
        self.camera_on = True
        self.frame_age_ms = 0.0
        self.records = list[ItemRecord]()
        self.outcomes = list[FrameOutcome]()
        self.found = dict[int, Detections]()
        self.plug_in = True
        self._turns = self._seq = 0
        self.plant.link.connect()

    @property
    def now_ns(self) -> MonotonicNs:
        """The present."""
        return self.plant.clock.now_ns()

    @property
    def travel_mm(self) -> float:
        """Belt travel now."""
        return self.plant.drive.fractional_tick(self.now_ns) * MM_PER_TICK

    @property
    def state(self) -> LineState:
        """State of the line."""
        return self.core.state

    def lay(self, *x_mm: float, **kind: object) -> None:
        """Lay items upstream of the view, one after the other."""
        start_mm = self.travel_mm + 400.0
        self.items += [
            LyingItem(x_mm=x, y_mm=start_mm + 250.0 * n, **kind)  # type: ignore[arg-type]
            for n, x in enumerate(x_mm)
        ]

    def turn(self) -> None:
        """One PLC cycle, and every other time a frame."""
        self._turns += 1
        if self.camera_on and self._turns % _FRAME_EVERY == 0:
            self.expose()
        self.exchange()
        self.records += self.core.take_records()
        self.plant.pass_ms(CYCLE_MS)

    def run(self, duration_ms: float) -> None:
        """Turn for a while."""
        for _ in range(int(duration_ms / CYCLE_MS)):
            self.turn()

    def expose(self) -> FrameOutcome | None:
        """Take a picture `frame_age_ms` ago and hand its detections over now."""
        self._seq += 1
        exposed_ns = MonotonicNs(self.now_ns - int(self.frame_age_ms * NS_PER_MS))
        travel_mm = self.plant.drive.fractional_tick(exposed_ns) * MM_PER_TICK
        found = detections(self.items, stamp(self._seq, travel_mm=travel_mm))
        self.found[self._seq] = found
        outcome = self.core.frame(self._seq, exposed_ns, found, self.now_ns)
        if outcome is not None:
            self.outcomes.append(outcome)
        return outcome

    def exchange(self) -> None:
        """Talk to the PLC as the PLC thread does."""
        commands = self.core.take_commands()
        if not self.plug_in:
            self.core.link_lost(PlcError("pulled out"), self.now_ns)
            return
        try:
            self.plant.link.connect()
            exchange = self.plant.link.exchange(self.core.plc_request(), commands)
        except EncoderError as error:
            self.core.encoder_failed(str(error), self.now_ns)
        except PlcError as error:
            self.plant.link.close()
            self.core.link_lost(error, self.now_ns)
        else:
            self.core.exchanged(exchange, self.now_ns)

    def press(self, *commands: LineCommand) -> None:
        """Press buttons, letting the line follow each."""
        for command in commands:
            reply = self.core.operator(PackmlRequest(command=command, operator="test"), self.now_ns)
            assert reply.accepted, reply.reason
            self.run(200)

    def start(self) -> None:
        """Bring the line into EXECUTE with the belt at speed."""
        self.run(100)
        self.press(LineCommand.RESET, LineCommand.START)
        self.run(600)
        assert self.state is LineState.EXECUTE, self.snapshot().state_reason

    def snapshot(self) -> LineSnapshot:
        """Return the line's condition."""
        return self.core.snapshot(FIGURES, self.now_ns)

    def alarms(self) -> set[str]:
        """Return the kinds of the standing alarms."""
        return {alarm.kind.value for alarm in self.snapshot().alarms}
