"""Stretches of time, OEE and Pareto: from snapshots through the store to figures."""

import itertools
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.snapshot import AlarmKind, LineSnapshot
from controller.states import LineMode, LineState
from telemetry.effectiveness.figures import effectiveness, pareto
from telemetry.effectiveness.reasons import shipped_reasons
from telemetry.effectiveness.state_book import StateBook
from telemetry.effectiveness.types import Production, Stretch, StretchKind, TimeCategory
from telemetry.errors import StoreError, StoreVersionError
from telemetry.signal_schema import open_signals
from telemetry.signal_store import SignalStore
from tests.support.telemetry_line import RecordSource
from tests.support.wall_time import START, MovedTime

REASONS = shipped_reasons()


class Watched:
    """A line whose state, items and time a test sets."""

    def __init__(self) -> None:
        self.time = MovedTime()
        self.book = StateBook(clock=self.time, utc=self.time.utc)
        self.snapshot: LineSnapshot | None = RecordSource("s1").snapshot(0)
        self.alarm: AlarmKind | None = None
        self._seen = 0

    def run(
        self, seconds: int, *, state: LineState = LineState.EXECUTE, items: bool = True
    ) -> None:
        for _ in range(seconds):
            self._seen += items
            snapshot = RecordSource("s1").snapshot(0)
            self.snapshot = replace(
                snapshot,
                state=state,
                state_reason="no fresh camera frames; waiting: belt to stop",
                totals=replace(snapshot.totals, seen=self._seen),
            )
            self.look()
            self.time.pass_s(1)

    def look(self) -> None:
        self.book.observe(self.snapshot, first_out=lambda: self.alarm)

    def stretches(self) -> tuple[Stretch, ...]:
        self.book.close()
        return self.book.take_changes()


def figures_of(stretches: tuple[Stretch, ...], production: Production, end: datetime):  # type: ignore[no-untyped-def]
    return effectiveness(
        stretches, production, start=START, end=end, rated_t_per_h=1.0, reasons=REASONS
    )


def test_time_is_told_apart_without_a_gap() -> None:
    line = Watched()
    line.run(100)
    line.run(40, items=False)
    line.run(60)
    line.alarm = AlarmKind.CAMERA_LOST
    line.run(30, state=LineState.HELD)
    stretches = line.stretches()
    kinds = [(s.kind, round(s.duration_s)) for s in stretches]
    assert kinds == [
        (StretchKind.PRODUCING, 99),
        (StretchKind.STARVED, 41),
        (StretchKind.PRODUCING, 60),
        (StretchKind.STOPPED, 30),
    ]
    for earlier, later in itertools.pairwise(stretches):
        assert earlier.ended_at == later.started_at
    assert stretches[-1].cause == "no fresh camera frames"
    assert stretches[-1].alarm is AlarmKind.CAMERA_LOST


def test_a_line_that_does_not_answer_is_observed_as_nothing() -> None:
    line = Watched()
    line.run(10)
    line.snapshot = None
    line.look()
    line.time.pass_s(50)
    line.run(10)
    figures = figures_of(line.stretches(), Production(), line.time.now())
    assert figures.observed_s == pytest.approx(20)
    assert figures.unobserved_s == pytest.approx(50)


def test_a_stepped_wall_clock_changes_no_sum_and_no_number_twice() -> None:
    line = Watched()
    line.run(30)
    line.time.step_wall(-3600)
    line.run(30, state=LineState.HELD)
    line.run(30)
    stretches = line.stretches()
    assert sum(s.duration_s for s in stretches) == pytest.approx(90)
    assert len({s.stretch_id for s in stretches}) == 3


def test_oee_follows_the_standard_by_hand() -> None:
    """8 h shift: 30 min break, 30 min starved, 1 h fault; 4.8 t at 1 t/h rated, 95 % good."""
    parts = ((6.0, "producing", ""), (0.5, "stopped", "break"), (0.5, "starved", ""))
    stretches = _day((*parts, (1.0, "stopped", "")))
    made = Production(items=1000, mass_kg=4800, good_items=950, good_mass_kg=4560)
    figures = figures_of(stretches, made, START + timedelta(hours=8))
    assert figures.planned_busy_s == 7.5 * 3600
    assert figures.availability == pytest.approx(6 / 7.5)
    assert figures.technical_availability == pytest.approx(6.5 / 7.5)
    assert figures.performance == pytest.approx(0.8)
    assert figures.quality == pytest.approx(0.95)
    assert figures.oee == pytest.approx(0.8 * 0.8 * 0.95)
    assert figures.seconds[TimeCategory.STARVED] == 1800
    assert figures.seconds[TimeCategory.BLOCKED] == 0
    assert figures.why_not == ""


def test_a_ratio_that_cannot_be_told_says_why() -> None:
    empty = figures_of((), Production(), START + timedelta(hours=8))
    assert (empty.availability, empty.oee) == (None, None)
    assert "no planned busy time" in empty.why_not
    figures = effectiveness(
        _day(((1.0, "producing", ""),)),
        Production(mass_kg=1.0, good_mass_kg=1.0),
        start=START,
        end=START + timedelta(hours=1),
        rated_t_per_h=None,
        reasons=REASONS,
    )
    assert figures.performance is None
    assert "accounts.equipment.rated_t_per_h" in figures.why_not


def test_pareto_counts_only_lost_time_largest_first() -> None:
    day = (
        (6.0, "producing", ""),
        (0.5, "stopped", "break"),
        (0.5, "stopped", "baler"),
        (0.2, "starved", ""),
        (0.3, "stopped", "baler"),
        (0.1, "stopped", ""),
    )
    rows = pareto(_day(day), start=START, end=START + timedelta(hours=8), reasons=REASONS)
    assert [(row.code, row.stops) for row in rows] == [
        ("baler", 2),
        ("starved", 1),
        ("alarm:camera_lost", 1),
    ]
    assert rows[0].category is TimeCategory.BLOCKED
    assert rows[-1].cumulative_share == pytest.approx(1.0)


def test_a_period_takes_only_its_part_of_a_stretch() -> None:
    figures = figures_of(_day(((6.0, "producing", ""),)), Production(), START + timedelta(hours=2))
    assert figures.seconds[TimeCategory.PRODUCING] == pytest.approx(7200)


def test_the_store_keeps_stretches_and_reasons_over_a_kill(tmp_path: Path) -> None:
    line = Watched()
    line.run(10)
    line.run(25, state=LineState.HELD)
    path = tmp_path / "x.signals.sqlite"
    with closing(SignalStore(path)) as store:
        store.write(None, line.book.take_changes())
        held = store.stretches(start=START, end=START + timedelta(days=1))[-1]
        assert held.ended_at is None
        named = store.enter_reason(
            held.stretch_id, reason="line_jam", operator="Aigul", at=START, note="film"
        )
        assert named is not None
        line.run(10, state=LineState.HELD)
        store.write(None, line.book.take_changes())
    with closing(SignalStore(path)) as store:
        store.close_open_stretches()
        kept = store.stretches(start=START, end=START + timedelta(days=1))[-1]
    assert (kept.reason, kept.reason_by, kept.note) == ("line_jam", "Aigul", "film")
    assert kept.ended_at is not None
    assert 20 <= kept.duration_s <= 36


def test_production_time_takes_no_downtime_reason(tmp_path: Path) -> None:
    line = Watched()
    line.run(3)
    with closing(SignalStore(tmp_path / "x.sqlite")) as store:
        (only,) = line.stretches()
        store.write(None, (only,))
        assert (
            store.enter_reason(only.stretch_id, reason="baler", operator="A", at=START, note="")
            is None
        )


def test_a_signal_store_of_another_kind_or_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with closing(open_signals(path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreVersionError, match="schema 99"):
        SignalStore(path)
    (tmp_path / "text.sqlite").write_text("not a database at all, " * 100)
    with pytest.raises(StoreError, match="move it away"):
        SignalStore(tmp_path / "text.sqlite")


def _day(parts: tuple[tuple[float, str, str], ...]) -> tuple[Stretch, ...]:
    stretches, at = [], START
    for number, (hours, kind, reason) in enumerate(parts):
        end = at + timedelta(hours=hours)
        stopped = kind == "stopped"
        stretches.append(
            Stretch(
                stretch_id=number,
                kind=StretchKind(kind),
                started_at=at,
                ended_at=end,
                duration_s=hours * 3600,
                state=LineState.HELD if stopped else LineState.EXECUTE,
                mode=LineMode.PRODUCTION,
                cause="",
                alarm=AlarmKind.CAMERA_LOST if stopped else None,
                reason=reason,
            )
        )
        at = end
    return tuple(stretches)
