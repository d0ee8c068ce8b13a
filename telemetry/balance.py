"""The mass-balance arithmetic of one session: stored rows + gaps = the line's running totals."""

from dataclasses import dataclass, replace
from enum import StrEnum

from controller.types import ItemOutcome, ItemRecord, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Finished items by outcome.

    Attributes:
        ejected: by station index.
        passed: left on the belt by decision.
        late: refused because the pulse would have come too late.
        blocked: wanted, not fired.
        removed: taken by hand.
    """

    ejected: tuple[int, ...] = ()
    passed: int = 0
    late: int = 0
    blocked: int = 0
    removed: int = 0

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return sum(self.ejected) + self.passed + self.late + self.blocked + self.removed

    @property
    def has_negative(self) -> bool:
        """Whether any part is below zero, which no true count is."""
        return min(*self.ejected, self.passed, self.late, self.blocked, self.removed, 0) < 0

    @property
    def trimmed(self) -> "Counts":
        """The same counts without trailing stations that ejected nothing."""
        stations = self.ejected
        while stations and stations[-1] == 0:
            stations = stations[:-1]
        return replace(self, ejected=stations)

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum, part by part; a missing station counts zero."""
        return self._combined(other, 1)

    def minus(self, other: "Counts") -> "Counts":
        """Return the difference, part by part; parts may become negative."""
        return self._combined(other, -1)

    def _combined(self, other: "Counts", sign: int) -> "Counts":
        size = max(len(self.ejected), len(other.ejected))
        mine = self.ejected + (0,) * (size - len(self.ejected))
        theirs = other.ejected + (0,) * (size - len(other.ejected))
        return Counts(
            ejected=tuple(a + sign * b for a, b in zip(mine, theirs, strict=True)),
            passed=self.passed + sign * other.passed,
            late=self.late + sign * other.late,
            blocked=self.blocked + sign * other.blocked,
            removed=self.removed + sign * other.removed,
        )


def counts_of_totals(totals: Totals) -> Counts:
    """Return the finished part of running totals."""
    return Counts(
        ejected=totals.ejected,
        passed=totals.passed,
        late=totals.late,
        blocked=totals.blocked,
        removed=totals.removed,
    )


def counts_of_outcome(outcome: ItemOutcome, station: int | None, items: int = 1) -> Counts:
    """Return counts of `items` that ended alike; an ejected item without station counts at 0."""
    if outcome is ItemOutcome.EJECTED:
        return Counts(ejected=(0,) * (station or 0) + (items,))
    return Counts(
        passed=items * (outcome is ItemOutcome.PASSED),
        late=items * (outcome is ItemOutcome.LATE),
        blocked=items * (outcome is ItemOutcome.BLOCKED),
        removed=items * (outcome is ItemOutcome.REMOVED),
    )


class GapKind(StrEnum):
    """Why items are known to the totals without a row of their own."""

    DROPPED = "dropped"
    """Records the line could not hand over; their outcomes follow from the totals around them."""
    UNSTORED = "unstored"
    """Finished before the session ended, but their records never arrived."""
    INTERRUPTED = "interrupted"
    """In flight when the line was killed; counted as blocked, for nothing confirmed them."""
    UNEXPLAINED = "unexplained"
    """Totals that contradict the numbering; counted as blocked and reported by `verify`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Items without rows.

    Attributes:
        kind: why.
        first_seq: first missing record number; 0 when they never had numbers (interrupted).
        last_seq: last missing record number; 0 likewise.
        counts: what became of them.
    """

    kind: GapKind
    first_seq: int
    last_seq: int
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAccount:
    """One session's books; every change keeps `seen = stored + gaps + in_flight`.

    Attributes:
        last_seq: highest record number accounted for, by a row or a gap.
        seen: items with a decision, as of the last accounted record.
        in_flight: decided and unfinished at that moment.
        stored: finished items with a row.
        gaps: finished items without one.
    """

    last_seq: int = 0
    seen: int = 0
    in_flight: int = 0
    stored: Counts = Counts()
    gaps: Counts = Counts()

    @property
    def closes(self) -> bool:
        """Whether the balance closes."""
        return self.seen == self.stored.total + self.gaps.total + self.in_flight

    def with_record(self, record: ItemRecord) -> tuple["SessionAccount", Gap | None]:
        """Book one record; a hole in the numbering before it becomes a gap.

        Args:
            record: with a record_seq above `last_seq`.

        Returns:
            The new account, and the gap if there was a hole.

        Raises:
            ValueError: the record is already accounted for.
        """
        if record.record_seq <= self.last_seq:
            msg = f"record {record.record_seq} comes after {self.last_seq}"
            raise ValueError(msg)
        own = counts_of_outcome(record.outcome, record.decision.station)
        stored = self.stored.plus(own)
        missing = record.record_seq - self.last_seq - 1
        lost = counts_of_totals(record.totals).minus(stored).minus(self.gaps)
        gap = self._gap(GapKind.DROPPED, missing, lost)
        gaps = self.gaps if gap is None else self.gaps.plus(gap.counts)
        account = SessionAccount(
            last_seq=record.record_seq,
            seen=record.totals.seen,
            in_flight=record.totals.in_flight,
            stored=stored,
            gaps=gaps,
        )
        return account, gap

    def closed(self, reported: Totals | None) -> tuple["SessionAccount", tuple[Gap, ...]]:
        """Close the books by the newest totals the line told of.

        Args:
            reported: those totals; None leaves the ones of the last record.

        Returns:
            The account with nothing in flight, and the gaps that this took.
        """
        account: SessionAccount = self
        made: list[Gap] = []
        if reported is not None and _progress(reported) > self.seen + self._finished:
            lost = counts_of_totals(reported).minus(self.stored).minus(self.gaps)
            gap = self._gap(GapKind.UNSTORED, lost.total, lost)
            account = replace(self, seen=reported.seen, in_flight=reported.in_flight)
            if gap is not None:
                made.append(gap)
                account = replace(account, last_seq=gap.last_seq, gaps=self.gaps.plus(gap.counts))
        if account.in_flight:
            counts = Counts(blocked=account.in_flight)
            made.append(Gap(kind=GapKind.INTERRUPTED, first_seq=0, last_seq=0, counts=counts))
            account = replace(account, in_flight=0, gaps=account.gaps.plus(counts))
        return account, tuple(made)

    @property
    def _finished(self) -> int:
        return self.stored.total + self.gaps.total

    def _gap(self, kind: GapKind, missing: int, lost: Counts) -> Gap | None:
        if missing <= 0:
            return None
        explained = lost.total == missing and not lost.has_negative
        return Gap(
            kind=kind if explained else GapKind.UNEXPLAINED,
            first_seq=self.last_seq + 1,
            last_seq=self.last_seq + missing,
            counts=lost.trimmed if explained else Counts(blocked=missing),
        )


def newest(first: Totals | None, second: Totals | None) -> Totals | None:
    """Return the later of two running totals of one session; totals only grow."""
    if first is None or second is None:
        return first or second
    return second if _progress(second) > _progress(first) else first


def _progress(totals: Totals) -> int:
    return totals.seen + counts_of_totals(totals).total
