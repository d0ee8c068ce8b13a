"""What the soft PLC does beside firing: manual tests, held flaps, its inputs, the valve page."""

from collections.abc import Sequence

from calibration.units import BeltTick, MonotonicNs
from plc.register_flags import StationKind
from plc.registers import SERVICE
from plc.service_codec import ServiceMailbox, decode_service
from plc.types import PlcState
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.plant_inputs import PlantInputs
from twin.soft_plc.valve_bank import ValveBank
from twin.soft_plc.valve_tester import ValveTester

_MAY_HOLD = (PlcState.STOPPED, PlcState.RUNNING)


class ServiceDesk:
    """Looks at the service mailbox and the flap bits once a scan."""

    def __init__(self, config: SoftPlcConfig, valves: ValveBank, inputs: PlantInputs) -> None:
        """Begin with an empty mailbox."""
        self.words = [0] * SERVICE.words
        self.inputs = inputs
        self.tester = ValveTester(config, valves)
        self._valves = valves
        self._flaps = {
            station: valves.output(station, 0)
            for station in range(len(config.station_valves))
            if config.kind(station) in (StationKind.DIVERTER, StationKind.REJECT_GATE)
        }
        self._mailbox = ServiceMailbox()

    @property
    def page(self) -> int:
        """Which page of valves is wanted."""
        return self._mailbox.wanted_page

    def write(self, at: int, words: Sequence[int]) -> None:
        """Take a master's write, at a word of the mailbox."""
        self.words[at : at + len(words)] = words
        self._mailbox = decode_service(self.words)

    def scan(
        self, tick: BeltTick, now_ns: MonotonicNs, *, state: PlcState, owner: int, flap_hold: int
    ) -> None:
        """Serve once.

        Args:
            tick: the encoder's count.
            now_ns: this instant.
            state: of the program.
            owner: who has the lease, 0 for nobody.
            flap_hold: the owner's bits, one per station.
        """
        self.tester.look(self._mailbox, maintenance=state is PlcState.MAINTENANCE, owner=owner)
        if self._flaps:
            self._hold(tick, now_ns, flap_hold if owner and state in _MAY_HOLD else 0)
        self.inputs.update(self._valves.open_by_station(), now_ns)
        if self.tester.watching:
            self.tester.scan(tick, now_ns, self.inputs.pressure_kpa(self.tester.station))
            # What the test switched is on the valve's coil now, not from the next scan on.
            self.inputs.update(self._valves.open_by_station(), now_ns)

    def _hold(self, tick: BeltTick, now_ns: MonotonicNs, bits: int) -> None:
        outputs = frozenset(out for station, out in self._flaps.items() if bits >> station & 1)
        self._valves.hold(outputs, tick, now_ns)

    def flap_positions(self) -> int:
        """Return the positions of all flaps, two bits per station."""
        return sum(self.inputs.flap_position(station) << 2 * station for station in self._flaps)
