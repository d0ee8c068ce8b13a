"""The published laws of optical sorting on the twin, with a picture of each.

Küppers 2020 (Detritus 9:59, and Waste Management & Research): yield falls exponentially with
throughput, purity linearly with occupancy with a slope set by the composition, yield does not
depend on the composition, 20 % dead valves cost about what 5 wt% of light film costs. KIT's
laboratory sorter: rates of accepting and rejecting at 100 and 200 g/s with 30 % targets.
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from benchmarks.law_scenes import (
    FILM,
    LABORATORY_SORTER,
    WASTE_SORTER,
    Grains,
    Kinds,
    laboratory_world,
    waste_world,
)
from benchmarks.reference_sorter import REJECT, TARGET, Sorted, mean_of, sort, with_dead_valves
from benchmarks.result import Figures
from twin.config import TwinConfig

OCCUPANCIES = (0.03, 0.06, 0.10, 0.15, 0.20, 0.25, 0.30)
COMPOSITIONS = (0.1, 0.3, 0.5)
"""Share of targets in the feed."""
FILM_WT = (0.0, 0.02, 0.04, 0.06, 0.08, 0.10)
DEAD_SHARE = 0.2
HIGH_LOAD = 0.20
"""Covered share of the belt without film at which film and dead valves are weighed; film comes on
top of it at the same mass flow."""
FLOWS_G_PER_S = (50.0, 100.0, 150.0, 200.0)
KIT_TARGETS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One curve to measure: which machine, which world, how much."""

    name: str
    key: tuple[float, ...]
    config: TwinConfig
    items: int


def run_law(law: Law) -> Sorted:
    """Run one trial on one core."""
    if law.name == "laboratory":
        return sort(LABORATORY_SORTER, law.config, Grains(), law.items)
    waste = law.name != "chips"
    return sort(WASTE_SORTER, law.config, Kinds(film=waste, chips=not waste), law.items)


def chip_laws(items: int, seeds: range) -> list[Law]:
    """Return the trials of yield and purity over load and composition."""
    return [
        Law(
            name="chips",
            key=(share, occupancy),
            config=waste_world(
                occupancy=occupancy, mix={TARGET: share, REJECT: 1 - share}, seed=seed
            ),
            items=items,
        )
        for share in COMPOSITIONS
        for occupancy in OCCUPANCIES
        for seed in seeds
    ]


def film_laws(items: int, seeds: range) -> list[Law]:
    """Return the trials with film and with dead valves, all at one mass flow."""
    kinds = Kinds(film=True, chips=False)
    solid_g, solid_mm2 = kinds.mean_mass_g(TARGET), kinds.mean_area_mm2(TARGET)
    film_g, film_mm2 = kinds.mean_mass_g(FILM), kinds.mean_area_mm2(FILM)
    # Areas laid on the belt without regard to overlap, per belt area; the feed wants what shows.
    laid = HIGH_LOAD / (1 - HIGH_LOAD / 2)
    laws: list[Law] = []
    for film_wt, dead in (*((wt, 0.0) for wt in FILM_WT), (0.0, DEAD_SHARE)):
        solids, films = (1 - film_wt) / solid_g, film_wt / film_g
        both = laid * (solids * solid_mm2 + films * film_mm2) * solid_g / solid_mm2
        mix = {TARGET: 0.5 * solids, REJECT: 0.5 * solids, FILM: films}
        for seed in seeds:
            config = waste_world(occupancy=both / (1 + both / 2), mix=mix, seed=seed)
            count = round(items * (1 + films / solids))
            laws.append(
                Law(
                    name="film",
                    key=(film_wt, dead),
                    config=with_dead_valves(config, dead),
                    items=count,
                )
            )
    return laws


def laboratory_laws(items: int, seeds: range) -> list[Law]:
    """Return the trials of the laboratory sorter."""
    return [
        Law(
            name="laboratory",
            key=(flow,),
            config=laboratory_world(g_per_s=flow, target_share=KIT_TARGETS, seed=seed),
            items=items,
        )
        for flow in FLOWS_G_PER_S
        for seed in seeds
    ]


def published_rates(flow_g_per_s: float) -> tuple[float, float]:
    """Return TPR and TNR of KIT's fit (ControlledRecirculation) at 30 % targets.

    There the jets take the rejects, "targets", and positive is what is accepted and stays: TPR is
    the share of the accepted that is not blown off, TNR the share of the targets that is.
    """
    p, n = (1 - KIT_TARGETS) * flow_g_per_s, KIT_TARGETS * flow_g_per_s
    tpr = 0.9995 - 6.69e-5 * n - 5.625e-4 * p + 5.773e-6 * n**2 - 4.681e-6 * n * p
    tnr = 0.995 - 2.33e-4 * n - 2.466e-4 * p + 1.162e-6 * n**2 - 4.867e-6 * n * p
    return tpr + 2.882e-6 * p**2, tnr + 1.583e-6 * p**2


def r2_of_line(x: list[float], y: list[float]) -> float:
    """Return the share of the variance of y that a straight line in x explains."""
    slope, start = np.polyfit(x, y, 1)
    rest = np.asarray(y) - (slope * np.asarray(x) + start)
    return float(1 - rest.var() / np.var(y))


def film_equivalent_pct(results: dict[tuple[float, ...], Sorted]) -> float:
    """Return the weight share of film, per cent, that costs as much yield as the dead valves.

    The line through the film's losses from the origin by least squares; single points scatter.
    """
    whole = results[(0.0, 0.0)].target_yield
    shares = np.array(FILM_WT[1:])
    losses = np.array([whole - results[(wt, 0.0)].target_yield for wt in FILM_WT[1:]])
    slope = float(shares @ losses / (shares @ shares))
    return 100.0 * (whole - results[(0.0, DEAD_SHARE)].target_yield) / slope


def measure(laws: list[Law]) -> dict[str, dict[tuple[float, ...], Sorted]]:
    """Run trials on all cores; the mean of each setting's seeds, the same for the same seeds."""
    with ProcessPoolExecutor(
        max_workers=len(os.sched_getaffinity(0)), mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        results = list(pool.map(run_law, laws))
    grouped: dict[str, dict[tuple[float, ...], list[Sorted]]] = {}
    for law, result in zip(laws, results, strict=True):
        grouped.setdefault(law.name, {}).setdefault(law.key, []).append(result)
    return {
        name: {key: mean_of(trials) for key, trials in found.items()}
        for name, found in grouped.items()
    }


def figures_of(
    results: dict[str, dict[tuple[float, ...], Sorted]],
) -> tuple[tuple[str, float], ...]:
    """Return the benchmark's figures; rates and r2 are fractions, the equivalent is per cent.

    Both fits are made for each composition by itself; the worst of them is told.
    """
    chips, laboratory = results["chips"], results["laboratory"]
    yields = {
        share: [chips[(share, occupancy)] for occupancy in OCCUPANCIES] for share in COMPOSITIONS
    }
    return (
        (
            "yield_fit_r2",
            min(
                r2_of_line(
                    [p.throughput_kg_per_s for p in points],
                    [float(np.log(p.target_yield)) for p in points],
                )
                for points in yields.values()
            ),
        ),
        (
            "purity_fit_r2",
            min(
                r2_of_line(list(OCCUPANCIES), [chips[(share, o)].purity for o in OCCUPANCIES])
                for share in COMPOSITIONS
            ),
        ),
        ("dead_valve_equivalent_2d_pct", film_equivalent_pct(results["film"])),
        ("tpr_100gps", laboratory[(100.0,)].kept_share),
        ("tnr_100gps", laboratory[(100.0,)].target_yield),
        ("tpr_200gps", laboratory[(200.0,)].kept_share),
        ("tnr_200gps", laboratory[(200.0,)].target_yield),
    )


def run(*, quick: bool, console: Console) -> Figures:
    """Measure every law; draw the pictures when all the work was done."""
    items, seeds = (400, range(1, 2)) if quick else (1500, range(1, 5))
    laws = [
        *film_laws(items, seeds if quick else range(1, 4)),
        *laboratory_laws(2 * items, seeds),
        *chip_laws(items, seeds),
    ]
    results = measure(laws)
    if not quick:
        from benchmarks.law_pictures import draw  # noqa: PLC0415 - matplotlib is slow to load

        for path in draw(results):
            console.print(f"drawn {path.name}")
    return Figures(values=figures_of(results), notes=_notes(results))


def _notes(results: dict[str, dict[tuple[float, ...], Sorted]]) -> tuple[str, ...]:
    chips, film = results["chips"], results["film"]
    spreads = {
        occupancy: float(np.ptp([chips[(share, occupancy)].target_yield for share in COMPOSITIONS]))
        for occupancy in OCCUPANCIES
    }
    slopes = [
        np.polyfit(OCCUPANCIES, [chips[(s, o)].purity for o in OCCUPANCIES], 1)[0]
        for s in COMPOSITIONS
    ]
    rates = "; ".join(
        f"{flow:.0f} g/s: {found.kept_share:.3f} and {found.target_yield:.3f}, published "
        f"{published_rates(flow)[0]:.3f} and {published_rates(flow)[1]:.3f}"
        for (flow,), found in results["laboratory"].items()
    )
    whole = film[(0.0, 0.0)].target_yield
    return (
        "yield differs between compositions by "
        + ", ".join(f"{spread:.3f} at {occupancy:.0%}" for occupancy, spread in spreads.items()),
        "purity per occupancy at "
        + ", ".join(f"{s:.0%} targets: {k:.2f}" for s, k in zip(COMPOSITIONS, slopes, strict=True)),
        f"yield lost at high load: {whole - film[(0.0, DEAD_SHARE)].target_yield:.3f} to 20 % dead "
        "valves, "
        + ", ".join(
            f"{whole - film[(w, 0.0)].target_yield:.3f} to {w:.1%} film" for w in FILM_WT[1:]
        ),
        "laboratory sorter at 30 % targets, TPR (accepted that stay) and TNR (targets blown off): "
        + rates,
        "rates and r2 are fractions; dead_valve_equivalent_2d_pct is per cent by weight",
    )
