"""Manual samples: someone took a portion of a product, sorted it by hand and weighed the parts."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, SmallInteger, String, Table, select
from sqlalchemy import insert as add

from telemetry.database.engine import Database
from telemetry.database.schema import METADATA, UtcDateTime
from telemetry.errors import DatabaseError
from telemetry.estimates.ratio import block_ratio
from telemetry.estimates.types import Basis, Evidence, NoShare, Share
from telemetry.plant.codes import FRACTION_CODES, FRACTION_OF
from vision.types import FRACTIONS, Fraction

SAMPLES: Final = Table(
    "audit_samples",
    METADATA,
    Column("sample_uid", String(36), primary_key=True),
    Column("line_id", String(200), nullable=False),
    Column("product", SmallInteger, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("entered_at", UtcDateTime, nullable=False),
    Column("author", String(200), nullable=False),
    Column("note", String, nullable=False),
)
"""One portion of one product."""

PARTS: Final = Table(
    "audit_sample_parts",
    METADATA,
    Column("sample_uid", String(36), ForeignKey(SAMPLES.c.sample_uid), primary_key=True),
    Column("fraction", SmallInteger, primary_key=True, autoincrement=False),
    Column("items", Integer, nullable=False),
    Column("mass_mg", BigInteger, nullable=False),
)
"""What was found in it."""

MASS_MAX_G: Final = 2_000_000.0
ITEMS_MAX: Final = 100_000
_MG_PER_G: Final = 1000.0
_MG_PER_KG: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePart:
    """One fraction's part in a portion.

    Attributes:
        fraction: what it is.
        items: how many.
        mass_g: what they weigh together.
    """

    fraction: Fraction
    items: int
    mass_g: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSample:
    """One portion, sorted and weighed.

    Attributes:
        uid: of the sample; entering the same again changes nothing.
        line_id: whose product.
        product: which product it was taken from.
        taken_at: when, with offset; portions of one shift are spread over it.
        author: who sorted it.
        parts: what was in it; a fraction at most once.
        note: for people.
    """

    uid: uuid.UUID
    line_id: str
    product: Fraction
    taken_at: datetime
    author: str
    parts: tuple[SamplePart, ...]
    note: str = ""


def enter_sample(database: Database, sample: ProductSample, *, now: datetime) -> bool:
    """Keep a sample. Returns False if it was entered before.

    Raises:
        DatabaseError: figures that cannot be, a time to come, or a known uid with other content.
    """
    _check(sample, now)
    parts = sorted(
        (
            FRACTION_CODES[part.fraction],
            part.items,
            round(part.mass_g * _MG_PER_G),
        )
        for part in sample.parts
    )
    with database.write() as connection:
        known = connection.execute(
            select(PARTS.c.fraction, PARTS.c["items"], PARTS.c.mass_mg)
            .where(PARTS.c.sample_uid == str(sample.uid))
            .order_by(PARTS.c.fraction)
        ).all()
        if known:
            if [tuple(row) for row in known] != parts:
                msg = f"sample {sample.uid} is known with other content; give it a new uid"
                raise DatabaseError(msg)
            return False
        connection.execute(
            add(SAMPLES).values(
                sample_uid=str(sample.uid),
                line_id=sample.line_id,
                product=FRACTION_CODES[sample.product],
                taken_at=sample.taken_at,
                entered_at=now,
                author=sample.author,
                note=sample.note,
            )
        )
        connection.execute(
            add(PARTS),
            [
                {
                    "sample_uid": str(sample.uid),
                    "fraction": fraction,
                    "items": items,
                    "mass_mg": mass_mg,
                }
                for fraction, items, mass_mg in parts
            ],
        )
    return True


def audited_purity(
    database: Database, line_id: str, product: Fraction, *, first: datetime, last: datetime
) -> Share | NoShare:
    """Estimate a product's purity by mass from the samples taken from `first` until before `last`.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    query = (
        select(SAMPLES.c.sample_uid, SAMPLES.c.taken_at, PARTS.c.fraction, PARTS.c["items"])
        .add_columns(PARTS.c.mass_mg)
        .join_from(SAMPLES, PARTS)
        .where(SAMPLES.c.line_id == line_id, SAMPLES.c.product == FRACTION_CODES[product])
        .where(SAMPLES.c.taken_at >= first, SAMPLES.c.taken_at < last)
        .order_by(SAMPLES.c.taken_at, SAMPLES.c.sample_uid)
    )
    target: dict[str, int] = {}
    whole: dict[str, int] = {}
    n_objects, newest = 0, None
    with database.read() as connection:
        for uid, taken_at, fraction, items, mass_mg in connection.execute(query):
            target[uid] = target.get(uid, 0) + mass_mg * (FRACTION_OF[fraction] is product)
            whole[uid] = whole.get(uid, 0) + mass_mg
            n_objects += items
            newest = taken_at
    if newest is None:
        return NoShare(basis=Basis.MASS, reason=f"no sample of {product.value} was entered")
    return block_ratio(
        list(target.values()),
        list(whole.values()),
        basis=Basis.MASS,
        evidence=Evidence(
            n_blocks=len(whole),
            n_objects=n_objects,
            audited_kg=sum(whole.values()) / _MG_PER_KG,
            audit_date=newest.astimezone(UTC).date(),
        ),
    )


def _check(sample: ProductSample, now: datetime) -> None:
    place = f"sample {sample.uid}"
    if sample.taken_at.tzinfo is None or sample.taken_at > now:
        msg = f"{place}: taken at {sample.taken_at.isoformat()}, which is to come or has no offset"
        raise DatabaseError(msg)
    if not sample.author.strip() or not sample.line_id.strip():
        msg = f"{place} names no author or no line"
        raise DatabaseError(msg)
    fractions = [part.fraction for part in sample.parts]
    if not fractions or len(set(fractions)) < len(fractions) or len(fractions) > len(FRACTIONS):
        msg = f"{place} has no parts, or a fraction twice"
        raise DatabaseError(msg)
    for part in sample.parts:
        # An item has some mass and a mass comes of some item.
        sane = 0 <= part.items <= ITEMS_MAX and 0.0 <= part.mass_g <= MASS_MAX_G
        if not sane or (part.items == 0) != (part.mass_g == 0.0):
            msg = f"{place}: {part.items} items of {part.fraction.value} with {part.mass_g:g} g"
            raise DatabaseError(msg)
