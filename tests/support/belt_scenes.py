"""Made-up items on a belt, and what a camera over it would report of them."""

from dataclasses import dataclass

import numpy as np

from calibration.line_calibration import LineCalibration
from calibration.units import MonotonicNs
from controller.config import FractionRule, LimitsConfig, RecipeConfig
from controller.stations import JetBarConfig
from controller.step import LineStatus
from controller.types import ActionPolicy
from tests.support.rigs import standard_calibration
from vision.mass import estimate_mass_g
from vision.outline import support_of_boxes
from vision.tracking.motion import BeltStates
from vision.tracking.scene import BeltScene
from vision.types import FRACTIONS, Detections, Fraction, FrameStamp

CALIBRATION: LineCalibration = standard_calibration()
MM_PER_TICK = CALIBRATION.travel.mm_per_tick
SPEED_MM_PER_S = 2800.0
TICKS_PER_S = SPEED_MM_PER_S / MM_PER_TICK
PERIOD_NS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LyingItem:
    """An item on the belt; y in the belt frame at time 0, slip constant."""

    x_mm: float
    y_mm: float
    width_mm: float = 80.0
    length_mm: float = 80.0
    fraction: Fraction = Fraction.PLASTIC
    score: float = 0.9
    slip_x_mm_per_s: float = 0.0
    slip_y_mm_per_s: float = 0.0

    def position_mm(self, at_s: float) -> tuple[float, float]:
        """Return x and y at a time."""
        return self.x_mm + self.slip_x_mm_per_s * at_s, self.y_mm + self.slip_y_mm_per_s * at_s


def stamp(seq: int, *, travel_mm: float, period_ns: int = PERIOD_NS) -> FrameStamp:
    """Return the stamp of frame `seq` at a belt travel."""
    return FrameStamp(
        seq=seq, exposed_ns=MonotonicNs(seq * period_ns), tick=travel_mm / MM_PER_TICK
    )


def steady_stamp(seq: int) -> FrameStamp:
    """Return the stamp of frame `seq` on a belt at constant speed."""
    return stamp(seq, travel_mm=SPEED_MM_PER_S * seq * PERIOD_NS / 1e9)


def status(frame: FrameStamp, **changes: float | bool) -> LineStatus:
    """Return the status of a healthy line 25 ms after a frame."""
    values: dict[str, float | bool] = {
        "may_fire": True,
        "now_tick": frame.tick + 0.025 * TICKS_PER_S,
        "tick_sd": 0.5,
        "ticks_per_s": TICKS_PER_S,
        "frame_age_ms": 25.0,
    }
    values.update(changes)
    return LineStatus(**values)  # type: ignore[arg-type]


def scores_of(fraction: Fraction, score: float) -> list[float]:
    """Return class scores with one fraction standing out."""
    return [score if f is fraction else 0.02 for f in FRACTIONS]


def detections(
    items: list[LyingItem], frame: FrameStamp, calibration: LineCalibration = CALIBRATION
) -> Detections:
    """Return what a perfect detector reports: boxes clipped at the image border."""
    travel_mm = calibration.travel.travel_mm(frame.tick)
    plane = calibration.plane
    size = np.array([plane.image_width_px, plane.image_height_px] * 2, dtype=np.float64)
    boxes, scores = [], []
    for item in items:
        x_mm, y_mm = item.position_mm(frame.exposed_ns / 1e9)
        s_mm = travel_mm - y_mm
        half_x, half_s = item.width_mm / 2, item.length_mm / 2
        low_mm, high_mm = calibration.view_s_min_mm - 10, calibration.view_s_max_mm + 10
        if s_mm + half_s < low_mm or s_mm - half_s > high_mm:
            continue
        corners = plane.to_image_px(
            [[x_mm + a * half_x, s_mm + b * half_s] for a in (-1, 1) for b in (-1, 1)]
        )
        box = np.clip([*corners.min(axis=0), *corners.max(axis=0)], 0.0, size)
        if box[2] - box[0] >= 4.0 and box[3] - box[1] >= 4.0:
            boxes.append(box)
            scores.append(scores_of(item.fraction, item.score))
    return Detections(
        boxes_px=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        scores=np.array(scores, dtype=np.float32).reshape(-1, len(FRACTIONS)),
    )


def station(name: str = "plastic", distance_mm: float = 600.0, **changes: float) -> JetBarConfig:
    """Return a bar of the standard scenario."""
    values: dict[str, float] = {
        "valve_count": 80,
        "valve_pitch_mm": 12.5,
        "first_valve_x_mm": 6.25,
        "valve_open_lag_ms": 4.0,
        "valve_close_lag_ms": 4.0,
        "valve_jitter_ms": 1.0,
        "min_open_ms": 8.0,
        "max_open_ms": 200.0,
        "max_duty": 0.6,
        "duty_window_ms": 1000.0,
    }
    values.update(changes)
    return JetBarConfig(name=name, distance_mm=distance_mm, **values)  # type: ignore[arg-type]


def recipe(**changes: object) -> RecipeConfig:
    """Return a recipe: plastic to its bar, lamps stop the line, the rest passes."""
    rules = {f: FractionRule(action=ActionPolicy.PASS, min_probability=0.5) for f in Fraction}
    rules[Fraction.PLASTIC] = FractionRule(
        action=ActionPolicy.EJECT, station="plastic", min_probability=0.5
    )
    rules[Fraction.MERCURY_LAMP] = FractionRule(
        action=ActionPolicy.STOP_AND_ALARM, min_probability=0.5
    )
    values: dict[str, object] = {
        "name": "test",
        "fractions": rules,
        "max_mass_g": 400.0,
        "lead_margin_ms": 2.0,
        "trail_margin_ms": 2.0,
        "side_margin_mm": 4.0,
        "hazard_keep_out_mm": 40.0,
        "hazard_inhibit_probability": 0.15,
        "max_by_catch_ratio": 0.6,
        "air_price_g_per_valve_s": 0.0,
    }
    values.update(changes)
    return RecipeConfig(**values)  # type: ignore[arg-type]


LIMITS = LimitsConfig(
    max_frame_age_ms=120.0,
    belt_on_camera_loss="stop",
    max_tick_sd=8.0,
    command_lead_ms=15.0,
    confirm_timeout_ms=500.0,
    frame_period_ms=20.0,
    inference_ms=12.0,
    planning_ms=2.0,
)


def posterior_of(fraction: Fraction, probability: float) -> list[float]:
    """Return class probabilities with one fraction at `probability`, the rest shared evenly."""
    rest = (1.0 - probability) / (len(FRACTIONS) - 1)
    return [probability if f is fraction else rest for f in FRACTIONS]


def scene(
    items: list[LyingItem], *, travel_mm: float, track_ids: list[int] | None = None
) -> BeltScene:
    """Return a belt on which every item is known well; `score` stands for the probability."""
    n = len(items)
    position = np.array([[i.x_mm for i in items], [i.y_mm for i in items]]).reshape(2, n)
    extent = np.array([[i.width_mm for i in items], [i.length_mm for i in items]]).reshape(2, n)
    slip = np.array(
        [[i.slip_x_mm_per_s for i in items], [i.slip_y_mm_per_s for i in items]]
    ).reshape(2, n)
    rows = np.array([posterior_of(i.fraction, i.score) for i in items])
    posterior = rows.reshape(n, len(FRACTIONS)).T
    mass_g, mass_sd_g = estimate_mass_g(posterior, extent)
    return BeltScene(
        tick=travel_mm / MM_PER_TICK,
        travel_mm=travel_mm,
        states=BeltStates(
            position_mm=position,
            slip_mm_per_s=slip,
            position_var=np.full((2, n), 1.0),
            cross_var=np.zeros((2, n)),
            slip_var=np.full((2, n), 25.0),
        ),
        extent_mm=extent,
        support_mm=support_of_boxes(extent),
        posterior=posterior,
        mass_g=mass_g,
        mass_sd_g=mass_sd_g,
        track_id=np.array(track_ids or range(1, n + 1), dtype=np.int64).reshape(n),
        views=np.full(n, 5),
        first_seq=np.ones(n, dtype=np.int64),
        last_seq=np.full(n, 5),
        decided=np.zeros(n, dtype=np.bool_),
        open_ended=np.zeros(n, dtype=np.bool_),
    )
