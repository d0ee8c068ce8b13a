import dataclasses

import pytest

from controller.config import FractionRule, RecipeConfig
from controller.pipeline import SortingPipeline
from controller.step import DecidedItem, LineStatus, StepResult
from controller.types import ActionPolicy, DecisionReason
from tests.support.belt_scenes import (
    CALIBRATION,
    LIMITS,
    SPEED_MM_PER_S,
    TICKS_PER_S,
    LyingItem,
    detections,
    recipe,
    station,
    status,
    steady_stamp,
)
from vision.tracker_config import TrackerConfig
from vision.types import Fraction

STATIONS = (station("plastic", 600.0), station("paper", 1100.0))


def two_station_recipe(**changes: object) -> RecipeConfig:
    rules = dict(recipe().fractions)
    rules[Fraction.PAPER] = FractionRule(
        action=ActionPolicy.EJECT, station="paper", min_probability=0.5
    )
    return recipe(fractions=rules, **changes)


class Line:
    """A pipeline fed frame by frame on a belt at constant speed."""

    def __init__(self, items: list[LyingItem], rules: RecipeConfig | None = None) -> None:
        self.items = items
        self.pipeline = SortingPipeline(
            calibration=CALIBRATION,
            stations=STATIONS,
            recipe=rules or two_station_recipe(),
            limits=LIMITS,
            tracker=TrackerConfig(),
        )
        self.results: list[StepResult] = []

    def run(self, first: int, last: int, **changes: float | bool) -> list[DecidedItem]:
        for seq in range(first, last + 1):
            frame = steady_stamp(seq)
            line: LineStatus = status(frame, **changes)
            self.results.append(self.pipeline.step(frame, detections(self.items, frame), line))
        return self.decided

    @property
    def decided(self) -> list[DecidedItem]:
        return [item for result in self.results for item in result.decided]


def entering(x_mm: float = 500.0, **changes: object) -> LyingItem:
    return LyingItem(x_mm=x_mm, y_mm=300.0, **changes)  # type: ignore[arg-type]


def test_an_item_is_decided_once_when_its_leading_edge_leaves_the_view() -> None:
    line = Line([entering()])
    (item,) = line.run(1, 30)
    lead_s_mm = item.track.tick * 0.5 - (item.track.y_mm - item.track.length_mm / 2)
    assert 240.0 <= lead_s_mm < 240.0 + SPEED_MM_PER_S * 0.02
    assert item.decision.action is ActionPolicy.EJECT
    assert item.decision.station == 0
    assert item.decision.reason is DecisionReason.TARGET
    assert item.decision.decided_tick == item.track.tick
    (pulse,) = [p for r in line.results for p in r.planned]
    assert item.pulses == (pulse.command,)
    assert pulse.track_ids == (item.track.track_id,)


def test_each_fraction_leaves_at_its_own_station() -> None:
    line = Line(
        [
            entering(200, fraction=Fraction.PLASTIC),
            entering(500, fraction=Fraction.PAPER),
            entering(800, fraction=Fraction.OTHER),
        ]
    )
    found = {item.decision.fraction: item for item in line.run(1, 15)}
    assert found[Fraction.PLASTIC].decision.station == 0
    assert found[Fraction.PAPER].decision.station == 1
    other = found[Fraction.OTHER].decision
    assert (other.action, other.reason) == (ActionPolicy.PASS, DecisionReason.NOT_TARGET)
    ids = [p.command.pulse_id for r in line.results for p in r.planned]
    assert ids == [1, 2]


def test_nothing_fires_while_the_line_does_not_run_but_everything_is_decided() -> None:
    line = Line([entering(200), entering(500, fraction=Fraction.OTHER)])
    found = {i.decision.fraction: i.decision.reason for i in line.run(1, 20, may_fire=False)}
    assert found == {
        Fraction.PLASTIC: DecisionReason.NOT_RUNNING,
        Fraction.OTHER: DecisionReason.NOT_TARGET,
    }
    assert not any(r.planned for r in line.results)


def test_a_jet_bar_close_to_the_camera_makes_decisions_earlier() -> None:
    near = SortingPipeline(
        calibration=CALIBRATION,
        stations=(station("plastic", 350.0),),
        recipe=recipe(),
        limits=LIMITS,
        tracker=TrackerConfig(),
    )
    line = Line([entering()])
    line.pipeline = near
    (item,) = line.run(1, 30)
    assert item.decision.reason is DecisionReason.TARGET
    assert item.track.tick * 0.5 - item.track.y_mm + item.track.length_mm / 2 < 200.0


def test_an_item_longer_than_the_view_is_decided_when_the_first_bar_can_wait_no_longer() -> None:
    rug = LyingItem(x_mm=500, y_mm=700.0, length_mm=900.0)
    line = Line([rug])
    (item,) = line.run(1, 30)
    lead_s_mm = item.track.tick * 0.5 - (rug.y_mm - rug.length_mm / 2)
    assert 240.0 < lead_s_mm < 600.0
    assert item.decision.reason in (DecisionReason.TARGET, DecisionReason.TOO_HEAVY)


def test_a_lamp_is_reported_as_soon_as_it_is_believed_and_stops_the_line_once() -> None:
    lamp = entering(500, fraction=Fraction.MERCURY_LAMP)
    line = Line([lamp, entering(560, width_mm=40)])
    line.run(1, 4)
    (sighting,) = [t for r in line.results for t in r.hazards]
    assert line.decided == []
    found = {i.decision.fraction: i.decision for i in line.run(5, 40)}
    assert found[Fraction.MERCURY_LAMP].track_id == sighting.track_id
    assert found[Fraction.MERCURY_LAMP].action is ActionPolicy.STOP_AND_ALARM
    assert found[Fraction.MERCURY_LAMP].reason is DecisionReason.HAZARD
    assert found[Fraction.PLASTIC].reason is DecisionReason.NEAR_HAZARD
    assert sum(len(r.hazards) for r in line.results) == 1
    assert not any(r.planned for r in line.results)


def test_a_lamp_once_believed_stays_one_whatever_later_views_say() -> None:
    lamp = entering(500, fraction=Fraction.MERCURY_LAMP)
    line = Line([lamp])
    line.run(1, 4)
    line.items = [dataclasses.replace(lamp, fraction=Fraction.PLASTIC, score=0.99)]
    (item,) = line.run(5, 20)
    assert item.decision.action is ActionPolicy.STOP_AND_ALARM
    assert item.decision.fraction is Fraction.MERCURY_LAMP
    assert item.pulses == ()


def test_a_lamp_that_turns_up_beside_a_pulse_already_sent_is_reported_once() -> None:
    target = entering(500)
    line = Line([target])
    line.run(1, 10)
    (pulse,) = [p.command for r in line.results for p in r.planned]
    lamp = LyingItem(x_mm=500, y_mm=410.0, fraction=Fraction.MERCURY_LAMP)
    line.items = [target, lamp]
    line.run(11, 14)
    conflicts = [c for r in line.results for c in r.conflicts]
    assert [c.pulse_id for c in conflicts] == [pulse.pulse_id]
    assert conflicts[0].track_id == 2


def test_removed_lamps_are_decided_and_gone() -> None:
    lamp = entering(500, fraction=Fraction.MERCURY_LAMP)
    line = Line([lamp, entering(200)])
    line.run(1, 4)
    (removed,) = line.pipeline.hazards_removed()
    assert removed.decision.action is ActionPolicy.STOP_AND_ALARM
    line.items = [entering(200)]
    assert [i.decision.fraction for i in line.run(5, 20)] == [Fraction.PLASTIC]
    assert line.pipeline.hazards_removed() == ()


def test_a_look_alike_left_lying_raises_no_second_alarm_and_is_still_kept_clear_of() -> None:
    lamp = entering(500, fraction=Fraction.MERCURY_LAMP)
    line = Line([lamp, entering(550, width_mm=40)])
    line.run(1, 4)
    assert len(line.pipeline.hazards_removed()) == 1
    (item,) = line.run(5, 25)
    assert item.decision.fraction is Fraction.PLASTIC
    assert item.decision.reason is DecisionReason.NEAR_HAZARD
    assert sum(len(r.hazards) for r in line.results) == 1


def test_a_lamp_already_decided_is_not_decided_again_when_removed() -> None:
    line = Line([entering(500, fraction=Fraction.MERCURY_LAMP)])
    assert len(line.run(1, 12)) == 1
    assert line.pipeline.hazards_removed() == ()


def test_giving_up_decides_everything_that_is_tracked() -> None:
    line = Line([entering(200), entering(500, fraction=Fraction.MERCURY_LAMP)])
    line.run(1, 4)
    given_up = line.pipeline.give_up(DecisionReason.STALE)
    assert [(i.decision.action, i.decision.reason) for i in given_up] == [
        (ActionPolicy.PASS, DecisionReason.STALE),
        (ActionPolicy.STOP_AND_ALARM, DecisionReason.HAZARD),
    ]
    assert line.pipeline.live_tracks() == ()
    assert line.pipeline.give_up(DecisionReason.STALE) == ()


def test_the_live_picture_gets_the_items_still_in_view() -> None:
    line = Line([entering(200), entering(500)])
    line.run(1, 4)
    tracks = line.pipeline.live_tracks()
    assert [t.track_id for t in tracks] == [1, 2]
    line.run(5, 14)
    assert line.pipeline.live_tracks() == ()


def test_an_item_that_is_ejected_upstream_is_no_by_catch_further_down() -> None:
    paper = entering(500, fraction=Fraction.PAPER, length_mm=60, width_mm=60)
    bottle = LyingItem(x_mm=500, y_mm=360.0, length_mm=60, width_mm=60)
    line = Line([paper, bottle])
    found = {i.decision.fraction: i.decision.reason for i in line.run(1, 20)}
    assert set(found.values()) == {DecisionReason.TARGET}


def test_the_same_frames_give_the_same_decisions_bit_for_bit() -> None:
    items = [
        LyingItem(
            x_mm=90.0 + 97.0 * (i % 9),
            y_mm=300.0 + 71.0 * i,
            fraction=tuple(Fraction)[i % 6],
            slip_y_mm_per_s=float(i % 3) * 15.0,
        )
        for i in range(40)
    ]
    first, second = Line(items), Line(items)
    first.run(1, 80)
    second.run(1, 80)
    assert len(first.decided) == 40
    assert first.results == second.results


@pytest.mark.parametrize("ticks_per_s", [0.0, TICKS_PER_S])
def test_a_standing_or_unknown_belt_speed_harms_nothing(ticks_per_s: float) -> None:
    line = Line([entering()])
    line.run(1, 20, ticks_per_s=ticks_per_s)
    assert len(line.decided) == 1
