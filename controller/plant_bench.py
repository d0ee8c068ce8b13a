"""A plant as calibration procedures use it: its camera, its PLC, and a person at the terminal.

The belt runs and valves fire only while a procedure that the person has confirmed asks for it, and
only as the PLC's own encoder compare does it; its safety circuit and heartbeat watch stand.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Event
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.bench import FiredShot, Photograph, Shot, Task
from calibration.clock import Clock
from calibration.errors import CalibrationError
from calibration.units import NS_PER_MS, NS_PER_S, BeltTick
from calibration.valve_map import ValveSpan
from controller.plc_thread import Exchanged, TimedCommand
from controller.ports import PlcSide
from plc.clock_fit import ClockEstimate, ClockFit
from plc.types import (
    EjectionCommand,
    EjectionReport,
    PlcRequest,
    PlcStatus,
    PulseOutcome,
)
from vision.capture import CaptureThread
from vision.errors import CameraTimeoutError
from vision.types import Frame

_IDLE: Final = PlcRequest(run=False, belt_run=False)
_BELT: Final = PlcRequest(run=False, belt_run=True)
_FIRING: Final = PlcRequest(run=True, belt_run=True)
_PUMP_S: Final = 0.005
_KEPT: Final = 4000
_PATIENCE_S: Final = 20.0
_STANDING_NS: Final = 400 * NS_PER_MS
"""Without a new count for this long the belt stands."""
_BEFORE_START_S: Final = 0.2


class PlantBench:
    """Implements `calibration.bench.Bench` over a running capture thread and PLC thread."""

    def __init__(
        self,
        *,
        capture: CaptureThread,
        plc: PlcSide,
        clock: Clock,
        speed_mm_per_s: float,
        person: Callable[[Task], float],
    ) -> None:
        """Take what the composition root has started; it stops them too.

        Args:
            capture: of the line's camera.
            plc: of the line.
            clock: waits.
            speed_mm_per_s: the belt's usual speed, to know how long to jog.
            person: shown each task; returns the number asked for.
        """
        self._capture, self._plc, self._clock = capture, plc, clock
        self._speed, self._person = speed_mm_per_s, person
        self._readings: deque[tuple[int, int]] = deque(maxlen=_KEPT)
        self._reports: dict[int, EjectionReport] = {}
        self._request, self._pulse = _IDLE, 0
        self._fit = ClockFit()
        self.statuses: list[PlcStatus] = []
        """Every reading so far, for whoever examines the link."""
        self.link_error: str | None = None
        """What the link last complained of."""
        self._never = Event()
        self._size: tuple[int, int] | None = None

    @property
    def image_size_px(self) -> tuple[int, int]:
        """Width and height of the camera's images."""
        if self._size is None:
            height, width = self._frame_after(-1).image.shape[:2]
            self._size = (width, height)
        return self._size

    def ask(self, task: Task) -> float:
        """Show the task and wait for the person. See `Bench`."""
        return self._person(task)

    @property
    def tick_sd(self) -> float | None:
        """Standard deviation of the fit of ticks to time now, ticks; None without a fit."""
        estimate = self._fit.estimate
        if not isinstance(estimate, ClockEstimate):
            return None
        return float(estimate.sd_tick_at(self._clock.now_ns()))

    def listen(self, seconds: float) -> None:
        """Only read the PLC for a while."""
        self._pump_for(seconds)

    def glance(self) -> npt.NDArray[np.uint8]:
        """Return a fresh frame, wherever the belt is.

        Raises:
            CalibrationError: none comes.
        """
        return self._frame_after(self._clock.now_ns()).image

    def photograph(self) -> Photograph:
        """Expose once. See `Bench`."""
        now_ns = self._clock.now_ns()
        frame = self._frame_after(now_ns)
        self._pump_until(lambda: self._known_until() > frame.exposed_ns)
        return self._located(frame)

    def jog(self, travel_mm: float) -> None:
        """Run for the time that the way takes at the usual speed. See `Bench`."""
        self._run_for(travel_mm / self._speed)
        self._come_to_rest()

    def film(self, seconds: float) -> tuple[Photograph, ...]:
        """Keep every frame of a start. See `Bench`."""
        frames: list[Frame] = []
        begun_ns = self._clock.now_ns()
        ends = (begun_ns + _BEFORE_START_S * NS_PER_S, (_BEFORE_START_S + seconds) * NS_PER_S)
        seq = -1
        while (now_ns := self._clock.now_ns()) < begun_ns + ends[1]:
            self._request = _BELT if now_ns >= ends[0] else _IDLE
            self._pump()
            try:
                frame = self._capture.latest(seq, _PUMP_S)
            except CameraTimeoutError:
                continue
            seq = frame.seq
            if frame.exposed_ns >= begun_ns:
                frames.append(frame)
        self._come_to_rest()
        return tuple(self._located(frame) for frame in frames)

    def fire(self, shots: Sequence[Shot]) -> tuple[FiredShot, ...]:
        """Send the pulses, run the belt past them, stop. See `Bench`."""
        self._request = _FIRING
        self._pump_for(0.1)
        commands = {}
        for shot in shots:
            self._pulse += 1
            commands[self._pulse] = shot
        self._plc.submit([self._timed(pulse, shot) for pulse, shot in commands.items()])
        self._pump_until(lambda: commands.keys() <= self._reports.keys())
        self._come_to_rest()
        return tuple(
            self._fired(shot, self._reports[pulse])
            for pulse, shot in commands.items()
            if self._reports[pulse].outcome is PulseOutcome.FIRED
        )

    def _timed(self, pulse: int, shot: Shot) -> TimedCommand:
        command = EjectionCommand(
            pulse_id=pulse,
            station=shot.station,
            valves=ValveSpan(first=shot.valve, last=shot.valve),
            open_tick=BeltTick(shot.open_tick),
            close_tick=BeltTick(shot.close_tick),
        )
        return TimedCommand(command=command, exposed_ns=self._clock.now_ns())

    def _fired(self, shot: Shot, report: EjectionReport) -> FiredShot:
        middle = (report.open_tick + report.close_tick) / 2
        times, ticks = self._table()
        at_ns = float(np.interp(middle, ticks, times))
        return FiredShot(
            shot=shot,
            open_tick=int(report.open_tick),
            close_tick=int(report.close_tick),
            ticks_per_s=self._speed_at(round(at_ns)),
        )

    def _frame_after(self, at_ns: int) -> Frame:
        seq = -1
        for _ in range(int(_PATIENCE_S / _PUMP_S)):
            self._pump()
            try:
                frame = self._capture.latest(seq, _PUMP_S)
            except CameraTimeoutError:
                continue
            seq = frame.seq
            if frame.exposed_ns > at_ns:
                return frame
        msg = f"the camera sends no frames ({self._capture.status().error or 'silent'})"
        raise CalibrationError(msg)

    def _located(self, frame: Frame) -> Photograph:
        times, ticks = self._table()
        tick = float(np.interp(frame.exposed_ns, times, ticks))
        return Photograph(
            image=frame.image,
            exposed_ns=frame.exposed_ns,
            # A count is of whole ticks passed: the belt is half a tick farther on average.
            tick=tick + 0.5,
            ticks_per_s=self._speed_at(frame.exposed_ns),
        )

    def _speed_at(self, at_ns: int) -> float:
        times, ticks = self._table()
        reach = 25 * NS_PER_MS
        ends = np.interp((at_ns - reach, at_ns + reach), times, ticks)
        return float(ends[1] - ends[0]) / (2 * reach / NS_PER_S)

    def _table(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
        table = np.array(self._readings, dtype=np.float64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def _known_until(self) -> int:
        return self._readings[-1][0] if self._readings else 0

    def _run_for(self, seconds: float) -> None:
        self._request = _BELT
        self._pump_for(seconds)

    def _come_to_rest(self) -> None:
        """Stop the belt and wait until the encoder has stood for a while."""
        self._request = _IDLE
        self._pump_for(_STANDING_NS / NS_PER_S)
        self._pump_until(self._stands)

    def _stands(self) -> bool:
        if not self._readings:
            return False
        newest_ns, tick = self._readings[-1]
        return all(
            count == tick for at_ns, count in self._readings if at_ns > newest_ns - _STANDING_NS
        )

    def _pump_for(self, seconds: float) -> None:
        end_ns = self._clock.now_ns() + round(seconds * NS_PER_S)
        while self._clock.now_ns() < end_ns:
            self._pump()
            self._clock.wait(self._never, _PUMP_S)

    def _pump_until(self, done: Callable[[], bool]) -> None:
        end_ns = self._clock.now_ns() + round(_PATIENCE_S * NS_PER_S)
        while not done():
            if self._clock.now_ns() > end_ns:
                msg = "the PLC does not answer, or the belt does not do what it was told"
                raise CalibrationError(msg + "; see run_line.py doctor")
            self._pump()
            self._clock.wait(self._never, _PUMP_S)

    def _pump(self) -> None:
        """Keep the PLC's request alive and take in what it said."""
        self._plc.check()
        self._plc.ask(self._request)
        for event in self._plc.take_events():
            if isinstance(event, Exchanged):
                status = event.exchange.status
                self._readings.append((int(status.read_ns), int(status.tick)))
                self.statuses.append(status)
                self._fit.add(
                    read_ns=status.read_ns, round_trip_ns=status.round_trip_ns, tick=status.tick
                )
                for report in event.exchange.reports:
                    self._reports[report.pulse_id] = report
                continue
            self.link_error = str(event.error)
            if self._readings:
                msg = f"PLC: {event.error}; see run_line.py doctor"
                raise CalibrationError(msg) from event.error
