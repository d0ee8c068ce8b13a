"""A line runtime with its real threads in this process; camera and PLC are the outside world."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from calibration.clock import MonotonicClock
from calibration.line_calibration import LineCalibration
from calibration.nominal import nominal_calibration
from calibration.units import MonotonicNs
from controller.assembly import build_core
from controller.bundle_follower import BundleFollower
from controller.camera_row import CameraRow, RowSeat
from controller.detector_row import DetectorRow
from controller.downstream_camera import DownstreamCamera
from controller.drift_row import DriftRow
from controller.drift_watch import DriftWatch
from controller.live_picture import LivePicture
from controller.plc_thread import PlcThread
from controller.runtime import LineRuntime
from controller.session import SessionWriter
from controller.snapshot import LineSnapshot, OperatorRequest, PackmlRequest
from controller.states import LineCommand
from controller.types import ItemRecord
from controller.valves_config import ValvesConfig
from plc.ports import PlcLink
from tests.support.belt_scenes import (
    CALIBRATION,
    LIMITS,
    LyingItem,
    detections,
    recipe,
    stamp,
    station,
)
from tests.support.line_process import wait_for
from tests.support.plc_bench import MAX_TICKS_PER_S, MM_PER_TICK, PLC_CONFIG, QUICK_BELT
from twin.belt_drive import BeltDrive
from twin.soft_plc.in_process import in_process_link
from twin.soft_plc.program import SoftPlc
from vision.config import DetectorConfig
from vision.errors import CameraError, CameraTimeoutError, EndOfStreamError
from vision.factory import open_detector
from vision.ports import Detector
from vision.tracker_config import TrackerConfig
from vision.types import CameraLosses, Detections, Frame

CLOCK = MonotonicClock()
PERIOD_S = 0.02


class BenchCamera:
    """A few images in turn, 50 a second, at first an empty belt; and what happens to cameras."""

    def __init__(self, name: str = "bench", *, stamped: bool = False) -> None:
        """Begin well; a stamped camera writes each frame's exposure time into its picture."""
        self._name, self._stamped = name, stamped
        self.lost: str | None = None
        self.silent = False
        self.over = False
        self.broken: Exception | None = None
        self._seq = 0
        self.images: list[npt.NDArray[np.uint8]] = [np.full((320, 640, 3), 90, np.uint8)]
        self._never = threading.Event()

    @property
    def camera_id(self) -> str:
        return self._name

    def open(self) -> None:
        if self.lost is not None:
            raise CameraError(self.lost)

    def read(self, timeout_s: float) -> Frame:
        self._never.wait(timeout_s if self.silent else PERIOD_S)
        if self.broken is not None:
            raise self.broken
        if self.over:
            raise EndOfStreamError("the film ends")
        if self.lost is not None:
            raise CameraError(self.lost)
        if self.silent:
            raise CameraTimeoutError("no frame")
        self._seq += 1
        exposed_ns, image = CLOCK.now_ns(), self.images[self._seq % len(self.images)]
        if self._stamped:
            image = image.copy()
            image.reshape(-1)[:8] = np.frombuffer(int(exposed_ns).to_bytes(8), np.uint8)
        return Frame(seq=self._seq, exposed_ns=exposed_ns, image=image)

    def losses(self) -> CameraLosses:
        return CameraLosses()

    def close(self) -> None:
        pass


class KeptFeed:
    """The telemetry side as a list: what was published, and what operators ask."""

    def __init__(self) -> None:
        self.records: list[ItemRecord] = []
        self.snapshots: list[LineSnapshot] = []
        self.pictures: list[bytes] = []
        self.asked: list[OperatorRequest] = []
        self.full = False

    def open_session(
        self, *, session_id: str, line_id: str, station_names: tuple[str, ...]
    ) -> None:
        pass

    def publish_record(self, record: ItemRecord) -> bool:
        if not self.full:
            self.records.append(record)
        return not self.full

    def publish_snapshot(self, snapshot: LineSnapshot) -> None:
        self.snapshots.append(snapshot)

    def publish_picture(self, jpeg: bytes) -> None:
        self.pictures.append(jpeg)

    def take_requests(self) -> tuple[OperatorRequest, ...]:
        asked, self.asked = tuple(self.asked), []
        return asked

    def close(self) -> None:
        pass


class RuntimeRig:
    """Starts, watches and stops a runtime."""

    def __init__(
        self,
        link: PlcLink,
        bundle: Path | None,
        *,
        detector: Detector | None = None,
        recorder: SessionWriter | None = None,
        drift: Mapping[int, DriftWatch] | None = None,
        pair: Sequence[Detector] = (),
        on_camera_loss: str = "stop",
        follower: BundleFollower | None = None,
        downstream: DownstreamCamera | None = None,
    ) -> None:
        """Build a line under one camera, or under a pair of them with a detector each."""
        self.cameras = [BenchCamera(name, stamped=True) for name in ("left", "right")]
        self.camera, self.feed = self.cameras[0] if pair else BenchCamera(), KeptFeed()
        eyes = pair or [detector or _eyes(bundle)]
        calibration, *more = two_cameras_across() if pair else (CALIBRATION,)
        limits = {
            "max_tick_sd": 1000.0,
            "max_frame_age_ms": 900.0,
            "belt_on_camera_loss": on_camera_loss,
        }
        self.core = build_core(
            session_id="s",
            bundle_id=eyes[0].bundle_id,
            calibration=calibration,
            more_cameras=more,
            stations=(station(),),
            recipe=recipe(),
            limits=LIMITS.model_copy(update=limits),
            tracker=TrackerConfig(),
            stall_after_ms=1000.0,
            valves=None if downstream is None else ValvesConfig(folder=Path("unused")),
            downstream=None if downstream is None else downstream.calibration,
        )
        self.runtime = LineRuntime(
            core=self.core,
            cameras=CameraRow(
                [
                    RowSeat(camera=camera, stall_after_ms=1000.0)
                    for camera in (self.cameras if pair else [self.camera])
                ],
                clock=CLOCK,
                patience_ms=1500 * PERIOD_S,
            ),
            detectors=DetectorRow(eyes, follower),
            plc=PlcThread(link=link, clock=CLOCK, cycle_ms=10.0),
            feed=self.feed,
            picture=LivePicture(calibration=calibration, feed=self.feed, clock=CLOCK),
            recorder=recorder,
            clock=CLOCK,
            drift=None
            if drift is None
            else DriftRow(drift, names=("left", "right") if pair else None),
            downstream=downstream,
        )

    def __enter__(self) -> Self:
        self.runtime.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.runtime.stop()

    def wait(self, condition: Callable[[LineSnapshot], object], what: str) -> LineSnapshot:
        """Wait until the newest snapshot meets a condition."""

        def met() -> LineSnapshot | None:
            snapshot = self.runtime.snapshot
            return snapshot if snapshot is not None and condition(snapshot) else None

        snapshot = wait_for(met, lambda: f"{what}: {self.runtime.snapshot}")
        assert isinstance(snapshot, LineSnapshot)
        return snapshot

    def wait_state(self, state: str) -> LineSnapshot:
        """Wait until the line is in a state."""
        return self.wait(lambda seen: seen.state.value == state, state)

    def wait_alarm(self, kind: str) -> LineSnapshot:
        """Wait until an alarm stands."""
        return self.wait(lambda seen: kind in {a.kind.value for a in seen.alarms}, kind)

    def press(self, command: LineCommand) -> None:
        """Press a button on the page."""
        self.feed.asked.append(PackmlRequest(command=command, operator="test"))

    def start_sorting(self) -> None:
        """Bring the line into EXECUTE."""
        self.wait(lambda seen: seen.link_ok and seen.frames > 2, "link and frames")
        self.press(LineCommand.RESET)
        self.wait_state("idle")
        self.press(LineCommand.START)
        self.wait_state("execute")


def _eyes(bundle: Path | None) -> Detector:
    assert bundle is not None
    config = DetectorConfig(bundle=bundle, backend="onnxruntime", input_px=320)
    return open_detector(config, (320, 640))


def two_cameras_across() -> tuple[LineCalibration, LineCalibration]:
    """Return two cameras side by side over the belt; both see the middle 200 mm of it."""
    left, right = (
        nominal_calibration(
            camera_id=name,
            belt_id=CALIBRATION.belt_id,
            image_width_px=640,
            image_height_px=640,
            belt_width_mm=1000.0,
            mm_per_tick=MM_PER_TICK,
            seen_mm=600.0,
            left_mm=left_mm,
        )
        for name, left_mm in (("left", 0.0), ("right", 400.0))
    )
    return left, right


class ExposureReader:
    """A network that finds an item where it lay when the picture in hand was exposed."""

    bundle_id = "seeing"

    def __init__(
        self, plant: "RealTimePlc", items: list[LyingItem], calibration: LineCalibration
    ) -> None:
        self._plant, self.items, self._calibration = plant, items, calibration

    def detect(self, image: npt.NDArray[np.uint8]) -> Detections:
        exposed_ns = MonotonicNs(int.from_bytes(image.reshape(-1)[:8].tobytes()))
        travel_mm = self._plant.drive.fractional_tick(exposed_ns) * MM_PER_TICK
        return detections(self.items, stamp(1, travel_mm=travel_mm), self._calibration)


class SeeingDetector:
    """A network that finds an item wherever it lies at this moment."""

    bundle_id = "seeing"

    def __init__(self, plant: "RealTimePlc", items: list[LyingItem]) -> None:
        self._plant, self.items = plant, items

    def detect(self, image: npt.NDArray[np.uint8]) -> Detections:
        travel_mm = self._plant.drive.fractional_tick(CLOCK.now_ns()) * MM_PER_TICK
        return detections(self.items, stamp(1, travel_mm=travel_mm))


class RealTimePlc:
    """A soft PLC in this process by the real clock, scanned whenever it is asked something."""

    def __init__(self) -> None:
        patience = {"heartbeat_timeout_ms": 1500, "late_tolerance_tick": 400}
        config = PLC_CONFIG.model_copy(update=patience)
        self.plc = SoftPlc(config, boot_number=3)
        self.drive = BeltDrive(
            config=QUICK_BELT, mm_per_tick=MM_PER_TICK, seed=1, start_ns=CLOCK.now_ns()
        )
        self.link = in_process_link(
            self.plc,
            clock=CLOCK,
            scan=self._scan,
            heartbeat_timeout_ms=1500,
            max_ticks_per_s=2 * MAX_TICKS_PER_S,
        )

    def _scan(self) -> None:
        now_ns = CLOCK.now_ns()
        output = self.plc.scan(self.drive.tick(now_ns), now_ns)
        if output.belt is not None:
            self.drive.command(run=output.belt.run, at_ns=output.belt.at_ns)
