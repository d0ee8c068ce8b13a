"""The figures of each procedure, as they are kept beside a calibration."""

from calibration.kept.record import Finding
from calibration.procedures.belt import BeltOutcome
from calibration.procedures.camera import CameraOutcome
from calibration.procedures.delay import DelayOutcome
from calibration.procedures.encoder import EncoderOutcome
from calibration.procedures.light import LightOutcome
from calibration.procedures.valves import HitCheck
from calibration.solve.views import LENS_NAMES
from calibration.station import MeasuredStation

_REGION_ROWS = ("top", "middle", "bottom")
_REGION_COLUMNS = ("left", "centre", "right")


def camera_findings(outcome: CameraOutcome) -> tuple[Finding, ...]:
    """Return errors in and out of the fit, by region, and the lens with its uncertainty."""
    fit = outcome.fit
    regions = (
        Finding(
            procedure="camera",
            name=f"error_{row}_{column}_px",
            value=float(fit.region_error_px[i, j]),
        )
        for i, row in enumerate(_REGION_ROWS)
        for j, column in enumerate(_REGION_COLUMNS)
        if fit.region_error_px[i, j] == fit.region_error_px[i, j]
    )
    return (
        Finding(procedure="camera", name="photographs", value=len(fit.kept)),
        Finding(procedure="camera", name="photographs_refused", value=outcome.refused),
        Finding(procedure="camera", name="fit_error_px", value=fit.fit_error_px),
        Finding(procedure="camera", name="hold_out_error_px", value=fit.hold_out_error_px),
        *regions,
        *(
            Finding(procedure="camera", name=name, value=float(value), sd=sd)
            for name, value, sd in zip(LENS_NAMES, fit.lens.vector, fit.sd, strict=True)
        ),
    )


def belt_findings(outcome: BeltOutcome) -> tuple[Finding, ...]:
    """Return how well places on the belt are known."""
    fit = outcome.fit
    return (
        Finding(procedure="belt", name="photographs_on_belt", value=len(outcome.views)),
        Finding(procedure="belt", name="belt_residual_mm", value=fit.residual_mm),
        Finding(
            procedure="belt", name="position_sd_mean_mm", value=float(fit.position_sd_mm.mean())
        ),
        Finding(
            procedure="belt", name="position_sd_worst_mm", value=float(fit.position_sd_mm.max())
        ),
        Finding(procedure="belt", name="board_askew_deg", value=fit.turn_deg),
    )


def encoder_findings(outcome: EncoderOutcome) -> tuple[Finding, ...]:
    """Return the belt's scale by every measurement, slip and drift."""
    scale, slip = outcome.scale, outcome.slip
    return (
        Finding(procedure="encoder", name="mm_per_tick", value=scale.mm_per_tick, sd=scale.sd),
        *(
            Finding(
                procedure="encoder",
                name=f"mm_per_tick_by_{m.source.replace(' ', '_')}",
                value=m.mm_per_tick,
                sd=m.sd,
            )
            for m in scale.measurements
        ),
        Finding(procedure="encoder", name="slip_share", value=slip.slip_share),
        Finding(procedure="encoder", name="drift_share", value=slip.drift_share),
    )


def delay_findings(outcome: DelayOutcome) -> tuple[Finding, ...]:
    """Return the camera's delay."""
    fit = outcome.fit
    return (
        Finding(procedure="delay", name="camera_delay_ms", value=fit.delay_ms, sd=fit.sd_ms),
        Finding(procedure="delay", name="delay_scatter_mm", value=fit.scatter_mm),
    )


def light_findings(outcome: LightOutcome) -> tuple[Finding, ...]:
    """Return exposure, evenness, white balance and noise."""
    fit = outcome.fit
    blue, _, red = fit.white_balance
    return tuple(
        Finding(procedure="light", name=name, value=value)
        for name, value in (
            ("grey_card_level", fit.level),
            ("exposure_factor", fit.exposure_factor),
            ("flat_field_gain_max", float(fit.gain.max())),
            ("vignette_share", fit.vignette_share),
            ("white_balance_blue", blue),
            ("white_balance_red", red),
            ("noise_levels", fit.noise_levels),
        )
    )


def station_findings(station: MeasuredStation, hits: HitCheck) -> tuple[Finding, ...]:
    """Return where a bar is and how jets hit that were aimed with everything measured."""
    name = station.name
    return (
        Finding(
            procedure="valves",
            name=f"{name}_distance_mm",
            value=station.distance_mm,
            sd=station.position_sd_mm,
        ),
        Finding(procedure="valves", name=f"{name}_tilt_mm_per_m", value=station.tilt_mm_per_m),
        Finding(
            procedure="valves",
            name=f"{name}_open_lag_ms",
            value=station.open_lag_ms,
            sd=station.hit_sd_ms,
        ),
        Finding(procedure="valves", name=f"{name}_hit_offset_mm", value=hits.offset_mm),
        Finding(procedure="valves", name=f"{name}_hit_sd_ms", value=hits.sd_ms),
    )
