import pytest

from controller.latency_window import LatencyWindow, Stage
from controller.runtime import LineFailedError
from controller.session import read_steps
from controller.snapshot import LineSnapshot
from controller.states import LineCommand
from plc.errors import PlcLinkError
from plc.types import PlcState
from tests.support.belt_scenes import LyingItem
from tests.support.cell_network import write_bundle
from tests.support.line_process import wait_for
from tests.support.plc_bench import AT, MM_PER_TICK
from tests.support.runtime_rig import CLOCK, RealTimePlc, RuntimeRig, SeeingDetector
from tests.unit.test_core import Jumping
from tests.unit.test_session_writer import HEADER, SessionWriter
from vision.errors import DetectorError


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def plant():
    return RealTimePlc()


def failure_of(rig):
    def failed():
        try:
            rig.runtime.check()
        except LineFailedError as error:
            return str(error)
        return None

    return wait_for(failed, "the failure")


def test_a_line_starts_shows_pictures_records_its_session_and_stops_with_the_plc_stopped(
    plant, bundle, tmp_path
):
    recorder = SessionWriter(tmp_path / "s", HEADER)
    with RuntimeRig(plant.link, bundle, recorder=recorder) as rig:
        rig.start_sorting()
        # The fit comes and goes while the belt runs up beside a busy machine.
        seen = rig.wait(
            lambda now: now.frames_per_s > 1 and now.latencies and now.tick_sd < 1000, "figures"
        )
        assert {stage.stage for stage in seen.latencies} >= {"detect", "step"}
        wait_for(lambda: rig.feed.pictures, "a picture")
        assert rig.feed.pictures[0].startswith(b"\xff\xd8")
        rig.runtime.check()
        assert not rig.runtime.ended
        assert plant.plc.read_holding(AT["state"], 1) == [PlcState.RUNNING]
    assert plant.plc.read_holding(AT["state"], 1) == [PlcState.STOPPED]
    last = rig.feed.snapshots[-1]
    assert isinstance(last, LineSnapshot)
    assert last.totals.closes
    assert last.totals.in_flight == 0
    assert len(list(read_steps(tmp_path / "s"))) > 3


@pytest.mark.parametrize("feed_is_full", [False, True])
def test_an_item_is_ejected_through_all_threads_and_a_full_feed_costs_only_its_record(
    plant, bundle, feed_is_full
):
    eyes = SeeingDetector(plant, [])
    with RuntimeRig(plant.link, bundle, detector=eyes) as rig:
        rig.feed.full = feed_is_full
        rig.start_sorting()
        rig.wait(lambda now: now.belt_speed_mm_per_s > 2500, "speed")
        travel_mm = plant.drive.fractional_tick(CLOCK.now_ns()) * MM_PER_TICK
        eyes.items.append(LyingItem(x_mm=500.0, y_mm=travel_mm + 700.0))
        seen = rig.wait(lambda now: sum(now.totals.ejected), "the ejection")
        stages = {stage.stage for snapshot in rig.feed.snapshots for stage in snapshot.latencies}
        assert "exposure_to_link" in stages
        assert seen.totals.closes
        rig.wait(lambda now: now.records_dropped == feed_is_full, "dropped records counted")
    assert len(rig.feed.records) == (not feed_is_full)


def test_a_plc_that_goes_away_at_the_very_end_does_not_keep_the_line_from_ending(
    plant, bundle, monkeypatch, caplog
):
    exchange = plant.link.exchange

    def until_asked_to_stop(request, commands):
        if not request.run:
            raise PlcLinkError("unplugged")
        return exchange(request, commands)

    with RuntimeRig(plant.link, bundle) as rig:
        rig.start_sorting()
        wait_for(
            lambda: plant.plc.read_holding(AT["state"], 1) == [PlcState.RUNNING], "the PLC running"
        )
        monkeypatch.setattr(plant.link, "exchange", until_asked_to_stop)
    rig.runtime.stop()
    rig.runtime.check()
    assert "could not tell the PLC to stop (unplugged); its heartbeat watch will" in caplog.text


def test_an_encoder_that_jumps_aborts_the_line(plant, bundle):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.start_sorting()
        plant.drive = Jumping(plant.drive, 500_000)
        rig.wait_alarm("encoder_fault")
        rig.wait_state("aborted")


def test_a_silent_camera_is_stalled_holds_and_waits_for_an_unhold(plant, bundle):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.start_sorting()
        rig.camera.silent = True
        rig.wait_state("held")
        rig.wait_alarm("camera_stalled")
        rig.camera.silent = False
        seen = rig.wait(lambda now: not now.alarms, "no alarm")
        assert seen.state.value == "held"
        rig.press(LineCommand.UNHOLD)
        rig.wait_state("execute")


def test_a_camera_that_is_gone_is_lost_and_is_opened_again(plant, bundle):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.start_sorting()
        rig.camera.lost = "unplugged"
        rig.wait_alarm("camera_lost")
        rig.wait_state("held")
        rig.camera.lost = None
        rig.wait(lambda now: not now.alarms, "no alarm")


def test_a_film_that_ends_ends_the_run_once_every_item_is_closed(plant, bundle):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.start_sorting()
        rig.camera.over = True
        wait_for(lambda: rig.runtime.ended, "the end")


def test_a_link_that_breaks_aborts_and_comes_back_by_itself_but_not_the_line(plant, bundle):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.start_sorting()
        transport = plant.link._transport
        opened = transport.open
        transport.open = lambda: None
        transport.close()
        rig.wait_state("aborted")
        rig.wait_alarm("plc_link_lost")
        transport.open = opened
        seen = rig.wait(lambda now: now.link_ok and not now.alarms, "the link again")
        assert seen.state.value == "aborted"


class BlindDetector:
    """A network that the runtime refuses to run on any image."""

    bundle_id = "blind"

    def detect(self, image):
        raise DetectorError("the network could not run")


def test_a_failing_detector_ends_the_line_in_words_and_the_plc_is_stopped(plant, bundle):
    with RuntimeRig(plant.link, bundle, detector=BlindDetector()) as rig:
        assert "the network could not run" in failure_of(rig)
    assert plant.plc.read_holding(AT["state"], 1) == [PlcState.STOPPED]


def test_a_broken_camera_driver_ends_the_line(plant, bundle):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.camera.broken = RuntimeError("driver bug")
        assert "driver bug" in failure_of(rig)


def test_a_plc_thread_that_dies_ends_the_line(plant, bundle, monkeypatch):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.wait(lambda now: now.link_ok, "the link")
        monkeypatch.setattr(plant.link, "exchange", None)
        assert "not callable" in failure_of(rig)


def test_a_pipeline_that_hangs_has_the_plc_told_to_stop(plant, bundle, monkeypatch):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.start_sorting()
        plc = rig.runtime._plc
        monkeypatch.setattr(plc, "ask", lambda _: None)
        wait_for(lambda: plant.plc.read_holding(AT["state"], 1) == [PlcState.STOPPED], "the stop")


def test_a_request_from_the_console_is_served_like_one_from_the_page(plant, bundle):
    with RuntimeRig(plant.link, bundle) as rig:
        rig.wait(lambda seen: seen.link_ok and seen.frames > 2, "link and frames")
        rig.press(LineCommand.RESET)
        rig.runtime.request(rig.feed.asked.pop())
        rig.wait_state("idle")


def test_latencies_are_summarised_by_stage_and_forgotten():
    window = LatencyWindow()
    assert window.drain() == ()
    for duration_ms in range(1, 101):
        window.add(Stage.DETECT, duration_ms * 1_000_000)
    (detect,) = window.drain()
    assert (detect.stage, detect.count) == ("detect", 100)
    assert detect.p50_ms == pytest.approx(50.5)
    assert detect.p99_ms == pytest.approx(99.01)
    assert window.drain() == ()
