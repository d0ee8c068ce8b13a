"""What a line run takes from its [valves] folder and leaves there."""

from collections.abc import Callable, Mapping

from calibration.clock import Clock
from calibration.errors import CalibrationError
from calibration.line_calibration import LineCalibration
from calibration.valve_store import ValveStore
from controller.line_file import LineFile
from controller.stations import JetBarConfig
from controller.valve_wear import BarCount
from controller.wear_file import WearFile, WearKeeper


class ValveRecords:
    """The valve tests and counters of one line; a line without [valves] has and keeps none."""

    def __init__(self, line: LineFile) -> None:
        """Name the folder."""
        self._line = line
        self._store: ValveStore | None = None
        self._wear: WearFile | None = None
        if line.valves is not None:
            self._store = ValveStore(line.valves.folder, line_id=line.line.id)
            self._wear = WearFile(line.valves.folder, line_id=line.line.id)

    def into(self, calibration: LineCalibration) -> LineCalibration:
        """Return a calibration with what the newest valve tests found.

        Raises:
            CalibrationError: a test was altered, is of another line, or of another bar.
        """
        if self._store is None:
            return calibration
        tested = self._store.into(calibration)
        for station in self._line.stations:
            bar = tested.bar(station.name) if isinstance(station, JetBarConfig) else None
            if bar is not None and len(bar.valves) != station.valve_count:
                msg = (
                    f"{self._store.folder}: station {station.name!r} has {station.valve_count} "
                    f"valves, its test of {bar.measured_at_utc} {len(bar.valves)}; move the old "
                    "tests away and test the valves again"
                )
                raise CalibrationError(msg)
        return tested

    def worn(self) -> Mapping[str, BarCount]:
        """Return the counts of former sessions.

        Raises:
            CalibrationError: they cannot be read.
        """
        return {} if self._wear is None else self._wear.read()

    def keep(
        self, counts: Callable[[], Mapping[str, BarCount]], clock: Clock
    ) -> Callable[[], None]:
        """Write a run's counts from now on; returns what ends that, with a last write.

        Args:
            counts: the newest, from any thread.
            clock: of the writing thread.
        """
        if self._wear is None:
            return lambda: None
        keeper = WearKeeper(self._wear, counts, clock)
        keeper.start()
        return keeper.stop
