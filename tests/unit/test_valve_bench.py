"""What the pressure bench says when the PLC cannot test a valve, in virtual time."""

import pytest

from plc.register_flags import StationKind
from plc.types import PlcState
from plc.valve_bench import OutOfModeError, PressureBench, ValveBenchError
from tests.support.plc_bench import IDLE, PLC_CONFIG, PlcBench
from twin.soft_plc.plant_inputs import SimplePlant

BARS_AND_A_FLAP = PLC_CONFIG.model_copy(
    update={
        "station_valves": (80, 80, 1),
        "station_kinds": (StationKind.JET_BAR, StationKind.JET_BAR, StationKind.DIVERTER),
    }
)


class Air(SimplePlant):
    """Bars whose sensors show one pressure, whatever blows."""

    def __init__(self, kpa: float) -> None:
        super().__init__(3, flap_travel_ms=300.0)
        self.kpa = kpa

    def pressure_kpa(self, station: int) -> float:
        return self.kpa


@pytest.fixture
def plant():
    return PlcBench(config=BARS_AND_A_FLAP, inputs=Air(600.0))


def bench(plant, own=None):
    return PressureBench(plant.link, plant.clock, own)


@pytest.mark.parametrize(
    ("kpa", "words"),
    [
        (0.0, r"no pressure sensor at station 1 of the PLC \(it reads 0 kPa\): wire one"),
        (40.0, "40 kPa at station 1 of the PLC: open the main air valve"),
    ],
)
def test_a_bar_without_sensor_or_air_is_not_judged(kpa, words):
    plant = PlcBench(config=BARS_AND_A_FLAP, inputs=Air(kpa))
    with bench(plant) as wired, pytest.raises(ValveBenchError, match=words):
        wired.check(1)


@pytest.mark.parametrize("station", [2, 5], ids=["a flap", "nothing there"])
def test_what_is_no_jet_bar_is_not_tested(plant, station):
    words = f"no jet bar at station {station}; its program and the line differ"
    with bench(plant) as wired, pytest.raises(ValveBenchError, match=words):
        wired.check(station)


def test_a_station_is_looked_up_under_the_plc_s_own_number(plant):
    with bench(plant, {7: 1}) as wired:
        wired.check(7)
        assert len(wired.shoot(7, 4, open_ms=20, count=2)) == 2
    fired = {(edge.station, edge.valve) for edge in plant.edges}
    assert fired == {(1, 4)}
    assert plant.open_valves == 0


def test_the_bench_enters_maintenance_and_leaves_it(plant):
    with bench(plant):
        assert plant.plc.state is PlcState.MAINTENANCE
    plant.scan()
    assert plant.plc.state is not PlcState.MAINTENANCE


def test_an_open_safety_circuit_is_named_as_what_keeps_the_plc_out_of_maintenance(plant):
    plant.plc.set_safety(ok=False)
    with pytest.raises(ValveBenchError, match="safety circuit is open: close guards"):
        bench(plant).__enter__()


@pytest.mark.parametrize(
    ("valve", "open_ms", "count", "words"),
    [
        (80, 20, 2, "refused the test: the PLC knows no such valve"),
        (0, 5000, 2, "refused the test: the pulse is shorter or longer than the PLC allows"),
        (0, 20, 200, "refused the test: the PLC does not fire so many pulses in one test"),
    ],
)
def test_a_test_that_the_plc_refuses_says_why(plant, valve, open_ms, count, words):
    with bench(plant) as wired, pytest.raises(ValveBenchError, match=words):
        wired.shoot(0, valve, open_ms=open_ms, count=count)
    assert plant.open_valves == 0


def test_a_plc_that_leaves_the_mode_again_and_again_ends_the_test(plant):
    """As when the safety circuit opens under it: the bench does not fire in another mode."""

    class Leaving(PressureBench):
        def _turn(self, *, maintenance):
            status = super()._turn(maintenance=maintenance)
            if status.state is PlcState.MAINTENANCE and plant.open_valves:
                plant.link.exchange(IDLE, ())
            return status

    with (
        Leaving(plant.link, plant.clock) as wired,
        pytest.raises(OutOfModeError, match="left maintenance mode"),
    ):
        wired.shoot(0, 3, open_ms=40, count=2)
    assert plant.open_valves == 0
