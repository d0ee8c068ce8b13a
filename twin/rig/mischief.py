"""What somebody does wrong on a rig, to see that it is noticed."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(slots=True, kw_only=True)
class Mischief:
    """What somebody does wrong; nothing by default.

    Attributes:
        mirrored: the camera's mirroring is on.
        upside_down: the board lies with its arrow upstream.
        face_down: the board shows its back.
        other_board: another of the project's boards is used.
        covered_share: share of the photograph that something covers.
        strip_missing: the test strip is not laid.
        glare: a lamp is reflected by the board.
        shaking: spread of the blur in px by which the board is not held still.
    """

    mirrored: bool = False
    upside_down: bool = False
    face_down: bool = False
    other_board: bool = False
    covered_share: float = 0.0
    strip_missing: bool = False
    glare: bool = False
    shaking: float = 0.0


class Mishap(StrEnum):
    """What can be tried on the command line, one at a time."""

    MIRRORED = "mirrored"
    UPSIDE_DOWN = "upside-down"
    FACE_DOWN = "face-down"
    OTHER_BOARD = "other-board"
    HALF_VISIBLE = "half-visible"
    BLURRED = "blurred"
    GLARE = "glare"
    BELT_STOPPED = "belt-stopped"
    ENCODER_REVERSED = "encoder-reversed"
    STRIP_MISSING = "strip-missing"

    @property
    def mischief(self) -> Mischief:
        """What somebody does wrong with board, strip or camera."""
        match self:
            case Mishap.HALF_VISIBLE:
                return Mischief(covered_share=0.4)
            case Mishap.BLURRED:
                return Mischief(shaking=1.6)
            case Mishap.BELT_STOPPED | Mishap.ENCODER_REVERSED:
                return Mischief()
        names = {name: name == self.value.replace("-", "_") for name in _SWITCHES}
        return Mischief(**names)


_SWITCHES = ("mirrored", "upside_down", "face_down", "other_board", "strip_missing", "glare")
