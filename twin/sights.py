"""What lockstep runs see: the truth itself, the rendered camera, or somebody's recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calibration.units import NS_PER_S, MonotonicNs
from twin.optics import Renderer
from twin.perfect_detector import PerfectDetector
from twin.world import World
from vision.errors import EndOfStreamError
from vision.ports import Camera, Detector
from vision.types import FRACTIONS, Detections, Frame

RENDER_MARGIN_MM = 50.0
"""Drawn beyond the nominal view: the image shows a little more than belt and view."""

_RECORDING_WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One exposed frame with what was found in it.

    Attributes:
        seq: frame number.
        exposed_ns: middle of the exposure, virtual time.
        image: the frame, None where nothing was drawn.
        detections: found in it.
        more: what cameras beside the first one saw at the same instant, in their order.
    """

    seq: int
    exposed_ns: MonotonicNs
    image: npt.NDArray[np.uint8] | None
    detections: Detections
    more: tuple[Detections, ...] = ()


class Sight(Protocol):
    """Camera and detector of a lockstep run. One thread; nothing waits."""

    @property
    def bundle_id(self) -> str:
        """Name of what names the items, as written into records."""
        ...

    @property
    def ended(self) -> bool:
        """Whether nothing new will come into view; frames still come."""
        ...

    def next_ns(self) -> MonotonicNs:
        """Return the instant of the next exposure."""
        ...

    def look(self) -> Sighting:
        """Expose the next frame; the world stands at `next_ns`."""
        ...

    def begin(self, now_ns: MonotonicNs) -> None:
        """The belt runs and the line sorts from now on. Idempotent."""
        ...


class _Metronome:
    """Exposure times of a free-running camera."""

    def __init__(self, *, start_ns: MonotonicNs, frames_per_s: float) -> None:
        self._start_ns, self._frames_per_s, self._count = start_ns, frames_per_s, 0

    def next_ns(self) -> MonotonicNs:
        beat_ns = round(self._count * NS_PER_S / self._frames_per_s)
        return MonotonicNs(self._start_ns + beat_ns)

    def tick(self) -> tuple[int, MonotonicNs]:
        at_ns = self.next_ns()
        self._count += 1
        return self._count, at_ns


class TrueSight:
    """Reads the items off the world: the perfect detector, no image."""

    def __init__(
        self,
        *,
        detector: PerfectDetector,
        start_ns: MonotonicNs,
        frames_per_s: float,
        more: Sequence[PerfectDetector] = (),
    ) -> None:
        """Start the cameras' beat at `start_ns`; `more` are those beside the first one."""
        self._detector, self._more = detector, tuple(more)
        self._beat = _Metronome(start_ns=start_ns, frames_per_s=frames_per_s)

    @property
    def bundle_id(self) -> str:
        """Name of the perfect detector."""
        return self._detector.bundle_id

    @property
    def ended(self) -> bool:
        """Return False: the world knows when it is empty, the camera does not."""
        return False

    def next_ns(self) -> MonotonicNs:
        """Return the instant of the next exposure."""
        return self._beat.next_ns()

    def look(self) -> Sighting:
        """Return the items in view."""
        seq, at_ns = self._beat.tick()
        detections = self._detector.detect_now()
        return Sighting(
            seq=seq,
            exposed_ns=at_ns,
            image=None,
            detections=detections,
            more=tuple(beside.detect_now() for beside in self._more),
        )

    def begin(self, now_ns: MonotonicNs) -> None:
        """Nothing to do: the twin's camera runs all the time."""


class RenderedSight:
    """Draws the world and asks a detector what it sees."""

    def __init__(
        self,
        *,
        world: World,
        renderer: Renderer,
        detector: Detector,
        start_ns: MonotonicNs,
        frames_per_s: float,
        more: Sequence[Renderer] = (),
    ) -> None:
        """Start the cameras' beat at `start_ns`; `more` draws for those beside the first one."""
        self._world, self._renderer, self._detector = world, renderer, detector
        self._more = tuple(more)
        self._beat = _Metronome(start_ns=start_ns, frames_per_s=frames_per_s)
        self._reach_mm = world.config.camera.view_length_mm / 2 + RENDER_MARGIN_MM
        self._scene: tuple[float, int, int] | None = None
        self._seen: tuple[tuple[npt.NDArray[np.uint8], Detections], ...] = ()

    @property
    def bundle_id(self) -> str:
        """Name of the detector's bundle."""
        return self._detector.bundle_id

    @property
    def ended(self) -> bool:
        """Return False: the world knows when it is empty, the camera does not."""
        return False

    def next_ns(self) -> MonotonicNs:
        """Return the instant of the next exposure."""
        return self._beat.next_ns()

    def look(self) -> Sighting:
        """Draw the belt and detect; a belt that stands as it stood is drawn once."""
        seq, at_ns = self._beat.tick()
        world = self._world
        scene = (world.travel_mm, world.fed, world.bins.items)
        if not self._seen or scene != self._scene:
            drawers = (self._renderer, *self._more)
            self._scene = scene
            self._seen = tuple(self._draw(drawer, seq) for drawer in drawers)
        (image, detections), *beside = self._seen
        return Sighting(
            seq=seq,
            exposed_ns=at_ns,
            image=image,
            detections=detections,
            more=tuple(found for _, found in beside),
        )

    def _draw(self, renderer: Renderer, seq: int) -> tuple[npt.NDArray[np.uint8], Detections]:
        image = renderer.render(
            self._world.items_between(-self._reach_mm, self._reach_mm),
            travel_mm=self._world.travel_mm,
            speed_mm_per_s=self._world.speed_mm_per_s,
            seq=seq,
        )
        return image, self._detector.detect(image)

    def begin(self, now_ns: MonotonicNs) -> None:
        """Nothing to do: the twin's camera runs all the time."""


class RecordedSight:
    """Plays frames of a camera, a video or a folder; an empty view before and after.

    The frames keep their distances in time: the first one counts as exposed when the line began.
    """

    def __init__(
        self, *, camera: Camera, detector: Detector, start_ns: MonotonicNs, frames_per_s: float
    ) -> None:
        """Read the first frame.

        Args:
            camera: opened by its owner, unpaced where it can be.
            detector: asked about every frame.
            start_ns: from when on the empty view is shown.
            frames_per_s: of the empty view.

        Raises:
            vision.errors.CameraError: there is no first frame.
        """
        self._camera, self._detector = camera, detector
        first = camera.read(_RECORDING_WAIT_S)
        self._ahead: Frame | None = first
        self._recorded_from_ns = first.exposed_ns
        self._blank = np.zeros_like(first.image)
        self._blank.setflags(write=False)
        self._period_ns = round(NS_PER_S / frames_per_s)
        self._begun_ns: MonotonicNs | None = None
        self._seq, self._next_ns = 0, start_ns

    @property
    def bundle_id(self) -> str:
        """Name of the detector's bundle."""
        return self._detector.bundle_id

    @property
    def ended(self) -> bool:
        """Whether the recording is over."""
        return self._ahead is None

    def next_ns(self) -> MonotonicNs:
        """Return the instant of the next exposure."""
        return self._next_ns

    def look(self) -> Sighting:
        """Return the next frame with what the detector finds in it."""
        self._seq += 1
        at_ns, frame = self._next_ns, self._ahead
        self._next_ns = MonotonicNs(at_ns + self._period_ns)
        if self._begun_ns is None or frame is None:
            return Sighting(
                seq=self._seq, exposed_ns=at_ns, image=self._blank, detections=_nothing()
            )
        detections = self._detector.detect(frame.image)
        self._ahead = self._read_ahead()
        if self._ahead is not None:
            since_ns = self._ahead.exposed_ns - self._recorded_from_ns
            self._next_ns = MonotonicNs(self._begun_ns + since_ns)
        return Sighting(seq=self._seq, exposed_ns=at_ns, image=frame.image, detections=detections)

    def begin(self, now_ns: MonotonicNs) -> None:
        """Let the recording start with the frame that is due next."""
        if self._begun_ns is None:
            self._begun_ns = self._next_ns = MonotonicNs(max(now_ns, self._next_ns))

    def _read_ahead(self) -> Frame | None:
        try:
            return self._camera.read(_RECORDING_WAIT_S)
        except EndOfStreamError:
            return None


def _nothing() -> Detections:
    return Detections(
        boxes_px=np.empty((0, 4), np.float32),
        scores=np.empty((0, len(FRACTIONS)), np.float32),
    )
