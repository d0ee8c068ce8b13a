"""How the firing benchmark brings a PLC up when the machine keeps the PLC thread waiting."""

from multiprocessing import Pipe
from threading import Event

import pytest

from benchmarks import gunner as gunner_module
from benchmarks.gunner import BELT, RUN, Gunner, GunnerError
from calibration.clock import MonotonicClock
from calibration.units import NS_PER_MS, MonotonicNs
from plc.types import PlcRequest
from tests.support.plc_bench import HEARTBEAT_TIMEOUT_MS, MM_PER_TICK, PLC_CONFIG, QUICK_BELT
from twin.belt_drive import BeltDrive
from twin.soft_plc.in_process import in_process_link
from twin.soft_plc.program import SoftPlc

CLOCK = MonotonicClock()
CYCLE_MS = 2


class SilencePlant:
    """A soft PLC in this process for which the master seems silent in chosen requests."""

    def __init__(self, silent_after: list[PlcRequest], *, always: bool = False) -> None:
        self._silent_after, self._always = silent_after, always
        self._skipped_ns = 0
        self._plc = SoftPlc(PLC_CONFIG, boot_number=1)
        start_ns = CLOCK.now_ns()
        self._drive = BeltDrive(
            config=QUICK_BELT, mm_per_tick=MM_PER_TICK, seed=1, start_ns=start_ns
        )
        self.silences = 0
        self._inner = in_process_link(
            self._plc,
            clock=CLOCK,
            scan=self._scan,
            heartbeat_timeout_ms=HEARTBEAT_TIMEOUT_MS,
            max_ticks_per_s=1e9,
            encoder_stall_ms=1e9,
        )

    def connect(self) -> None:
        self._inner.connect()

    def exchange(self, request, commands):
        done = self._inner.exchange(request, commands)
        if request in self._silent_after:
            if not self._always:
                self._silent_after.remove(request)
            self.silences += 1
            self._skipped_ns += (HEARTBEAT_TIMEOUT_MS + 1) * NS_PER_MS
            self._scan()
        return done

    def close(self) -> None:
        self._inner.close()

    def _scan(self) -> None:
        now_ns = CLOCK.now_ns()
        output = self._plc.scan(self._drive.tick(now_ns), MonotonicNs(now_ns + self._skipped_ns))
        if output.belt is not None:
            self._drive.command(run=output.belt.run, at_ns=now_ns)


@pytest.fixture
def bring_up():
    """Bring a plant's PLC up; returns the gunner."""
    started, pipe = [], Pipe(duplex=False)

    def run(plant: SilencePlant) -> Gunner:
        outputs, _ = pipe
        gunner = Gunner(
            link=plant,
            cycle_ms=CYCLE_MS,
            outputs=outputs,
            planners=[],
            ticks_per_s=QUICK_BELT.speed_mm_per_s / MM_PER_TICK,
        )
        started.append(gunner)

        def turn() -> None:
            CLOCK.wait(Event(), CYCLE_MS / 1000)
            gunner.listen()

        gunner.start()
        gunner.bring_up(turn)
        return gunner

    yield run
    for gunner in started:
        gunner.stop()
    for end in pipe:
        end.close()


@pytest.mark.parametrize("request_before", [BELT, RUN], ids=["belt", "run"])
def test_a_plc_that_fell_silent_while_it_was_brought_up_is_asked_anew(bring_up, request_before):
    """After silence it wants every request off and on again; a request that stays on is nothing."""
    plant = SilencePlant([request_before])
    gunner = bring_up(plant)
    assert gunner.is_running
    assert gunner.belt_is_on
    assert plant.silences == 1


def test_a_plc_that_never_follows_is_given_up_with_what_it_was_asked(bring_up, monkeypatch):
    monkeypatch.setattr(gunner_module, "READY_S", 0.3)
    monkeypatch.setattr(gunner_module, "PATIENCE", 5)
    with pytest.raises(GunnerError, match="did not follow"):
        bring_up(SilencePlant([BELT], always=True))
