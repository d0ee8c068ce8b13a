"""What may be asked of the JSON API. Unknown parameters are refused."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from telemetry.wall import utc_now

LONGEST: Final = timedelta(days=366)
NO_BOUND_SEQ: Final = 2**62
EARLIEST_YEAR: Final = 2000
_Session = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Query(BaseModel):
    """Base of all queries."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoQuery(Query):
    """Nothing may be asked."""


class ItemsQuery(Query):
    """Which stored items."""

    session_id: _Session | None = Field(default=None, description="default: the newest session")
    before_seq: int = Field(
        default=NO_BOUND_SEQ, ge=1, le=NO_BOUND_SEQ, description="records numbered below this"
    )
    limit: int = Field(default=100, ge=1, le=1000)


class PeriodQuery(Query):
    """A period of at most 366 days, the last 24 hours unless told."""

    start: AwareDatetime | None = Field(default=None, description="default: 24 h before the end")
    end: AwareDatetime | None = Field(default=None, description="default: now; not included")

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        for instant in (self.start, self.end):
            if instant is not None and not EARLIEST_YEAR <= instant.year < 2 * EARLIEST_YEAR:
                msg = f"years from {EARLIEST_YEAR} on are known"
                raise ValueError(msg)
        start, end = self.bounds()
        if not timedelta() < end - start <= LONGEST:
            msg = f"end must follow start by at most {LONGEST.days} days"
            raise ValueError(msg)
        return self

    def bounds(self) -> tuple[datetime, datetime]:
        """Return start and end."""
        end = self.end or utc_now()
        return self.start or end - timedelta(days=1), end


class JournalQuery(PeriodQuery):
    """Which part of the alarm journal."""

    limit: int = Field(default=1000, ge=1, le=10_000)


class ShiftsQuery(Query):
    """How many days back."""

    days: int = Field(default=2, ge=1, le=31, description="local days, today included")


class LanguageQuery(Query):
    """In which language."""

    language: Literal["kk", "ru", "en"] = "en"
