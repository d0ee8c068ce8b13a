"""The hash chain: each row carries the hash of the row before; checking finds the row that differs.

Whoever can write the file can also recompute every hash. What protects the whole is an anchor: the
number and hash of a row, kept where that person cannot change it (a filed report, a printed page, a
receiver's receipt).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from telemetry.ledger.canonical import canonical, digest
from telemetry.ledger.entries import ENTRY, Entry

FORMAT: Final = 1
BEFORE_FIRST: Final = "0" * 64
"""What the first row names as the hash before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it is stored: the content that is hashed, and copies of some of it for looking up.

    Attributes:
        seq: 1 for the genesis row, then without gaps.
        kind: of the body.
        uid: of the entry.
        revision: of the entry.
        action: of the entry.
        shift: of the entry.
        day: local day the entry counts for.
        content: canonical JSON of the row, text.
        hash: SHA-256 of the content.
    """

    seq: int
    kind: str
    uid: str
    revision: int
    action: str
    shift: str
    day: date
    content: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A row's number and hash, known from elsewhere.

    Attributes:
        seq: row number.
        hash: its hash.
        source: where it is known from, for messages.
    """

    seq: int
    hash: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that does not hold.

    Attributes:
        seq: number of the row concerned.
        uid: of its entry, empty where there is none.
        what: in words.
    """

    seq: int
    uid: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check found.

    Attributes:
        rows: rows looked at.
        head: the last of them; None of an empty ledger.
        faults: empty if everything holds.
    """

    rows: int
    head: Anchor | None
    faults: tuple[Fault, ...]


def make_row(
    entry: Entry, *, before: Anchor, recorded_at: datetime, back_s: float, day: date
) -> Row:
    """Return the row that follows `before`.

    Args:
        entry: what it says.
        before: the row it follows; number 0 and BEFORE_FIRST for the first.
        recorded_at: wall clock, with offset.
        back_s: by how much that clock stands before the last row's, 0 if it does not.
        day: local day the entry counts for.
    """
    seq = before.seq + 1
    content = canonical(
        {
            "v": FORMAT,
            "seq": seq,
            "prev": before.hash,
            "recorded_at": recorded_at.isoformat(timespec="milliseconds"),
            "clock_back_s": back_s,
            "day": day.isoformat(),
            "entry": as_document(entry),
        }
    )
    return Row(
        seq=seq,
        kind=entry.body.kind,
        uid=entry.uid,
        revision=entry.revision,
        action=entry.action.value,
        shift=entry.shift,
        day=day,
        content=content.decode(),
        hash=digest(content),
    )


def as_document(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON values."""
    document: dict[str, Any] = ENTRY.dump_python(entry, mode="json")
    return document


def entry_of(row: Row) -> Entry:
    """Return the entry a row carries."""
    return ENTRY.validate_python(json.loads(row.content)["entry"])


def same_bytes(one: Entry, other: Entry) -> bool:
    """Return whether two entries would be written as the same bytes, numbers rounded."""
    return canonical(as_document(one)) == canonical(as_document(other))


def recorded_at(row: Row) -> datetime:
    """Return when a row was written, by the wall clock of that moment."""
    return datetime.fromisoformat(json.loads(row.content)["recorded_at"])


def verify_rows(rows: Iterable[Row], anchors: Iterable[Anchor] = ()) -> Verification:
    """Check that no row was changed, deleted, inserted, moved or cut off.

    Args:
        rows: of one chain, ordered by seq.
        anchors: rows known from elsewhere.
    """
    known: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        known.setdefault(anchor.seq, []).append(anchor)
    before = Anchor(seq=0, hash=BEFORE_FIRST)
    faults: list[Fault] = []
    count = 0
    for row in rows:
        count += 1
        faults += _faults(row, before)
        faults += _against(row, known.pop(row.seq, []))
        before = Anchor(seq=row.seq, hash=row.hash)
    faults += _missing(known, before)
    return Verification(rows=count, head=before if count else None, faults=tuple(faults))


def _faults(row: Row, before: Anchor) -> Iterator[Fault]:
    def fault(what: str) -> Fault:
        return Fault(seq=row.seq, uid=row.uid, what=what)

    if row.seq != before.seq + 1:
        first, last = before.seq + 1, row.seq - 1
        gone = f"row {first} is" if first == last else f"rows {first} to {last} are"
        yield Fault(seq=first, uid="", what=f"{gone} missing")
    if digest(row.content.encode()) != row.hash:
        yield fault("its content does not have its hash: the row was changed")
        return
    content = _parsed(row.content)
    if content is None:
        yield fault("its content is not a ledger row")
        return
    if content["seq"] != row.seq:
        yield fault(f"it was written as row {content['seq']}: the row was moved or inserted")
    elif row.seq == before.seq + 1 and content["prev"] != before.hash:
        yield fault(
            f"it does not follow row {before.seq}: that row, or this one, was replaced by another"
        )
    differing = [name for name, value in _copies(content).items() if value != getattr(row, name)]
    if differing:
        yield fault(f"columns {', '.join(differing)} differ from its content: the row was changed")


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        content = json.loads(text)
        entry = content["entry"]
        whole = {"seq", "prev", "day"} <= content.keys()
        return content if whole and {"uid", "revision", "body"} <= entry.keys() else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _copies(content: Mapping[str, Any]) -> dict[str, Any]:
    entry = content["entry"]
    return {
        "kind": entry["body"]["kind"],
        "uid": entry["uid"],
        "revision": entry["revision"],
        "action": entry["action"],
        "shift": entry["shift"],
        "day": date.fromisoformat(content["day"]),
    }


def _against(row: Row, anchors: list[Anchor]) -> Iterator[Fault]:
    for anchor in anchors:
        if anchor.hash != row.hash:
            where = f" of {anchor.source}" if anchor.source else ""
            what = (
                f"it is not the row that the anchor{where} knows: it or a row before was replaced"
            )
            yield Fault(seq=row.seq, uid=row.uid, what=what)


def _missing(known: Mapping[int, list[Anchor]], last: Anchor) -> Iterator[Fault]:
    for seq, anchors in sorted(known.items()):
        if seq > last.seq:
            where = f" of {anchors[0].source}" if anchors[0].source else ""
            what = (
                f"the anchor{where} knows row {seq}, the ledger ends at {last.seq}: rows were cut"
            )
            yield Fault(seq=seq, uid="", what=what)
