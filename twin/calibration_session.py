"""Opens a calibration that is driven step by step: on the plant, or practised on the twin."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from calibration.bench import Bench, FiredShot, Photograph, Shot, Task
from calibration.board.spec import BoardSpec
from calibration.procedures.session import NUMERIC, CalibrationSession
from twin.calibrated_camera import CalibratedCamera
from twin.calibration_bench import Person, bench_of, line_to_calibrate


class PractisedBench:
    """Implements `calibration.bench.Bench` on a rig: it does what the person confirms."""

    def __init__(self, rig: Bench, person: Person) -> None:
        """Take the rig, which knows no person but its own."""
        self._rig, self._person = rig, person

    @property
    def image_size_px(self) -> tuple[int, int]:
        """Width and height of the camera's images."""
        return self._rig.image_size_px

    def ask(self, task: Task) -> float:
        """Wait for the person, let the rig do it; a number to read off is told. See `Bench`."""
        if task.kind not in NUMERIC:
            self._person(task)
            return self._rig.ask(task)
        read = self._rig.ask(task)
        return self._person(replace(task, words=f"{task.words} (the twin reads {read:.1f})"))

    def photograph(self) -> Photograph:
        """Expose once. See `Bench`."""
        return self._rig.photograph()

    def jog(self, travel_mm: float) -> None:
        """Run a little way. See `Bench`."""
        self._rig.jog(travel_mm)

    def film(self, seconds: float) -> tuple[Photograph, ...]:
        """Photograph a start. See `Bench`."""
        return self._rig.film(seconds)

    def fire(self, shots: Sequence[Shot]) -> tuple[FiredShot, ...]:
        """Run past the bar and let the valves blow. See `Bench`."""
        return self._rig.fire(shots)


def open_session(
    camera: CalibratedCamera,
    board: BoardSpec,
    *,
    source: str | None = None,
    seed: int | None = None,
    store: Path | None = None,
) -> CalibrationSession:
    """Return a session that is not started yet.

    Args:
        camera: of the line.
        board: that the technician uses.
        source: as on the command line; "twin" to practise.
        seed: of a random rig, with the twin.
        store: folder of the line's calibrations, None for the line's own.

    Raises:
        CalibrationError: the line cannot be calibrated so.
    """

    @contextmanager
    def opened(person: Callable[[Task], float]) -> Iterator[Bench]:
        with bench_of(camera, board, source, seed, person) as seat:
            yield seat.bench if seat.truth is None else PractisedBench(seat.bench, person)

    line = line_to_calibrate(camera, board, None)
    return CalibrationSession(opened, line, camera.store(store))
