"""What flows from cameras to tracks: frames, detections, located detections, tracks."""

from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from calibration.units import MonotonicNs


class Fraction(StrEnum):
    """Material fractions a line can name; OTHER stays on the belt."""

    PLASTIC = "plastic"
    PAPER = "paper"
    FOOD = "food"
    WEEE = "weee"
    MERCURY_LAMP = "mercury_lamp"
    OTHER = "other"


FRACTIONS: tuple[Fraction, ...] = tuple(Fraction)
"""Order of every class axis inside the program; a bundle's own order is mapped onto it at load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One exposed image.

    Attributes:
        seq: the camera's own running number; gaps are dropped frames.
        exposed_ns: middle of the exposure.
        image: (height, width, 3) uint8, BGR, read-only, raw image frame.
    """

    seq: int
    exposed_ns: MonotonicNs
    image: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraLosses:
    """Frames that a device exposed and that never became an image, counted since it was opened.

    Attributes:
        incomplete: arrived with parts missing (lost packets).
        starved: found no free buffer in this computer.
    """

    incomplete: int = 0
    starved: int = 0

    def __add__(self, other: "CameraLosses") -> "CameraLosses":
        """Return both together."""
        return CameraLosses(
            incomplete=self.incomplete + other.incomplete, starved=self.starved + other.starved
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameStamp:
    """When and where a frame was exposed, without its pixels.

    Attributes:
        seq: the camera's own running number.
        exposed_ns: middle of the exposure.
        tick: belt tick at that instant, fractional, 64-bit extended.
    """

    seq: int
    exposed_ns: MonotonicNs
    tick: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """Items found in one frame, struct of arrays over n boxes.

    Attributes:
        boxes_px: (n, 4) float32, [u_min, v_min, u_max, v_max] in raw image px.
        scores: (n, 6) float32, class scores 0..1 in the order of FRACTIONS.
        outlines_px: (n, k, 2) float32 corners of convex outlines in raw image px, None from a
            detector that knows boxes only; an outline of equal corners stands for its box.
        heights_mm: (n,) float32 heights above the belt, NaN where not known, None from a camera
            that does not measure any.
    """

    boxes_px: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    outlines_px: npt.NDArray[np.float32] | None = None
    heights_mm: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ValueError: boxes or scores have the wrong shape or different lengths.
        """
        n = len(self.boxes_px)
        if self.boxes_px.shape != (n, 4) or self.scores.shape != (n, len(FRACTIONS)):
            msg = (
                f"expected boxes (n, 4) and scores (n, {len(FRACTIONS)}), "
                f"got {self.boxes_px.shape} and {self.scores.shape}"
            )
            raise ValueError(msg)
        outlines = self.outlines_px
        if outlines is not None and (
            outlines.ndim != 3 or outlines.shape[0] != n or outlines.shape[2] != 2
        ):
            msg = f"expected outlines ({n}, k, 2), got {outlines.shape}"
            raise ValueError(msg)
        if self.heights_mm is not None and self.heights_mm.shape != (n,):
            msg = f"expected heights ({n},), got {self.heights_mm.shape}"
            raise ValueError(msg)

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.boxes_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedDetections:
    """Detections of one frame on the belt, struct of arrays over n items.

    Attributes:
        x_mm: (n,) lateral centre, machine frame.
        y_mm: (n,) centre along the belt, belt frame (constant for an item lying still).
        width_mm: (n,) lateral extent.
        length_mm: (n,) extent along the belt.
        support_mm: (n, 16) reach of the outline from the centre, see `vision/outline.py`.
        height_mm: (n,) height above the belt, NaN where not known.
        scores: (n, 6) class scores in the order of FRACTIONS.
        cut_upstream: (n,) bool, the view's upstream border cuts the item.
        cut_downstream: (n,) bool, the view's downstream border cuts the item.
        cut_sideways: (n,) bool, the image's left or right border cuts the item.
    """

    x_mm: npt.NDArray[np.float64]
    y_mm: npt.NDArray[np.float64]
    width_mm: npt.NDArray[np.float64]
    length_mm: npt.NDArray[np.float64]
    support_mm: npt.NDArray[np.float64]
    height_mm: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float32]
    cut_upstream: npt.NDArray[np.bool_]
    cut_downstream: npt.NDArray[np.bool_]
    cut_sideways: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.x_mm)

    def chosen(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "LocatedDetections":
        """Return the items that a mask or index array chooses."""
        return LocatedDetections(**{f.name: getattr(self, f.name)[which] for f in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One item followed on the belt, as known at one instant. Ids are never reused.

    Attributes:
        track_id: positive, never reused within a session.
        x_mm: lateral centre, machine frame.
        y_mm: centre along the belt, belt frame, valid at `tick`.
        x_sd_mm: standard deviation of x_mm.
        y_sd_mm: standard deviation of y_mm.
        slip_x_mm_per_s: lateral velocity over the belt.
        slip_y_mm_per_s: velocity over the belt along y (positive: falls behind the belt).
        width_mm: lateral extent.
        length_mm: extent along the belt.
        posterior: (6,) class probabilities in the order of FRACTIONS, fused over all views.
        views: number of detections fused.
        tick: belt tick of the last update, fractional.
        first_seq: camera frame number of the first view.
        last_seq: camera frame number of the last view.
        mass_g: estimated mass.
        mass_sd_g: its standard deviation.
    """

    track_id: int
    x_mm: float
    y_mm: float
    x_sd_mm: float
    y_sd_mm: float
    slip_x_mm_per_s: float
    slip_y_mm_per_s: float
    width_mm: float
    length_mm: float
    posterior: tuple[float, ...]
    views: int
    tick: float
    first_seq: int
    last_seq: int
    mass_g: float
    mass_sd_g: float

    @property
    def fraction(self) -> Fraction:
        """The most probable fraction."""
        return FRACTIONS[self.posterior.index(max(self.posterior))]

    @property
    def confidence(self) -> float:
        """Probability of the most probable fraction."""
        return max(self.posterior)

    def probability(self, fraction: Fraction) -> float:
        """Return the probability that the item is of `fraction`."""
        return self.posterior[FRACTIONS.index(fraction)]
