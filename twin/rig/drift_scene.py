"""A running line whose calibration stops being true: what its camera shows, before and after."""

import dataclasses
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.drift.window import Lamp
from calibration.solve.views import rotations
from twin.rig.photographs import Image, Photographer, Placed, Print
from twin.rig.truth import RigTruth

PAIR_S: Final = 0.04
"""From a frame to the next one, which are compared for the belt's way."""
LOOK_S: Final = 1.0
"""From a pair of frames to the next."""
_LAMP_REACH_MM: Final = 420.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfortune:
    """What happens to the line; nothing by default.

    Attributes:
        tilt_deg: the camera is knocked: turned about its (x, y, z) axes.
        blur_px: the lens loses focus: further spread.
        dirt: (column, row, radius, share) in px: a smear on the window and the light it takes.
        lamp: (index, share): a lamp loses this share of its light.
        slip_share: of the belt's way that the encoder does not follow.
    """

    tilt_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    blur_px: float = 0.0
    dirt: tuple[float, float, float, float] | None = None
    lamp: tuple[int, float] | None = None
    slip_share: float = 0.0


class DriftScene:
    """Frames of a running line with items on its belt. One thread."""

    def __init__(self, truth: RigTruth, *, seed: int) -> None:
        """Let the belt run.

        Args:
            truth: of the rig, as it was calibrated.
            seed: of items and noise.
        """
        self._truth, self._seed = truth, seed
        self._rng = np.random.default_rng([seed, 0xD21F])
        self._camera = Photographer(truth, seed=seed)
        self._calm_light = self._camera.light
        self._travel_mm, self._tick = 0.0, 0.0
        self._slip = 0.0
        self._items: list[tuple[Print, float, float, float]] = []
        self.items_in_view = 5
        """Thrown onto the belt for each look."""

    @property
    def lamps(self) -> tuple[Lamp, ...]:
        """Two rows of lamps, over the left and the right of the belt."""
        return tuple(
            Lamp(
                name=name, x_mm=share * self._truth.belt_width_mm, s_mm=0.0, reach_mm=_LAMP_REACH_MM
            )
            for name, share in (("left lamp", 0.2), ("right lamp", 0.8))
        )

    def happen(self, what: Misfortune) -> None:
        """Let something happen to the line, from the next frame on."""
        truth = self._truth
        turn = rotations(np.radians(np.array([what.tilt_deg])))[0]
        knocked = dataclasses.replace(truth, turn=turn @ truth.turn, shift_mm=turn @ truth.shift_mm)
        self._camera = Photographer(knocked, seed=self._seed + 1)
        self._camera.blur_px = float(np.hypot(truth.blur_px, what.blur_px))
        light = self._calm_light.copy()
        if what.dirt is not None:
            light *= self._smear(*what.dirt)
        if what.lamp is not None:
            light *= 1.0 - what.lamp[1] * self._share_of(what.lamp[0])
        self._camera.light = light
        self._slip = what.slip_share

    def single(self) -> Image:
        """Return one frame, and let time pass."""
        self._items = []
        return self._frame(LOOK_S)[0]

    def pair(self) -> tuple[tuple[Image, float], tuple[Image, float]]:
        """Return two frames shortly after one another with their ticks, and let time pass."""
        self._items = []
        return self._frame(LOOK_S - PAIR_S), self._frame(PAIR_S)

    def _frame(self, wait_s: float) -> tuple[Image, float]:
        speed = self._truth.speed_mm_per_s
        # Looks are not in step with the belt's loop.
        share = self._rng.uniform(0.6, 1.4) if wait_s > PAIR_S else self._rng.uniform(0.98, 1.02)
        way_mm = speed * wait_s * float(share)
        self._travel_mm += way_mm
        self._tick += way_mm * (1.0 - self._slip) / self._truth.mm_per_tick
        if not self._items:
            self._items = self._new_items()
        smear_mm = speed * self._truth.exposure_ms * 1e-3
        image = self._camera.expose(self._travel_mm, self._lying(), smear_mm=smear_mm)
        return image, self._tick + float(self._rng.normal(0, 0.3))

    def _new_items(self) -> list[tuple[Print, float, float, float]]:
        """Throw items onto the belt: what, x, belt coordinate and turn of each."""
        draw = self._rng
        return [
            (
                Print(
                    picture=np.full((40, 60), int(draw.uniform(20, 230)), np.uint8),
                    mm_per_px=float(draw.uniform(0.8, 3.0)),
                ),
                float(draw.uniform(20, 900)),
                self._travel_mm - float(draw.uniform(-260, 220)),
                float(draw.uniform(0, 2 * np.pi)),
            )
            for _ in range(self.items_in_view)
        ]

    def _lying(self) -> tuple[Placed, ...]:
        return tuple(
            self._camera.on_belt(thing, x, self._travel_mm - y, turn)
            for thing, x, y, turn in self._items
        )

    def _smear(
        self, column: float, row: float, radius: float, share: float
    ) -> npt.NDArray[np.float32]:
        height, width = self._calm_light.shape
        v, u = np.mgrid[0:height, 0:width]
        near = np.exp(-((((u - column) ** 2 + (v - row) ** 2) / (2 * radius**2)) ** 2))
        return np.asarray(1.0 - share * near, dtype=np.float32)

    def _share_of(self, index: int) -> npt.NDArray[np.float32]:
        height, width = self._calm_light.shape
        u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        places = self._truth.plane.to_machine_mm(np.column_stack((u.ravel(), v.ravel())))
        light = [
            np.exp(-(((places - (lamp.x_mm, lamp.s_mm)) / lamp.reach_mm) ** 2).sum(axis=1))
            for lamp in self.lamps
        ]
        return np.asarray((light[index] / sum(light)).reshape(height, width), dtype=np.float32)
