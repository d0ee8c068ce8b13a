"""What the firing process is told when it starts, and what is said across its pipe."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from calibration.section import Section
from plc.config import DirectConfig
from plc.direct.precision import Precision
from plc.encoders.config import EncoderConfig
from plc.types import EjectionCommand, EjectionReport, PlcRequest, PlcStatus


class DirectSetup(Section):
    """Remote I/O, encoder and the limits that a PLC program would keep."""

    device: DirectConfig
    encoder: EncoderConfig
    valve_counts: tuple[int, ...]
    """Of each station."""
    pitch_mm: float = Field(gt=0)
    """Smallest nozzle pitch of all stations."""
    mm_per_tick: float = Field(gt=0)
    speed_mm_per_s: float = Field(gt=0)
    """Fastest the belt is meant to run."""
    min_open_tick: int = Field(ge=1)
    max_open_tick: int = Field(ge=1)

    @property
    def half_pitch_tick(self) -> int:
        """Half a nozzle pitch of belt travel: a pulse later than this is refused."""
        return max(1, int(self.pitch_mm / 2 / self.mm_per_tick))


class Trouble(StrEnum):
    """Why the firing process cannot do what is asked; chooses the error raised in the line."""

    LINK = "link"
    FAULT = "fault"
    ENCODER = "encoder"
    TOO_SLOW = "too_slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The line's sign of life with what it asks."""

    request: PlcRequest
    commands: tuple[EjectionCommand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The firing process has measured its precision and takes turns."""

    precision: Precision
    real_time: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """There is trouble; the reports that exist come all the same.

    Attributes:
        trouble: which kind.
        words: what happened and what to do.
        encoder_fault: value of the `EncoderFault`, for trouble with the encoder.
        reports: pulse reports not sent before.
    """

    trouble: Trouble
    words: str
    encoder_fault: str = ""
    reports: tuple[EjectionReport, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Answer to a turn."""

    status: PlcStatus
    reports: tuple[EjectionReport, ...]


Answer = Ready | Failed | Condition
