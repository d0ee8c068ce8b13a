"""What an error of the calibration costs in purity and recovery: the table of the drift limits.

The standard scenario is sorted with a calibration that is wrong by so much along or across the
belt (perfect detector), and by the shipped detector with a lens that is so much out of focus or a
light that is so much weaker.
"""

import dataclasses
import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import numpy as np
from rich.console import Console

from benchmarks.result import Figures
from benchmarks.standard_line import standard_line
from calibration.line_calibration import LineCalibration
from twin.simulation import DetectorChoice, SimulationRequest, simulate_twin
from twin.viewpoint import true_calibration
from vision.types import Fraction

_ERRORS_MM: Final = (3.0, 6.0, 10.0, 20.0, 30.0)
_BLURS_PX: Final = (0.7, 1.5, 3.0)
_DARKER: Final = (0.15, 0.3, 0.6)


def shifted(calibration: LineCalibration, x_mm: float, s_mm: float) -> LineCalibration:
    """Return a calibration that places everything so far off."""
    move = np.array([[1, 0, x_mm], [0, 1, s_mm], [0, 0, 1.0]])
    plane = calibration.plane
    moved = dataclasses.replace(plane, homography=move @ plane.homography)
    return dataclasses.replace(calibration, plane=moved)


def score(what: str, size: float, items: int) -> tuple[float, float]:
    """Return purity and recovery of plastic by mass, in points, with one thing wrong.

    Args:
        what: along, across, blur or dark.
        size: of the error, mm, px or share; 0 for none.
        items: how many.
    """
    standard = standard_line()
    twin, believed = standard.twin.with_changes(occupancy=0.10), None
    detector = DetectorChoice.PERFECT
    if what in ("along", "across"):
        true = true_calibration(twin, mm_per_tick=standard.mm_per_tick)
        off = (size, 0.0) if what == "across" else (0.0, size)
        believed = shifted(true, *off)
    else:
        detector = DetectorChoice.SHIPPED
        camera = twin.camera
        changed = (
            {"blur_sd_px": float(np.hypot(camera.blur_sd_px, size))}
            if what == "blur"
            else {"light": 1.0 - size}
        )
        twin = twin.model_copy(update={"camera": camera.model_copy(update=changed)})
    result = simulate_twin(
        SimulationRequest(
            line=standard.line,
            twin=twin,
            items=items,
            photographs=None,
            detector=detector,
            observer=None,
            believed=believed,
        ),
        lambda _: None,
    )
    plastic = dict(result.fractions or ())[Fraction.PLASTIC]
    return 100 * (plastic.purity_mass or 0.0), 100 * (plastic.recovery_mass or 0.0)


def run(*, quick: bool, console: Console, **_: str) -> Figures:
    """Sort with each error and without, and tell the greater loss of purity and recovery."""
    items = {"along": 600, "across": 600, "blur": 120, "dark": 120}
    if not quick:
        items = {"along": 3000, "across": 3000, "blur": 600, "dark": 600}
    sizes = {"along": _ERRORS_MM, "across": _ERRORS_MM, "blur": _BLURS_PX, "dark": _DARKER}
    console.print("sorting with each error ...")
    with ProcessPoolExecutor(
        max_workers=len(os.sched_getaffinity(0)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=logging.disable,
        initargs=(logging.ERROR,),
    ) as pool:
        # Nothing wrong along the belt is nothing wrong across it.
        right = {"along": "along", "across": "along", "blur": "blur", "dark": "blur"}
        wanted = {(right[what], 0.0) for what in sizes}
        wanted |= {(what, size) for what, wrong in sizes.items() for size in wrong}
        work = {
            (what, size): pool.submit(score, what, size, items[what])
            for what, size in sorted(wanted)
        }
        scores = {key: future.result() for key, future in work.items()}
    values = []
    for what, wrong in sizes.items():
        purity, recovery = scores[right[what], 0.0]
        for size in wrong:
            lost = max(purity - scores[what, size][0], recovery - scores[what, size][1])
            values.append((f"points_lost_{what}_{size:g}", max(lost, 0.0)))
    return Figures(
        values=tuple(values),
        notes=(
            (
                "plastic by mass, standard scenario at 10 % occupancy; along and across in mm "
                "with the perfect detector, blur in px and share of light lost with the shipped one"
            ),
        ),
    )
