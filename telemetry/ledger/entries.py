"""What a ledger entry says: received, sorted, taken off, left over, sent away, counted, corrected.

Masses are whole grams, so that books close exactly.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from telemetry.ledger.handling import Handling
from telemetry.ledger.sampling import Audit, Naming
from vision.types import Fraction


class MassMethod(StrEnum):
    """How a mass was found. Only a scale weighs; everything else is an estimate."""

    WEIGHBRIDGE = "weighbridge"
    BELT_SCALE = "belt_scale"
    PLATFORM_SCALE = "platform_scale"
    VISION = "vision"
    MEAN_ITEM_MASS = "mean_item_mass"
    BALANCE = "balance"
    DECLARED = "declared"

    @property
    def weighed(self) -> bool:
        """Whether a scale stands behind it."""
        return self in (
            MassMethod.WEIGHBRIDGE,
            MassMethod.BELT_SCALE,
            MassMethod.PLATFORM_SCALE,
        )


class Action(StrEnum):
    """What a revision does to its uid."""

    INSERT = "INSERT"
    EDIT = "EDIT"
    CANCEL = "CANCEL"


class Operation(StrEnum):
    """Where something goes that leaves the plant."""

    RECYCLING = "recycling"
    UTILISATION = "utilisation"
    ENERGY_RECOVERY = "energy_recovery"
    HAZARDOUS_TREATMENT = "hazardous_treatment"
    LANDFILL = "landfill"
    OTHER_FACILITY = "other_facility"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mass:
    """A mass with how it was found.

    Attributes:
        mass_g: grams, as received (no correction for moisture).
        method: how it was found.
        source: scale, ticket or model bundle it comes from.
        low_g: lower end of its interval, None where none is known.
        high_g: upper end.
        level: of the interval, e.g. 0.95; None without one.
        invalid_g: part of it that was estimated where items lay on one another more than the
            overlap index allows (`vision/overlap_index.py`): it is booked, and cannot be relied on.
    """

    mass_g: int
    method: MassMethod
    source: str = ""
    low_g: int | None = None
    high_g: int | None = None
    level: float | None = None
    invalid_g: int = 0

    @property
    def is_estimate(self) -> bool:
        """Whether no scale stands behind it."""
        return not self.method.weighed


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """The first row of a chain: whose ledger it is."""

    kind: Literal["genesis"] = "genesis"
    bin: str
    facility_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftOpened:
    """A shift began; entries are booked to it from now on."""

    kind: Literal["shift_opened"] = "shift_opened"
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftClosed:
    """What the equipment did in a shift.

    Attributes:
        rated_kg_per_h: rated capacity of the installed equipment.
        hours_planned: time it was meant to run.
        hours_run: time it ran.
        processed: what it processed.
    """

    kind: Literal["shift_closed"] = "shift_closed"
    rated_kg_per_h: int
    hours_planned: float
    hours_run: float
    processed: Mass


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Waste that came in."""

    kind: Literal["received"] = "received"
    code: str
    mass: Mass
    supplier: str = ""
    vehicle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """What went over the belt by its own scale, where a weighbridge books what came in."""

    kind: Literal["processed"] = "processed"
    mass: Mass


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A fraction that left the line into a bin; it is in stock until dispatched.

    Attributes:
        fraction: as the line names it.
        bin: where it lies.
        items: counted by the line, None where nobody counted.
    """

    kind: Literal["product"] = "product"
    fraction: Fraction
    bin: str
    code: str
    mass: Mass
    items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """What stayed on the belt.

    Attributes:
        pending_review: an unresolved lamp or battery event: whether it is the hazardous mirror
            entry is for a person to decide.
        items: counted by the line.
    """

    kind: Literal["residue"] = "residue"
    code: str
    mass: Mass
    pending_review: bool = False
    items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One hazardous item taken off by hand.

    Attributes:
        what: kind of item: mercury_lamp, battery, ...
        hazardous: by the code table on that day.
        item: the line's own record of it (session and track), empty if a person found it.
        mass: None if it was not weighed.
        intact: None if nobody said.
        container: it was put into.
        passport_ref: pointer to the plant's hazardous waste passport; never made here.
        by: who took it off.
    """

    kind: Literal["removal"] = "removal"
    what: str
    code: str
    hazardous: bool
    item: str = ""
    mass: Mass | None = None
    intact: bool | None = None
    container: str = ""
    passport_ref: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Something that left the plant, out of stock."""

    kind: Literal["dispatch"] = "dispatch"
    code: str
    mass: Mass
    operation: Operation
    destination: str
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCount:
    """Stock of one code as a person found it; from here on the books start from this."""

    kind: Literal["stock_count"] = "stock_count"
    code: str
    mass: Mass
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AirSummary:
    """One air channel over a stretch of a shift."""

    kind: Literal["air"] = "air"
    channel: str
    unit: str
    start: datetime
    end: datetime
    samples: int
    lowest: float
    mean: float
    highest: float
    limit: float | None = None
    over_limit_s: float = 0.0


Body = (
    Genesis
    | ShiftOpened
    | ShiftClosed
    | Received
    | Processed
    | Product
    | Residue
    | Removal
    | Dispatch
    | StockCount
    | AirSummary
    | Audit
    | Naming
    | Handling
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One revision of one uid.

    Attributes:
        uid: names the thing booked, for ever: `weighbridge:T-1047`.
        revision: 1 first, then one more each time.
        action: INSERT with revision 1; EDIT replaces, CANCEL voids what stood.
        reason: why it was corrected; empty for an INSERT.
        at: when it happened, with offset.
        shift: id of the shift it is booked to; empty where the day alone matters.
        batch: lot or delivery, empty if none.
        body: what stands from now on; for CANCEL, what is voided.
    """

    uid: str
    revision: int = 1
    action: Action = Action.INSERT
    reason: str = ""
    at: datetime
    shift: str = ""
    batch: str = ""
    body: Annotated[Body, Field(discriminator="kind")]


ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)
