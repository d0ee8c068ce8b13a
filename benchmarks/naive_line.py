"""The line that one would write first: no tracking, a fixed delay, the box's window.

It stands behind the same PLC, the same twin and the same detector as the line's own pipeline.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from calibration.line_calibration import LineCalibration
from controller.jet_window import JetWindow, StationTiming, command_of
from controller.policy import NO_STATION, SortPolicy
from controller.stations import JetBarConfig
from controller.step import DecidedItem, LineStatus, PlannedPulse, StepResult
from controller.types import ActionPolicy, DecisionReason
from controller.valve_schedule import ValveSchedule, WantedWindow
from plc.types import EjectionCommand
from twin.assembly import SimulatedLine
from vision.fusion import CameraView
from vision.locate import BeltLocator
from vision.mass import estimate_mass_g
from vision.types import FRACTIONS, Detections, FrameStamp, LocatedDetections, Track

FIXED_MARGIN_MS: Final = 5.0
"""Of the fixed window, before and after; the field's usual figure (anchors, section 2.2)."""


class NaiveLine:
    """No tracking: a box that crosses the trigger line gets its box's window a fixed time later.

    The delay is set for the nominal speed, once, as it is on machines without an encoder; the
    class is the best one of that single picture.
    """

    def __init__(
        self, line: SimulatedLine, calibration: LineCalibration, *, nominal_mm_per_s: float
    ) -> None:
        """Take the line's settings; margins are its own fixed ones.

        Args:
            line: stations and recipe.
            calibration: of the camera and belt.
            nominal_mm_per_s: belt speed that the delay was set for.
        """
        self._line, self._calibration = line, calibration
        self._nominal_mm_per_s = nominal_mm_per_s
        self._policy = SortPolicy(line.recipe, line.stations)
        self._locator = BeltLocator(calibration, border_px=line.tracker.border_px)
        self._bars = {i: s for i, s in enumerate(line.stations) if isinstance(s, JetBarConfig)}
        self._schedules = {
            i: ValveSchedule(
                valve_count=s.valve_count, max_duty=s.max_duty, duty_window_ms=s.duty_window_ms
            )
            for i, s in self._bars.items()
        }
        self._last_travel_mm: float | None = None
        self._next_id = self._next_pulse = 1

    def step(
        self,
        stamp: FrameStamp,
        detections: Detections,
        status: LineStatus,
        more: Sequence[CameraView] = (),  # noqa: ARG002 - one camera is what this line has
    ) -> StepResult:
        """Fire at what crossed the trigger line, half of the view, since the last frame."""
        located = self._locator.locate(stamp, detections)
        travel_mm = self._calibration.travel.travel_mm(stamp.tick)
        moved_mm = 0.0 if self._last_travel_mm is None else travel_mm - self._last_travel_mm
        self._last_travel_mm = travel_mm
        lead_mm = travel_mm - located.y_mm + located.length_mm / 2
        line_mm = self._calibration.view_s_max_mm - 1.0
        crossing = (lead_mm >= line_mm - moved_mm) & (lead_mm < line_mm)
        decided: list[DecidedItem] = []
        planned: list[PlannedPulse] = []
        for row in np.flatnonzero(crossing).tolist():
            track = self._track(located, row, stamp)
            pulses = self._fire(track, stamp, status)
            planned += pulses
            decided.append(self._decided(track, pulses))
        return StepResult(decided=tuple(decided), planned=tuple(planned), hazards=(), conflicts=())

    def live_tracks(self) -> tuple[Track, ...]:
        """Nothing is tracked."""
        return ()

    def hazards_removed(self) -> tuple[DecidedItem, ...]:
        """Nothing is believed hazardous."""
        return ()

    def give_up(self, reason: DecisionReason) -> tuple[DecidedItem, ...]:  # noqa: ARG002
        """Nothing is tracked."""
        return ()

    def _track(self, seen: LocatedDetections, row: int, stamp: FrameStamp) -> Track:
        scores = seen.scores[row].astype(np.float64)
        posterior = scores / scores.sum()
        extent = np.array([[seen.width_mm[row]], [seen.length_mm[row]]])
        mass_g, mass_sd_g = estimate_mass_g(posterior[:, None], extent)
        track_id, self._next_id = self._next_id, self._next_id + 1
        return Track(
            track_id=track_id,
            x_mm=float(seen.x_mm[row]),
            y_mm=float(seen.y_mm[row]),
            x_sd_mm=0.0,
            y_sd_mm=0.0,
            slip_x_mm_per_s=0.0,
            slip_y_mm_per_s=0.0,
            width_mm=float(extent[0, 0]),
            length_mm=float(extent[1, 0]),
            posterior=tuple(posterior.tolist()),
            views=1,
            tick=stamp.tick,
            first_seq=stamp.seq,
            last_seq=stamp.seq,
            mass_g=float(mass_g[0]),
            mass_sd_g=float(mass_sd_g[0]),
        )

    def _fire(self, track: Track, stamp: FrameStamp, status: LineStatus) -> list[PlannedPulse]:
        best = FRACTIONS.index(track.fraction)
        index = self._policy.station_of(best)
        if index == NO_STATION or index not in self._bars or not status.may_fire:
            return []
        bar = self._bars[index]
        timing = StationTiming(
            bar,
            mm_per_tick=self._calibration.travel.mm_per_tick,
            ticks_per_s=status.ticks_per_s,
        )
        window = self._window(track, bar, timing, stamp)
        if window is None:
            return []

        def make(piece: JetWindow) -> EjectionCommand:
            pulse_id, self._next_pulse = self._next_pulse, self._next_pulse + 1
            return command_of(piece, pulse_id=pulse_id, station=index)

        wanted = [WantedWindow(track_id=track.track_id, window=window)]
        served = self._schedules[index].reserve(wanted, timing, make)
        return [PlannedPulse(command=s.command, track_ids=s.track_ids) for s in served if s.new]

    def _window(
        self, track: Track, bar: JetBarConfig, timing: StationTiming, stamp: FrameStamp
    ) -> JetWindow | None:
        span = bar.valve_map.span(
            track.x_mm - track.width_mm / 2 - self._line.recipe.side_margin_mm,
            track.x_mm + track.width_mm / 2 + self._line.recipe.side_margin_mm,
        )
        if span is None:
            return None
        centre_s_mm = self._calibration.travel.travel_mm(stamp.tick) - track.y_mm
        # Time is what passes: at a belt that is faster than nominal the item is further on.
        delay_ms = 1e3 * (bar.distance_mm - centre_s_mm) / self._nominal_mm_per_s
        half_ms = 1e3 * track.length_mm / 2 / self._nominal_mm_per_s
        open_ms = delay_ms - half_ms - FIXED_MARGIN_MS - bar.valve_open_lag_ms
        close_ms = delay_ms + half_ms + FIXED_MARGIN_MS - bar.valve_close_lag_ms
        start = math.floor(stamp.tick + open_ms * timing.ticks_per_ms)
        end = math.ceil(stamp.tick + close_ms * timing.ticks_per_ms)
        return JetWindow(
            first=span.first,
            last=span.last,
            open_tick=start,
            close_tick=max(end, start + timing.min_open_tick),
        )

    def _decided(self, track: Track, pulses: list[PlannedPulse]) -> DecidedItem:
        fraction = FRACTIONS.index(track.fraction)
        fired = bool(pulses)
        decision = self._policy.decision(
            track,
            action=self._policy.action(fraction) if fired else ActionPolicy.PASS,
            station=self._policy.station_of(fraction) if fired else None,
            reason=DecisionReason.TARGET if fired else DecisionReason.NOT_TARGET,
        )
        return DecidedItem(track=track, decision=decision, pulses=tuple(p.command for p in pulses))
