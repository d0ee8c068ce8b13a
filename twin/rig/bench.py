"""A rig as calibration procedures use it: the person, the camera, the belt and the valves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from calibration.bench import FiredShot, Photograph, Shot, Task, TaskKind
from calibration.board.spec import BOARDS, BoardSpec
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from twin.rig.mischief import Mischief, Mishap
from twin.rig.motion import RigBelt
from twin.rig.person import held_board, laid_board, laid_strip
from twin.rig.photographs import Image, Photographer, Placed
from twin.rig.prints import STRIP_MM, board_print, grey_card, strip_print
from twin.rig.props import Props
from twin.rig.truth import RigTruth

_STANDING_S: Final = 0.06
_MIRROR: Final = slice(None, None, -1)


@dataclass(slots=True)
class _Strip:
    x_mm: float
    y_mm: float
    turn_rad: float
    hits: list[tuple[float, float, float]] = field(default_factory=list)


class RigBench:
    """Implements `calibration.bench.Bench` on a rig whose truth it keeps to itself."""

    def __init__(self, truth: RigTruth, spec: BoardSpec, *, seed: int) -> None:
        """Hang the camera.

        Args:
            truth: of the rig.
            spec: the board that the technician says it is.
            seed: of person and noise.
        """
        self._truth, self._spec = truth, spec
        self._rng = np.random.default_rng([seed, 0x9E25])
        self.belt = RigBelt(truth, seed=seed)
        self.camera = Photographer(truth, seed=seed)
        self.mischief = Mischief()
        self._held: Placed | None = None
        self._board: tuple[float, float, float] | None = None
        self._strip: _Strip | None = None
        self._card: Placed | None = None
        self._mark_mm = 0.0
        self._props = Props(truth, self._rng)

    def beside(self, truth: RigTruth, *, seed: int) -> "RigBench":
        """Return the bench of another camera over the same belt and what lies on it now."""
        other = RigBench(truth, self._spec, seed=seed)
        other.belt, other.mischief = self.belt, self.mischief
        other._board, other._strip, other._props = self._board, self._strip, self._props
        return other

    def suffer(self, mishap: Mishap) -> None:
        """Have something done wrong from now on."""
        self.mischief = mishap.mischief
        self.belt.stuck = mishap is Mishap.BELT_STOPPED
        self.belt.encoder_sign = -1 if mishap is Mishap.ENCODER_REVERSED else 1

    @property
    def image_size_px(self) -> tuple[int, int]:
        """Width and height of the camera's images."""
        return self._truth.image_size_px

    def ask(self, task: Task) -> float:
        """Do as a technician would, a little off. See `Bench`."""
        self._held = self._card = None
        match task.kind:
            case TaskKind.HOLD_BOARD:
                self._board = None
                self._held = held_board(self._truth, self._printed(), task, self._rng)
            case TaskKind.LAY_BOARD:
                self._board = self._on_belt(laid_board(self._truth, self._spec, task, self._rng))
            case TaskKind.LAY_STRIP if not self.mischief.strip_missing:
                self._board, self._strip = None, _Strip(*self._on_belt(self._laid_strip()))
            case TaskKind.RETURN_STRIP if self._strip is not None:
                place = self._on_belt(self._laid_strip())
                self._strip.x_mm, self._strip.y_mm, self._strip.turn_rad = place
            case _:
                return self._do(task)
        return 0.0

    def _do(self, task: Task) -> float:
        match task.kind:
            case TaskKind.CLEAR_BELT:
                self._board = self._strip = None
                self._props.clear()
            case TaskKind.LAY_MARKERS | TaskKind.LAY_BLOCK:
                self._board = self._strip = None
                self._props.lay(task, self.belt.travel_mm(self.belt.now_ns))
            case TaskKind.SET_SPEED:
                self.belt.speed_mm_per_s = task.value
            case TaskKind.GREY_CARD:
                self._card = self.camera.on_belt(grey_card(128), -700.0, -600.0)
            case TaskKind.MARK_TRAVEL | TaskKind.MEASURE_TRAVEL:
                return self._tape(task.kind)
            case _:
                pass
        return 0.0

    def _tape(self, kind: TaskKind) -> float:
        here = self.belt.travel_mm(self.belt.now_ns)
        moved = here - self._mark_mm
        if kind is TaskKind.MARK_TRAVEL:
            self._mark_mm = here
            return 0.0
        return moved + float(self._rng.normal(0, self._truth.tape_sd_mm))

    def photograph(self) -> Photograph:
        """Expose once. See `Bench`."""
        self.belt.now_ns = MonotonicNs(self.belt.now_ns + NS_PER_S)
        return self._expose(self.belt.now_ns)

    def jog(self, travel_mm: float) -> None:
        """Run a little way. See `Bench`."""
        self.belt.jog(travel_mm)

    def film(self, seconds: float) -> tuple[Photograph, ...]:
        """Photograph a start. See `Bench`."""
        start_ns = self.belt.begin(_STANDING_S)
        count = int((seconds + _STANDING_S) * self._truth.frames_per_s)
        phase = float(self._rng.uniform())
        period_ns = NS_PER_S / self._truth.frames_per_s
        taken = tuple(
            self._expose(MonotonicNs(self.belt.now_ns + round((k + phase) * period_ns)))
            for k in range(count)
        )
        self.belt.end(MonotonicNs(start_ns + round(seconds * NS_PER_S)))
        return taken

    def fire(self, shots: Sequence[Shot]) -> tuple[FiredShot, ...]:
        """Run past the bar and let the valves blow. See `Bench`."""
        self.belt.begin()
        fired = tuple(self._shoot(shot) for shot in shots)
        last = max(self.belt.time_of_count(shot.close_tick) for shot in shots)
        self.belt.end(MonotonicNs(last + NS_PER_S // 10))
        return fired

    def _shoot(self, shot: Shot) -> FiredShot:
        station = self._truth.stations[shot.station]
        edges_ns = [self.belt.time_of_count(t) for t in (shot.open_tick, shot.close_tick)]
        air_mm = [self.belt.travel_mm(at_ns + self._lag_ns(shot.station)) for at_ns in edges_ns]
        if self._strip is not None:
            x, s = station.place_mm(shot.valve)
            self._hit(self._strip, x, sum(air_mm) / 2 - s, abs(air_mm[1] - air_mm[0]) / 2)
        speed = self.belt.speed_at((edges_ns[0] + edges_ns[1]) // 2)
        return FiredShot(
            shot=shot,
            open_tick=shot.open_tick,
            close_tick=shot.close_tick,
            ticks_per_s=speed / self._truth.mm_per_tick,
        )

    def _lag_ns(self, station: int) -> int:
        bar = self._truth.stations[station]
        return round((bar.lag_ms + float(self._rng.normal(0, bar.jitter_ms))) * NS_PER_MS)

    def _hit(self, strip: _Strip, x_mm: float, y_mm: float, half_mm: float) -> None:
        """Note a hit in the strip's own frame: x across, y up (downstream as it was laid)."""
        dx, ds = x_mm - strip.x_mm, strip.y_mm - y_mm
        cos, sin = np.cos(strip.turn_rad), np.sin(strip.turn_rad)
        across, up = cos * dx + sin * ds, -sin * dx + cos * ds
        if 0 <= across <= STRIP_MM[0] and -half_mm <= up <= STRIP_MM[1] + half_mm:
            strip.hits.append((float(across), float(up), half_mm))

    def _laid_strip(self) -> tuple[float, float, float]:
        return laid_strip(self._truth, self._rng)

    def _on_belt(self, place: tuple[float, float, float]) -> tuple[float, float, float]:
        x_mm, s_mm, turn_rad = place
        return x_mm, self.belt.travel_mm(self.belt.now_ns) - s_mm, turn_rad

    def _printed(self) -> BoardSpec:
        if not self.mischief.other_board:
            return self._spec
        return next(board for board in BOARDS if board.name != self._spec.name)

    def _expose(self, true_ns: MonotonicNs) -> Photograph:
        truth, travel = self._truth, self.belt.travel_mm(true_ns)
        jitter_ms = float(self._rng.normal(0, truth.stamp_jitter_ms))
        stamped_ns = MonotonicNs(true_ns + round((truth.camera_delay_ms + jitter_ms) * NS_PER_MS))
        speed = self.belt.speed_at(true_ns)
        smear_mm = speed * truth.exposure_ms * 1e-3
        image = self.camera.expose(travel, self._things(travel), smear_mm=smear_mm)
        return Photograph(
            image=self._spoilt(image),
            exposed_ns=stamped_ns,
            tick=self.belt.read_tick(stamped_ns),
            ticks_per_s=self.belt.speed_at(stamped_ns) / truth.mm_per_tick,
        )

    def _things(self, travel_mm: float) -> tuple[Placed, ...]:
        things = self._props.seen_by(self.camera, travel_mm)
        if self._strip is not None:
            strip = self._strip
            thing, s = strip_print(strip.hits), travel_mm - strip.y_mm
            things.append(self.camera.on_belt(thing, strip.x_mm, s, strip.turn_rad))
        if self._board is not None and not self.mischief.face_down:
            x, y, turn = self._board
            thing = board_print(self._printed(), self._truth.print_scale)
            if self.mischief.upside_down:
                across, along = thing.size_mm
                x += np.cos(turn) * across - np.sin(turn) * along
                y -= np.sin(turn) * across + np.cos(turn) * along
                turn += np.pi
            things.append(self.camera.on_belt(thing, x, travel_mm - y, turn))
        if self._held is not None and not self.mischief.face_down:
            things.append(self._held)
        if self._card is not None:
            things.append(self._card)
        return tuple(things)

    def _spoilt(self, image: Image) -> Image:
        mischief = self.mischief
        if mischief == Mischief():
            return image
        spoilt = image[:, _MIRROR].copy() if mischief.mirrored else image.copy()
        if mischief.shaking:
            spoilt = np.asarray(cv2.GaussianBlur(spoilt, (0, 0), mischief.shaking), np.uint8)
        spoilt[:, : int(spoilt.shape[1] * mischief.covered_share)] = 60
        if mischief.glare:
            height, width = spoilt.shape[:2]
            v, u = np.mgrid[0:height, 0:width]
            radius2 = (u - width / 2) ** 2 + (v - height / 2) ** 2
            shine = 600.0 * np.exp(-radius2 / (2 * (height / 4) ** 2))
            spoilt = np.clip(spoilt + shine[..., None], 0, 255).astype(np.uint8)
        return spoilt
