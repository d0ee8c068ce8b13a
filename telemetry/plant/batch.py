"""Finished items of one session on their way to the plant's database, as a struct of arrays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ITEM_TYPE: Final = np.dtype(
    [
        ("at_us", "i8"),
        ("record_seq", "i8"),
        ("bundle_no", "i4"),
        ("mass_mg", "i4"),
        ("mass_sd_mg", "i4"),
        ("width_mm", "f4"),
        ("length_mm", "f4"),
        ("confidence", "f4"),
        ("fraction", "i2"),
        ("action", "i2"),
        ("reason", "i2"),
        ("station", "i2"),
        ("outcome", "i2"),
    ]
)
"""One row. `at_us`: Unix time in µs; masses in whole mg, so that sums are exact in any order."""

ITEM_COLUMNS: Final = tuple(ITEM_TYPE.names or ())
MASS_MAX_MG: Final = 2**31 - 1
"""Two tonnes: the largest mass a row can hold; nothing heavier lies on a sorting belt."""
US_PER_S: Final = 1_000_000

Rows = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """What the plant's database knows of a session beside its items.

    Attributes:
        line_id: which line.
        session_id: of the line run.
        station_names: in belt order.
        opened_at: when it began.
        account: JSON of the line's SessionAccount when the batch was read; tells of gaps.
        ending: closed, interrupted, or None while open.
    """

    line_id: str
    session_id: str
    station_names: tuple[str, ...]
    opened_at: datetime
    account: str
    ending: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemBatch:
    """Consecutive items of one session.

    Attributes:
        session: whose they are.
        bundle_id: model bundle that named all of them.
        rows: (n,) of ITEM_TYPE, record_seq rising; bundle_no is filled in on arrival.
    """

    session: SessionFacts
    bundle_id: str
    rows: Rows

    def __post_init__(self) -> None:
        """Check type and order.

        Raises:
            ValueError: wrong row type, record numbers that do not rise, or a negative mass.
        """
        if self.rows.dtype != ITEM_TYPE or self.rows.ndim != 1:
            msg = f"rows are {self.rows.dtype}, not the item type"
            raise ValueError(msg)
        if np.any(np.diff(self.rows["record_seq"]) <= 0):
            msg = f"session {self.session.session_id}: record numbers do not rise"
            raise ValueError(msg)
        if len(self.rows) and self.rows["mass_mg"].min() < 0:
            msg = f"session {self.session.session_id}: an item has a negative mass"
            raise ValueError(msg)
