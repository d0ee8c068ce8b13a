"""Where things are laid for a calibration."""

from typing import Final

from calibration.board.spec import BoardSpec
from calibration.solve.belt import ReferencePlace

_EDGE_MM: Final = 60.0
"""From the left edge of what is seen of the belt to the pattern: room for the sheet's rim."""


def reference_place(spec: BoardSpec, left_mm: float = 0.0) -> ReferencePlace:
    """Return where the board's pattern begins at the first photograph, unless told otherwise.

    The pattern's upper edge then lies on the camera reference line (s = 0), and the board has half
    a view to ride through.

    Args:
        spec: the board.
        left_mm: where the camera's view of the belt begins, from the belt's left edge.
    """
    return ReferencePlace(x_mm=left_mm + _EDGE_MM, s_mm=-spec.size_mm[1])
