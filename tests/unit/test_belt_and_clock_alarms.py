"""What the line does when encoder, camera, triggers and clock do not agree."""

from dataclasses import replace

import pytest

from controller.belt_watch import BeltLook
from controller.snapshot import AlarmKind
from plc.errors import PlcSecurityError, SecurityProblem
from plc.registers import STATUS
from plc.types import TriggerLatch
from tests.support.core_bench import FIGURES, CoreBench

ENCODER_AT = next(r.address for r in STATUS.registers if r.name == "encoder_tick")


def alarms(bench):
    return {alarm.kind: alarm for alarm in bench.core.snapshot(FIGURES, bench.now_ns).alarms}


def look(bench, encoder_mm, camera_mm, count=12):
    for _ in range(count):
        bench.core.belt_seen(BeltLook(encoder_mm=encoder_mm, camera_mm=camera_mm))
    bench.run(100)


@pytest.fixture
def running():
    bench = CoreBench()
    bench.start()
    bench.run(1500)
    look(bench, 56.0, 56.0, count=20)
    assert not alarms(bench)
    return bench


@pytest.mark.parametrize(
    ("encoder_mm", "camera_mm", "kind"),
    [
        (0.0, 56.0, AlarmKind.ENCODER_STUCK),
        (56.0, -56.0, AlarmKind.ENCODER_REVERSED),
        (50.0, 56.0, AlarmKind.ENCODER_MISSING_PULSES),
        (56.0, 50.0, AlarmKind.ENCODER_SLIP),
    ],
)
def test_an_encoder_that_the_camera_contradicts_fires_nothing_and_is_named(
    running, encoder_mm, camera_mm, kind
):
    look(running, encoder_mm, camera_mm)
    assert alarms(running)[kind].remedy
    fired = len(running.outcomes)
    running.lay(300.0, 500.0)
    running.run(800)
    assert not any(outcome.result.planned for outcome in running.outcomes[fired:])
    assert not any(outcome.status.may_fire for outcome in running.outcomes[fired:])
    look(running, 56.0, 56.0)
    assert kind not in alarms(running)
    assert running.expose().status.may_fire


def test_a_glitch_is_told_and_sorting_goes_on(running):
    running.core.belt_seen(BeltLook(encoder_mm=80.0, camera_mm=56.0))
    look(running, 56.0, 56.0, count=3)
    assert AlarmKind.ENCODER_GLITCHES in alarms(running)
    assert running.expose().status.may_fire


def test_a_wrong_scale_is_told_with_the_right_one():
    bench = CoreBench()
    bench.start()
    bench.run(1500)
    look(bench, 56.0, 56.9, count=160)
    assert "the camera sees" in alarms(bench)[AlarmKind.ENCODER_SCALE].detail


def test_a_belt_that_runs_up_is_not_judged():
    bench = CoreBench()
    bench.start()
    look(bench, 56.0, 40.0, count=30)
    bench.core.encoder_failed("as after any fault", bench.now_ns)
    look(bench, 56.0, 40.0, count=30)
    assert not {kind for kind in alarms(bench) if kind.value.startswith("encoder_s")}


class Latching:
    """A link whose PLC latches each of the bench's exposures."""

    def __init__(self, bench):
        self.link, self.bench, self.off_tick = bench.plant.link, bench, 0
        self.missed = set()
        self._told = 0

    def connect(self):
        self.link.connect()

    def close(self):
        self.link.close()

    def exchange(self, request, commands):
        exchange = self.link.exchange(request, commands)
        new = self.bench.exposures[self._told :]
        self._told = len(self.bench.exposures)
        triggers = tuple(
            TriggerLatch(number=500 + seq, tick=tick + self.off_tick)
            for seq, tick in new
            if seq not in self.missed
        )
        return replace(exchange, triggers=triggers)


class LatchedBench(CoreBench):
    """Triggers reach the PLC one exchange before their frame reaches the core."""

    def __init__(self):
        super().__init__()
        self.exposures = []
        self.plant.link = Latching(self)

    def turn(self):
        self.exposures.append((self._seq + 1, self.plant.tick))
        self.exposed_ns = self.now_ns
        self.exchange()
        self.plant.pass_ms(5)
        self.frame_age_ms = 5.0
        self.expose()
        self.records += self.core.take_records()
        self.plant.pass_ms(5)


def test_with_a_latch_a_frame_gets_its_triggers_tick_and_gaps_the_fits():
    bench = LatchedBench()
    bench.start()
    bench.run(1000)
    assert bench.outcomes[-1].stamp.tick == bench.exposures[-1][1]
    bench.plant.link.missed = {bench._seq + 1}
    bench.run(10)
    fitted = bench.outcomes[-1].stamp.tick
    assert fitted != bench.exposures[-1][1]
    assert fitted == pytest.approx(bench.exposures[-1][1], abs=8)
    bench.run(10)
    assert bench.outcomes[-1].stamp.tick == bench.exposures[-1][1]


def test_latch_and_clock_that_disagree_fire_nothing_and_are_an_alarm():
    bench = LatchedBench()
    bench.start()
    bench.run(1500)
    bench.plant.link.off_tick = 20
    bench.run(200)
    assert "ticks apart" in alarms(bench)[AlarmKind.CLOCK_DISAGREES].detail
    assert not bench.outcomes[-1].status.may_fire
    bench.plant.link.off_tick = 0
    bench.run(200)
    assert AlarmKind.CLOCK_DISAGREES not in alarms(bench)
    assert bench.outcomes[-1].status.may_fire


class Slept:
    """A transport through which the encoder is ahead, as after a sleep of this PC alone."""

    ahead_tick = 0

    def __init__(self, transport):
        self._transport = transport
        self.open, self.close = transport.open, transport.close
        self.write_holding = transport.write_holding

    def read_holding(self, address, count):
        words = self._transport.read_holding(address, count)
        if address <= ENCODER_AT < address + count:
            at = ENCODER_AT - address
            tick = (words[at] << 16 | words[at + 1]) + Slept.ahead_tick
            words[at : at + 2] = [tick >> 16 & 0xFFFF, tick & 0xFFFF]
        return words


@pytest.fixture
def sleeper(monkeypatch):
    monkeypatch.setattr(Slept, "ahead_tick", 0)
    bench = CoreBench()
    link = bench.plant.link
    link._transport = Slept(link._transport)
    bench.start()
    bench.run(1000)
    assert bench.expose().status.may_fire
    return bench


def test_a_host_that_was_suspended_aborts_instead_of_firing(sleeper):
    """The monotonic clock stands during a suspend; the belt does not."""
    Slept.ahead_tick = 11_200
    sleeper.run(20)
    assert AlarmKind.ENCODER_FAULT in alarms(sleeper)
    assert sleeper.state.value == "aborted"


def test_a_short_stop_of_the_host_leaves_no_frame_placed_until_the_clock_is_sure(sleeper):
    Slept.ahead_tick = 300
    sleeper.run(40)
    assert sleeper.expose() is None
    sleeper.run(1500)
    outcome = sleeper.expose()
    truth = sleeper.plant.drive.fractional_tick(sleeper.now_ns) + 300
    assert outcome.stamp.tick == pytest.approx(truth, abs=8)


def test_certificates_that_are_not_trusted_have_an_alarm_of_their_own():
    bench = CoreBench()
    bench.run(100)
    error = PlcSecurityError(SecurityProblem.OWN_CERTIFICATE_EXPIRED, "line.pem is valid to …")
    bench.core.link_lost(error, bench.now_ns)
    standing = alarms(bench)
    assert AlarmKind.PLC_CERTIFICATE in standing
    assert AlarmKind.PLC_LINK_LOST not in standing
    assert "line.pem" in standing[AlarmKind.PLC_CERTIFICATE].detail


def test_a_delay_that_grows_against_the_trigger_is_a_drift_with_its_cost():
    bench = LatchedBench()
    bench.start()
    bench.core._facts.latch.reset()
    bench.run(1500)
    bench.plant.link.off_tick = -12
    bench.run(28_000)
    found = alarms(bench).get(AlarmKind.DRIFT_DELAY_CHANGED)
    assert found is not None
    assert "points of purity and recovery" in found.detail
    assert "calibrate the delay" in found.remedy
