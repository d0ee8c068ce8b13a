"""One test shot of one valve, as the sensor beside the bar saw it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveShot:
    """What one test pulse did.

    Attributes:
        open_ms: how long the output was on.
        response_ms: from switching on until the sensor had answered, None if it never did.
        end_ms: from switching on until the answer was greatest, None if there was none.
        answer: how great it was: fall of the air pressure in kPa, or share of the test strip that
            the camera saw move.
        supply_kpa: air pressure before it; 0 where a camera looked.
    """

    open_ms: float
    response_ms: float | None
    end_ms: float | None
    answer: float
    supply_kpa: float
