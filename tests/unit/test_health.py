import dataclasses
import logging

import pytest

from calibration.units import MonotonicNs
from controller.health import HealthMonitor, Observation
from controller.snapshot import AlarmKind
from plc.types import PlcState
from tests.support.belt_scenes import LIMITS

WELL = Observation(
    now_ns=MonotonicNs(10**9),
    frame_age_ms=20.0,
    camera_error=None,
    link_error=None,
    wrong_map=False,
    plc_fault=None,
    plc_state=PlcState.RUNNING,
    safety_ok=True,
    encoder_error=None,
    camera_moved=None,
    tick_sd=1.0,
    late_pulses=0,
    lamps_standing=0,
    disk_full=False,
    camera_wanted=True,
)


def monitor_of() -> HealthMonitor:
    return HealthMonitor(LIMITS, stall_after_ms=400.0)


def kinds(monitor: HealthMonitor, seen: Observation) -> list[AlarmKind]:
    return [alarm.kind for alarm in monitor.observe(seen)]


def changed(seconds: float = 0.0, **changes: object) -> Observation:
    now_ns = MonotonicNs(int(WELL.now_ns + seconds * 1e9))
    return dataclasses.replace(WELL, now_ns=now_ns, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"lamps_standing": 1}, AlarmKind.LAMP_FOUND),
        ({"frame_age_ms": 500.0}, AlarmKind.CAMERA_STALLED),
        ({"frame_age_ms": None}, AlarmKind.CAMERA_STALLED),
        ({"camera_error": "unplugged", "frame_age_ms": 500.0}, AlarmKind.CAMERA_LOST),
        ({"link_error": "timeout"}, AlarmKind.PLC_LINK_LOST),
        ({"link_error": "map 3, want 1", "wrong_map": True}, AlarmKind.PLC_WRONG_MAP),
        ({"plc_fault": "exception 4"}, AlarmKind.PLC_FAULT),
        ({"plc_state": PlcState.SAFE}, AlarmKind.PLC_SAFE_STATE),
        ({"safety_ok": False}, AlarmKind.SAFETY_NOT_OK),
        ({"encoder_error": "runs backwards"}, AlarmKind.ENCODER_FAULT),
        ({"tick_sd": 50.0}, AlarmKind.CLOCK_UNSURE),
        ({"tick_sd": None}, AlarmKind.CLOCK_UNSURE),
        ({"late_pulses": 2}, AlarmKind.LATE_PULSES),
        ({"disk_full": True}, AlarmKind.DISK_FULL),
    ],
)
def test_each_condition_raises_its_own_alarm_with_a_remedy(
    changes: dict[str, object], kind: AlarmKind
) -> None:
    monitor = monitor_of()
    assert monitor.observe(WELL) == ()
    monitor.observe(changed(**changes))
    (alarm,) = monitor.observe(changed(seconds=1.1, **changes))
    assert alarm.kind is kind
    assert alarm.remedy
    assert alarm.detail
    assert monitor.observe(changed(seconds=20, late_pulses=changes.get("late_pulses", 0))) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"tick_sd": 50.0},
        {"tick_sd": None},
        {"frame_age_ms": None},
        {"link_error": "not connected yet", "plc_state": None},
    ],
)
def test_what_passes_within_a_second_of_starting_raises_no_alarm(
    changes: dict[str, object],
) -> None:
    monitor = monitor_of()
    assert monitor.observe(changed(**changes)) == ()
    assert monitor.observe(changed(seconds=0.9, **changes)) == ()
    assert monitor.observe(changed(seconds=1.0)) == ()
    assert monitor.observe(changed(seconds=1.5, **changes)) == ()
    (alarm,) = monitor.observe(changed(seconds=2.5, **changes))
    assert alarm.raised_ns == WELL.now_ns + 2_500_000_000


def test_a_camera_that_stalls_after_its_first_frame_raises_its_alarm_at_once() -> None:
    assert kinds(monitor_of(), changed(frame_age_ms=500.0)) == [AlarmKind.CAMERA_STALLED]


def test_a_lost_link_raises_only_its_own_alarm() -> None:
    monitor = monitor_of()
    seen = changed(link_error="timeout", safety_ok=False, plc_state=PlcState.SAFE, tick_sd=None)
    assert kinds(monitor, seen) == [AlarmKind.PLC_LINK_LOST]


def test_a_camera_nobody_waits_for_raises_no_alarm() -> None:
    assert kinds(monitor_of(), changed(frame_age_ms=None, camera_wanted=False)) == []


def test_a_level_near_its_limit_does_not_flutter() -> None:
    monitor = monitor_of()
    assert kinds(monitor, changed(frame_age_ms=399.0)) == []
    assert kinds(monitor, changed(frame_age_ms=401.0)) == [AlarmKind.CAMERA_STALLED]
    assert kinds(monitor, changed(frame_age_ms=399.0)) == [AlarmKind.CAMERA_STALLED]
    assert kinds(monitor, changed(frame_age_ms=310.0)) == []


def test_late_pulses_add_up_while_the_alarm_stands() -> None:
    monitor = monitor_of()
    monitor.observe(changed(late_pulses=2))
    (alarm,) = monitor.observe(changed(seconds=5, late_pulses=3))
    assert alarm.detail.startswith("3 pulses")
    assert monitor.observe(changed(seconds=14, late_pulses=3))
    assert monitor.observe(changed(seconds=16, late_pulses=3)) == ()
    (again,) = monitor.observe(changed(seconds=30, late_pulses=4))
    assert again.detail.startswith("1 pulses")


def test_each_alarm_is_logged_when_it_comes_and_when_it_goes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    monitor = monitor_of()
    with caplog.at_level(logging.INFO, logger="controller.standing_alarms"):
        for _ in range(5):
            monitor.observe(changed(disk_full=True))
        monitor.observe(WELL)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_an_acknowledged_alarm_stays_until_its_cause_is_gone() -> None:
    monitor = monitor_of()
    assert not monitor.acknowledge(AlarmKind.DISK_FULL)
    monitor.observe(changed(disk_full=True))
    assert monitor.acknowledge(AlarmKind.DISK_FULL)
    (alarm,) = monitor.observe(changed(seconds=1, disk_full=True))
    assert alarm.acknowledged
    assert alarm.raised_ns == WELL.now_ns
    assert monitor.observe(WELL) == ()
