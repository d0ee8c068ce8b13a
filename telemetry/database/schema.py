"""What all tables of the plant's database share: the metadata, names of constraints, time."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Dialect, MetaData
from sqlalchemy.types import DateTime, TypeDecorator
from typing_extensions import override

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the plant's database registers here; constraints are named for migrations."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant with time zone UTC: `timestamptz` on PostgreSQL, naive UTC text on SQLite.

    Naive datetimes are refused: what they mean depends on the machine that wrote them.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"{value.isoformat()} has no time zone; give an aware datetime"
            raise ValueError(msg)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)
