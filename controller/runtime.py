"""The line's threads: frames and PLC events in, pulses, records and pictures out.

The pipeline thread alone touches the core. Everything else hands over and never waits for it.
"""

import gc
import logging
import sys
import threading
from collections import deque

from calibration.clock import Clock
from calibration.units import NS_PER_S, MonotonicNs
from controller.belt_eye import BeltEye
from controller.camera_frame import CameraFrame
from controller.camera_row import FIRST, CameraRow, FrameSet, Shot
from controller.core import LineCore
from controller.detector_row import DetectorRow, nothing_seen
from controller.downstream_camera import DownstreamCamera
from controller.drift_row import DriftRow
from controller.latency_window import LatencyWindow, Stage
from controller.live_picture import LivePicture, Scene
from controller.outcome import CaptureFigures, FrameOutcome
from controller.plc_thread import Exchanged, PlcEvent, TimedCommand
from controller.ports import LatencySink, LineFeed, PlcSide
from controller.session import SessionWriter
from controller.snapshot import LineSnapshot, OperatorRequest
from plc.errors import EncoderError
from vision.annotate import MarkedTrack
from vision.errors import CameraError, EndOfStreamError

log = logging.getLogger(__name__)

FRAME_WAIT_S = 0.01
"""Longest wait for a frame before PLC events and operators are looked after."""
SNAPSHOT_PERIOD_NS = NS_PER_S // 4
SWITCH_INTERVAL_S = 0.0005
"""A thread that wakes waits this long for the interpreter instead of 5 ms, the default: the PLC
thread is not held up by a whole step of the pipeline."""


class LineFailedError(Exception):
    """A thread of the line ended by an error; the PLC's heartbeat watch closes the valves."""


class LineRuntime:
    """One line run, from `start` to `stop`."""

    def __init__(
        self,
        *,
        core: LineCore,
        cameras: CameraRow,
        detectors: DetectorRow,
        plc: PlcSide,
        feed: LineFeed,
        picture: LivePicture,
        recorder: SessionWriter | None,
        clock: Clock,
        latency: LatencySink | None = None,
        belt_eye: BeltEye | None = None,
        drift: DriftRow | None = None,
        downstream: DownstreamCamera | None = None,
    ) -> None:
        """Take the parts; the runtime starts and stops cameras, PLC thread and picture.

        Args:
            core: the line's logic, used by the pipeline thread alone.
            cameras: of the line; their sets are taken by the pipeline thread alone.
            detectors: one for each camera, asked by the pipeline thread alone.
            plc: the PLC's thread or threads.
            feed: towards telemetry; opened and closed by the composition root.
            picture: draws for the page.
            recorder: keeps frames and steps for replay, or None.
            clock: of the threads.
            belt_eye: compares the belt's travel with the encoder's, or None.
            drift: compares the views with the calibrated ones, or None; started and stopped here.
            downstream: looks behind the bars, or None; started and stopped here.
            latency: takes every duration measured; None keeps them for the snapshots alone.
        """
        self._core, self._cameras, self._detectors = core, cameras, detectors
        self._plc, self._feed, self._picture = plc, feed, picture
        self._recorder, self._clock = recorder, clock
        self._latency: LatencySink = latency or LatencyWindow()
        self._belt_eye, self._drift, self._downstream = belt_eye, drift, downstream
        self._requests: deque[OperatorRequest] = deque()
        self._stopping, self._ended = threading.Event(), threading.Event()
        self._failure: Exception | None = None
        self._records_dropped = 0
        self._snapshot_ns, self._snapshot_frames = MonotonicNs(0), 0
        self.snapshot: LineSnapshot | None = None
        """The newest published snapshot; None before the first."""
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)

    def start(self) -> None:
        """Start all threads."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        # A collection of the whole heap stalls every thread; what exists now lives for ever.
        gc.collect()
        gc.freeze()
        self._plc.start()
        self._cameras.start()
        self._picture.start()
        if self._drift is not None:
            self._drift.start()
        if self._downstream is not None:
            self._downstream.start()
        self._thread.start()

    def request(self, request: OperatorRequest) -> None:
        """Queue an operator's request from this process (the console)."""
        self._requests.append(request)

    @property
    def ended(self) -> bool:
        """Whether a recorded source has run out and every item is closed."""
        return self._ended.is_set()

    def check(self) -> None:
        """Do nothing while all threads live.

        Raises:
            LineFailedError: one has ended, its error is the cause.
        """
        try:
            if self._failure is not None:
                raise self._failure
            self._plc.check()
            self._cameras.check()
            if self._drift is not None:
                self._drift.check()
            if self._downstream is not None:
                self._downstream.check()
        except Exception as error:
            msg = f"the line ended: {type(error).__name__}: {error}"
            raise LineFailedError(msg) from error

    def stop(self) -> None:
        """Stop the line: PLC told to close, items closed as blocked, last snapshot published."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        self._plc.stop()
        self._cameras.stop()
        self._detectors.close()
        self._picture.stop()
        if self._drift is not None:
            self._drift.stop()
        if self._downstream is not None:
            self._downstream.stop()
        if self._recorder is not None:
            self._recorder.close()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn()
            self._core.close(self._clock.now_ns())
            self._publish(force=True)
        except Exception as error:
            log.exception("the pipeline failed")
            self._failure = error

    def _turn(self) -> None:
        frames = self._next_frames()
        for event in self._plc.take_events():
            self._take_event(event)
        self._look_downstream()
        self._serve_operators()
        if frames is not None:
            self._process(frames)
        else:
            self._core.idle(self._clock.now_ns())
        self._plc.ask(self._core.plc_request())
        self._publish(force=False)

    def _next_frames(self) -> FrameSet | None:
        try:
            return self._cameras.take(FRAME_WAIT_S)
        except EndOfStreamError:
            if self._core.items_in_flight == 0:
                self._ended.set()
            self._clock.wait(self._stopping, FRAME_WAIT_S)
            return None
        except CameraError:
            # The capture thread has counted and logged it; the row's status passes its word on.
            return None
        finally:
            # A camera that is open but silent shows in the age of its newest frame.
            self._core.camera_failed(self._cameras.status().error)

    def _take_event(self, event: PlcEvent) -> None:
        now_ns = self._clock.now_ns()
        if isinstance(event, Exchanged):
            self._core.exchanged(event.exchange, now_ns)
            for latency_ns in event.latencies_ns:
                self._latency.add(Stage.EXPOSURE_TO_LINK, latency_ns)
            return
        for report in event.unsent:
            self._core.reported(report, now_ns)
        if isinstance(event.error, EncoderError):
            self._core.encoder_failed(str(event.error), now_ns)
        else:
            self._core.link_lost(event.error, now_ns)

    def _look_downstream(self) -> None:
        if self._downstream is None:
            return
        self._core.downstream_failed(self._downstream.error)
        for seen in self._downstream.take():
            self._core.looked_downstream(seen.seq, seen.exposed_ns, seen.detections)

    def _serve_operators(self) -> None:
        for request in self._feed.take_requests():
            self._requests.append(request)
        while self._requests:
            self._core.operator(self._requests.popleft(), self._clock.now_ns())

    def _process(self, frames: FrameSet) -> None:
        started_ns = self._clock.now_ns()
        for shot in frames.shots:
            self._latency.add(Stage.EXPOSURE_TO_PIPELINE, started_ns - shot.frame.exposed_ns)
        found = self._detectors.detect(frames.shots)
        if self._detectors.bundle_id != self._core.bundle_id:
            self._renamed(self._detectors.bundle_id)
        detected_ns = self._clock.now_ns()
        self._latency.add(Stage.DETECT, detected_ns - started_ns)
        lead, first = frames.lead, frames.first
        more = [
            CameraFrame(
                camera=shot.camera,
                seq=shot.frame.seq,
                exposed_ns=shot.exposed_ns,
                detections=detections,
            )
            for shot, detections in zip(frames.shots, found, strict=True)
            if shot.camera != FIRST
        ]
        outcome = self._core.frame(
            lead.frame.seq,
            lead.exposed_ns,
            nothing_seen() if first is None else found[FIRST],
            detected_ns,
            more,
            frames.standing,
        )
        self._plc.submit(
            [
                TimedCommand(command=command, exposed_ns=lead.exposed_ns)
                for command in self._core.take_commands()
            ]
        )
        self._latency.add(Stage.STEP, self._clock.now_ns() - detected_ns)
        if outcome is not None and first is not None:
            self._keep(first, outcome)
            self._look_at_belt(first, outcome)
        if outcome is not None and self._drift is not None:
            self._drift.show(frames, outcome)
            self._core.drifted(self._drift.findings)

    def _renamed(self, bundle_id: str) -> None:
        self._core.named_by(bundle_id)
        if self._recorder is not None:
            self._recorder.end(f"another bundle names the items now: {bundle_id}")

    def _look_at_belt(self, first: Shot, outcome: FrameOutcome) -> None:
        if self._belt_eye is not None:
            look = self._belt_eye.look(first.frame.image, outcome.stamp.tick)
            if look is not None:
                self._core.belt_seen(look)

    def _keep(self, first: Shot, outcome: FrameOutcome) -> None:
        image = first.frame.image
        if self._recorder is not None:
            self._recorder.step(image, outcome)
        if self._picture.due:
            marked = tuple(
                MarkedTrack(track=track, mark=mark) for track, mark in self._core.marked_tracks()
            )
            self._picture.show(Scene(image=image, tick=outcome.stamp.tick, marked=marked))

    def _publish(self, *, force: bool) -> None:
        for record in self._core.take_records():
            self._records_dropped += not self._feed.publish_record(record)
        now_ns = self._clock.now_ns()
        elapsed_ns = now_ns - self._snapshot_ns
        if elapsed_ns < SNAPSHOT_PERIOD_NS and not force:
            return
        frames = self._core.frames
        cameras = self._cameras.status()
        figures = CaptureFigures(
            frames_dropped=cameras.dropped,
            losses=cameras.losses,
            frames_per_s=(frames - self._snapshot_frames) * NS_PER_S / max(elapsed_ns, 1),
            records_dropped=self._records_dropped,
            latencies=self._latency.drain(),
        )
        self._snapshot_ns, self._snapshot_frames = now_ns, frames
        self.snapshot = self._core.snapshot(figures, now_ns)
        self._feed.publish_snapshot(self.snapshot)
