"""What a rig truly is: lens and pose of its camera, scale, delays, valves; drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.solve.views import Lens, rotations
from controller.stations import JetBarConfig
from twin.config import TwinConfig
from twin.viewpoint import true_plane, view_across_mm

_DOWN = np.diag((1.0, -1.0, -1.0))
"""A camera that looks straight down with the image's top downstream, from the machine frame with
z up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueStation:
    """A jet bar as it truly hangs.

    Attributes:
        name: of the station.
        count: valves.
        pitch_mm: between valves.
        first_x_mm: lateral place of valve 0.
        distance_mm: nozzle line from the reference line at the bar's middle.
        tilt_mm_per_m: farther downstream per metre of x.
        lag_ms: from a commanded edge to the air's, opening and closing alike.
        jitter_ms: standard deviation of that.
    """

    name: str
    count: int
    pitch_mm: float
    first_x_mm: float
    distance_mm: float
    tilt_mm_per_m: float
    lag_ms: float
    jitter_ms: float

    def place_mm(self, valve: int) -> tuple[float, float]:
        """Return x and s of a valve's nozzle."""
        x = self.first_x_mm + valve * self.pitch_mm
        middle = self.first_x_mm + (self.count - 1) * self.pitch_mm / 2
        return x, self.distance_mm + self.tilt_mm_per_m * (x - middle) / 1000.0


@dataclass(frozen=True, kw_only=True)
class RigTruth:
    """Everything a calibration has to find, and the noise it has to find it in.

    Attributes:
        lens: of the camera.
        turn: (3, 3) from the machine frame (z up) to the camera frame.
        shift_mm: (3,) the machine frame's zero in the camera frame.
        image_size_px: (width, height).
        belt_width_mm: of the belt.
        mm_per_tick: belt travel per tick.
        camera_delay_ms: stamps are this much later than the exposure's middle.
        stations: jet bars.
        blur_px: defocus.
        noise_sd: grey levels.
        vignette: loss of light in the corners.
        exposure_ms: smears what moves.
        frames_per_s: of the camera.
        speed_mm_per_s: nominal belt speed.
        stamp_jitter_ms: spread of the camera's stamps.
        print_scale: true size of the printed board over what the technician gives.
        place_sd_mm: how well a person lays something onto a mark.
        tape_sd_mm: how well a person reads a tape over two metres.
        seen_mm: left and right end of the belt that the camera shall see; all of it where None.
    """

    lens: Lens
    turn: Float64Array
    shift_mm: Float64Array
    image_size_px: tuple[int, int]
    belt_width_mm: float
    mm_per_tick: float
    camera_delay_ms: float
    stations: tuple[TrueStation, ...]
    blur_px: float = 0.5
    noise_sd: float = 2.5
    vignette: float = 0.15
    exposure_ms: float = 0.4
    frames_per_s: float = 50.0
    speed_mm_per_s: float = 1500.0
    stamp_jitter_ms: float = 0.1
    print_scale: float = 1.0
    place_sd_mm: float = 0.15
    tape_sd_mm: float = 0.3
    seen_mm: tuple[float, float] | None = None

    @property
    def across_mm(self) -> tuple[float, float]:
        """Left and right end of the belt that the camera shall see."""
        return self.seen_mm or (0.0, self.belt_width_mm)

    @property
    def plane(self) -> BeltPlane:
        """The true belt plane."""
        axes = np.column_stack((self.turn[:, :2], self.shift_mm))
        homography = np.linalg.inv(self.lens.camera_matrix @ axes)
        return BeltPlane(
            camera_matrix=self.lens.camera_matrix,
            distortion=np.array(self.lens.distortion),
            homography=homography / homography[2, 2],
            image_width_px=self.image_size_px[0],
            image_height_px=self.image_size_px[1],
        )


def random_rig(seed: int) -> RigTruth:
    """Draw a rig: a camera hung by hand over a metre of belt, a bar screwed on by hand."""
    rng = np.random.default_rng([seed, 0xCA11])
    width, height = 640, 320
    focal = width * rng.uniform(1.05, 1.5)
    lens = Lens(
        focal_px=(focal, focal * rng.normal(1.0, 0.002)),
        centre_px=(width / 2 + rng.normal(0, 6), height / 2 + rng.normal(0, 6)),
        distortion=(
            rng.uniform(-0.22, 0.05),
            rng.uniform(-0.05, 0.1),
            rng.normal(0, 7e-4),
            rng.normal(0, 7e-4),
            rng.normal(0, 0.02),
        ),
    )
    belt_mm = 1000.0
    tilt = rotations(np.array([[*np.radians(rng.normal(0, 2.0, 2)), np.radians(rng.normal(0, 1))]]))
    turn = tilt[0] @ _DOWN
    # The belt's width and a little more fills the image.
    height_mm = focal * belt_mm * rng.uniform(1.05, 1.12) / width
    beside = np.array((belt_mm / 2 + rng.normal(0, 6), rng.normal(0, 8), height_mm))
    station = TrueStation(
        name="plastic",
        count=80,
        pitch_mm=12.5 * rng.normal(1.0, 0.001),
        first_x_mm=6.25 + rng.normal(0, 3),
        distance_mm=600.0 + rng.normal(0, 10),
        tilt_mm_per_m=rng.normal(0, 3),
        lag_ms=rng.uniform(2.5, 6.0),
        jitter_ms=rng.uniform(0.3, 1.0),
    )
    return RigTruth(
        lens=lens,
        turn=turn,
        shift_mm=-turn @ beside,
        image_size_px=(width, height),
        belt_width_mm=belt_mm,
        mm_per_tick=0.5 * rng.normal(1.0, 0.01),
        camera_delay_ms=rng.uniform(0.0, 12.0),
        stations=(station,),
        blur_px=rng.uniform(0.3, 0.8),
        noise_sd=rng.uniform(1.5, 4.0),
        vignette=rng.uniform(0.05, 0.35),
        speed_mm_per_s=rng.uniform(1000, 2000),
        print_scale=rng.normal(1.0, 1.5e-4),
    )


def rig_of(
    config: TwinConfig, stations: Sequence[JetBarConfig], *, mm_per_tick: float, index: int = 0
) -> RigTruth:
    """Return the twin of a line file as a rig: a camera and the belt, its bars where they are.

    Args:
        config: of the world.
        stations: jet bars.
        mm_per_tick: the encoder's scale.
        index: of the camera, from the left.
    """
    plane = true_plane(config, index)
    matrix = _upright_camera(plane)
    axes = np.linalg.inv(matrix) @ np.linalg.inv(plane.homography)
    axes = axes / np.linalg.norm(axes[:, :2], axis=0).mean()
    axes = axes * np.sign(axes[2, 2])
    third = np.cross(axes[:, 0], axes[:, 1])
    camera, belt = config.camera, config.belt
    k1, k2, p1, p2, k3 = (float(value) for value in plane.distortion)
    return RigTruth(
        lens=Lens(
            focal_px=(float(matrix[0, 0]), float(matrix[1, 1])),
            centre_px=(float(matrix[0, 2]), float(matrix[1, 2])),
            distortion=(k1, k2, p1, p2, k3),
        ),
        turn=np.column_stack((axes[:, 0], axes[:, 1], third)),
        shift_mm=axes[:, 2],
        image_size_px=(camera.width_px, camera.height_px),
        belt_width_mm=belt.width_mm,
        mm_per_tick=mm_per_tick,
        camera_delay_ms=0.0,
        stations=tuple(
            TrueStation(
                name=station.name,
                count=station.valve_count,
                pitch_mm=station.valve_pitch_mm,
                first_x_mm=station.first_valve_x_mm,
                distance_mm=station.distance_mm,
                tilt_mm_per_m=station.tilt_mm_per_m,
                lag_ms=(config.air.open_lag_ms + config.air.close_lag_ms) / 2,
                jitter_ms=config.air.jitter_ms,
            )
            for station in stations
        ),
        blur_px=camera.blur_sd_px,
        noise_sd=camera.noise_sd,
        vignette=camera.vignette,
        exposure_ms=camera.exposure_ms,
        frames_per_s=camera.frames_per_s,
        speed_mm_per_s=belt.speed_mm_per_s,
        seen_mm=view_across_mm(config, index),
    )


def _upright_camera(plane: BeltPlane) -> Float64Array:
    """Return the pinhole camera that sees the belt by the plane's homography.

    The belt's two axes are of one length and square to each other in space, which settles the
    vertical focal length once the horizontal one is chosen (Zhang, 2000, section 2.2). The twin
    itself draws with equal focal lengths, for which no rigid camera sees its keystone; what its
    lens bends differs by some hundredths of a pixel.
    """
    matrix = plane.camera_matrix.copy()
    to_px = np.linalg.inv(plane.homography)
    across, along = to_px[:, 0], to_px[:, 1]
    (ax, ay), (bx, by) = (axis[:2] - matrix[:2, 2] * axis[2] for axis in (across, along))
    square = (ax**2 - bx**2) / matrix[0, 0] ** 2 + across[2] ** 2 - along[2] ** 2
    matrix[1, 1] = np.sqrt((by**2 - ay**2) / square)
    return matrix
