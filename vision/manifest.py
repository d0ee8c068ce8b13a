"""The manifest of a model bundle: what the network is, how to feed it, how far to trust it."""

from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator

from vision.score_calibration import ScoreCalibration
from vision.types import Fraction

MANIFEST_FILE: Final = "manifest.json"
STRIDE_PX: Final = 32
"""Coarsest feature stride of the supported network families; input sides are multiples of it."""

Score = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkSpec(_Part):
    """The network file and its identity."""

    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """File name inside the bundle folder; no path."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    family: str = Field(min_length=1)
    """Architecture, for people and for the side-by-side benchmark."""
    stride: Literal[32] = 32
    """Input height and width are multiples of this, px."""


class InputSpec(_Part):
    """How an image becomes the network's input tensor (1, 3, height, width) float32."""

    long_side_px: int = Field(ge=STRIDE_PX, le=4096, multiple_of=STRIDE_PX)
    """Long side at training; the default at run time."""
    colour: Literal["rgb", "bgr"]
    """Channel order that the network expects."""
    scale: float = Field(gt=0)
    """Factor from 0..255 to the network's range."""
    fill: int = Field(ge=0, le=255)
    """Grey level of the letterbox border, before scaling."""


class DecodeSpec(_Part):
    """How the network's output becomes boxes."""

    layout: Literal["cxcywh_scores"]
    """float32 (1, 4 + classes, n): centre, width and height in input px, then class scores 0..1."""
    needs_nms: bool
    """True if several boxes per item come out and overlapping ones must be suppressed."""
    nms_iou: float = Field(default=0.6, gt=0, le=1)
    """Intersection over union from which the lower-scored of two boxes is dropped."""


class BundleManifest(_Part):
    """Content of `manifest.json`, format 1. The exporter writes it, the runtime checks it."""

    format: Literal[1]
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)
    created_at_utc: AwareDatetime
    licence: str = Field(min_length=1)
    """SPDX identifier of the weights' licence."""
    classes: tuple[Fraction, ...] = Field(min_length=1)
    """Fractions in the order of the network's score rows; each at most once."""
    network: NetworkSpec
    input: InputSpec
    decode: DecodeSpec
    thresholds: dict[Fraction, Score]
    """Score from which a box of a class counts; one for each class, chosen on validation data."""
    calibration: ScoreCalibration | None = None
    """What the scores are worth as probabilities, measured on validation data; absent: as given."""
    training: dict[str, JsonValue]
    """Sources, licences, effort and seed; for the model card, not read by the line."""
    metrics: dict[str, JsonValue]
    """Measured on the exported network; for the model card, not read by the line."""

    @model_validator(mode="after")
    def _classes_and_thresholds_agree(self) -> Self:
        twice = sorted({c.value for c in self.classes if self.classes.count(c) > 1})
        if twice:
            msg = f"class named twice: {', '.join(twice)}"
            raise ValueError(msg)
        if set(self.thresholds) != set(self.classes):
            msg = "thresholds must name exactly the classes"
            raise ValueError(msg)
        return self
