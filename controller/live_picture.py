"""The live picture: a thread that draws and encodes a few frames a second for the page."""

import logging
import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.clock import Clock
from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_S
from controller.ports import LineFeed
from vision.annotate import MarkedTrack, annotate

_log = logging.getLogger(__name__)

PERIOD_NS = NS_PER_S // 5
"""At most five pictures a second: enough for eyes, little for the processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A frame with what is known about the items on it."""

    image: npt.NDArray[np.uint8]
    tick: float
    marked: tuple[MarkedTrack, ...]


class LivePicture:
    """Takes the newest scene when it is due; drawing never holds up the pipeline."""

    def __init__(self, *, calibration: LineCalibration, feed: LineFeed, clock: Clock) -> None:
        self._calibration, self._feed, self._clock = calibration, feed, clock
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._scene: Scene | None = None
        self._next_ns = 0
        self._thread = threading.Thread(target=self._run, name="live-picture", daemon=True)

    def start(self) -> None:
        """Start the thread. Call once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits at most a second. Idempotent."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    @property
    def due(self) -> bool:
        """Whether a new scene is wanted; ask before collecting one."""
        return self._clock.now_ns() >= self._next_ns

    def show(self, scene: Scene) -> None:
        """Hand over a scene. Never blocks."""
        self._next_ns = self._clock.now_ns() + PERIOD_NS
        self._scene = scene
        self._news.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._clock.wait(self._news, 1.0)
            self._news.clear()
            scene, self._scene = self._scene, None
            if scene is None:
                continue
            jpeg = annotate(
                scene.image,
                scene.marked,
                plane=self._calibration.plane,
                travel=self._calibration.travel,
                tick=scene.tick,
            )
            self._feed.publish_picture(jpeg)
