"""The share of an item that a jet window is expected to catch, given where the item may be."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from calibration.nozzle import jet_thrust_n

Float64Array = npt.NDArray[np.float64]

_LIFTED_G_PER_CM_S: Final = 420.0
"""Mass per blown area that the reference bar's jets just carry over the splitter, times belt speed.

A 1.5 mm nozzle at 300 kPa gives 0.72 N; at 12.5 mm pitch and 2.8 m/s that is 20 N s per m² of belt
blown over. The splitter stands 0.1 m high 0.4 m behind the bar, with the fall on the way that takes
1.4 m/s, hence 15 kg/m² or 1.5 g/cm² at 280 cm/s. Air acts the longer the slower the belt; the speed
needed at the splitter changes little between 2 and 4 m/s.
"""
_REFERENCE_NOZZLE_MM, _REFERENCE_KPA, _REFERENCE_PITCH_MM = 1.5, 300.0, 12.5
_TARGET_MARGIN: Final = 1.5
"""A target counts as needing half as much air again as its mass does: it may be round and let part
of the jet go by, or lie askew."""
_LEAST_TARGET_SHARE, _LEAST_NEIGHBOUR_SHARE = 0.2, 0.06
"""Smallest shares needed for even odds: even film has to be met near its middle, and no breath
takes it along."""
_LEAST_LOG_SD: Final = 0.6
"""Least spread of the logarithm of the share needed: shape, stiffness, where the jet meets it."""
_SMALLEST_SHARE: Final = 1e-6
_INVERSE_SQRT_2PI: Final = 1.0 / math.sqrt(2.0 * math.pi)
_SMALLEST_SD_MM: Final = 0.1
_MM2_PER_CM2: Final = 100.0
_MM_PER_CM: Final = 10.0


def expected_overlap_mm(
    low_mm: Float64Array,
    high_mm: Float64Array,
    centre_mm: Float64Array,
    half_mm: Float64Array,
    sd_mm: Float64Array,
) -> Float64Array:
    """Return the expected length that a fixed interval shares with an uncertain one.

    The overlap of [low, high] with [c - half, c + half] is a sum of four ramps max(0, c - k); each
    ramp's expectation for normal c is sd * phi(z) + (c - k) * Phi(z).

    Args:
        low_mm: lower ends of the fixed intervals.
        high_mm: their upper ends.
        centre_mm: means of the uncertain centres.
        half_mm: half lengths of the uncertain intervals.
        sd_mm: standard deviations of the centres.

    Returns:
        Expected overlaps, all arguments broadcast against each other.
    """
    sd = np.maximum(sd_mm, _SMALLEST_SD_MM)
    knots = np.stack(
        np.broadcast_arrays(
            low_mm - half_mm, low_mm + half_mm, high_mm - half_mm, high_mm + half_mm
        )
    )
    distance = centre_mm - knots
    z = distance / sd
    ramp = sd * _INVERSE_SQRT_2PI * np.exp(-0.5 * z * z) + distance * ndtr(z)
    overlap = ramp[0] - ramp[1] - ramp[2] + ramp[3]
    return np.asarray(np.maximum(overlap, 0.0), dtype=np.float64)


def lifted_g_per_cm_s(*, nozzle_mm: float, nozzle_kpa: float, pitch_mm: float) -> float:
    """Return the mass per blown area that a bar just carries over the splitter, times belt speed.

    In proportion to the thrust per width of belt, from the reference bar's.

    Args:
        nozzle_mm: diameter of its nozzles.
        nozzle_kpa: gauge pressure in front of them.
        pitch_mm: between neighbouring nozzles.
    """
    reference_n = jet_thrust_n(nozzle_mm=_REFERENCE_NOZZLE_MM, nozzle_kpa=_REFERENCE_KPA)
    thrust_n = jet_thrust_n(nozzle_mm=nozzle_mm, nozzle_kpa=nozzle_kpa)
    return _LIFTED_G_PER_CM_S * (thrust_n / reference_n) * (_REFERENCE_PITCH_MM / pitch_mm)


def target_share(
    mass_g: Float64Array, area_mm2: Float64Array, speed_mm_per_s: float, lifted: float
) -> Float64Array:
    """Return the share of a target's area that the air must sweep for even odds that it leaves.

    Args:
        mass_g: of the items.
        area_mm2: of their outlines.
        speed_mm_per_s: of the belt.
        lifted: of the bar, from `lifted_g_per_cm_s`.
    """
    needed = _TARGET_MARGIN * _needed_share(mass_g, area_mm2, speed_mm_per_s, lifted)
    return np.asarray(np.clip(needed, _LEAST_TARGET_SHARE, 1.0), dtype=np.float64)


def neighbour_share(
    mass_g: Float64Array, area_mm2: Float64Array, speed_mm_per_s: float, lifted: float
) -> Float64Array:
    """Return the share of a neighbour's area that air takes it along from with even odds.

    Args:
        mass_g: of the items.
        area_mm2: of their outlines.
        speed_mm_per_s: of the belt.
        lifted: of the bar, from `lifted_g_per_cm_s`.
    """
    needed = _needed_share(mass_g, area_mm2, speed_mm_per_s, lifted)
    return np.asarray(np.clip(needed, _LEAST_NEIGHBOUR_SHARE, 1.0), dtype=np.float64)


def _needed_share(
    mass_g: Float64Array, area_mm2: Float64Array, speed_mm_per_s: float, lifted: float
) -> Float64Array:
    g_per_cm2 = mass_g / np.maximum(area_mm2 / _MM2_PER_CM2, 1e-6)
    return g_per_cm2 * (speed_mm_per_s / _MM_PER_CM) / lifted


def catch_probability(
    share: Float64Array, needed: Float64Array, log_sd: Float64Array
) -> Float64Array:
    """Return the probability that an item leaves the belt.

    Its mass is known within a factor, and so is the air it needs: the share needed is log-normal
    about the one for even odds.

    Args:
        share: of its area that air sweeps.
        needed: share with which it leaves as likely as not.
        log_sd: spread of the logarithm of that.
    """
    distance = np.log(np.maximum(share, _SMALLEST_SHARE) / needed) / log_sd
    return np.asarray(ndtr(distance), dtype=np.float64)


def need_log_sd(mass_g: Float64Array, mass_sd_g: Float64Array) -> Float64Array:
    """Return the spread of the logarithm of the share needed, from that of the mass."""
    relative = mass_sd_g / np.maximum(mass_g, 1e-6)
    return np.asarray(np.maximum(np.sqrt(np.log1p(relative**2)), _LEAST_LOG_SD), dtype=np.float64)


def median_mass_g(mass_g: Float64Array, mass_sd_g: Float64Array) -> Float64Array:
    """Return the median of log-normal masses with these means and standard deviations."""
    relative = mass_sd_g / np.maximum(mass_g, 1e-6)
    return np.asarray(mass_g / np.sqrt(1.0 + relative**2), dtype=np.float64)
