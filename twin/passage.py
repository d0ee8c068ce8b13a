"""What happens to a heap of items at a bar: jets from below, knocks, flight over the splitter."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin.belt_items import BeltItems
from twin.config import TwinConfig
from twin.flight import (
    FLAT_CATCH,
    ROUND_CATCH,
    Body,
    knocked_speeds,
    lift_mm,
    needed_lift_mm,
    sticking_mm_per_s,
)
from twin.items import Float64Array
from twin.jet_bar import JetBar

TOUCH_S = 1e-4
"""An item counts as touched by air when it got as much momentum as one jet gives in this time."""

ADHESION_PA = 50.0
"""Pull that wet food withstands where it touches the belt: yield stress of purees and sauces, 10 to
100 Pa (Steffe, Rheological Methods in Food Process Engineering, table of yield stresses)."""

CONTACT_SHARE = 0.3
"""Of its outline, what a lump of food touches the belt with; assumed, no figure is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """When and where items pass a bar, and what is now.

    Attributes:
        passing_mm: (n,) belt travel at which each item on the belt passes it.
        now_ns: present time, for valves still open.
        now_travel_mm: present belt travel.
        speed_mm_per_s: present belt speed.
    """

    passing_mm: Float64Array
    now_ns: int
    now_travel_mm: float
    speed_mm_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one item at a bar.

    Attributes:
        touched: air struck it, or something that air had struck.
        cleared: it flew over the splitter.
    """

    touched: bool
    cleared: bool


def judge(
    items: BeltItems, heap: Sequence[int], bar: JetBar, passage: Passage, config: TwinConfig
) -> tuple[Verdict, ...]:
    """Return what becomes of the items of a heap, in the heap's order.

    Args:
        items: on the belt.
        heap: indices of items that lie on one another, the lowest first.
        bar: the jets that they have passed.
        passage: when they passed.
        config: of the air and the belt.
    """
    outlines = [items.outline_at_mm(row, float(passage.passing_mm[row])) for row in heap]
    bodies = []
    for at, row in enumerate(heap):
        impulse_n_s = bar.impulse_on(
            outlines[at],
            now_ns=passage.now_ns,
            now_travel_mm=passage.now_travel_mm,
            shades_mm=outlines[:at],
        ) * (ROUND_CATCH if items.rolls[row] else FLAT_CATCH)
        mass_g = float(items.mass_g[row])
        bodies.append(
            Body(
                outline_mm=outlines[at],
                mass_g=mass_g,
                speed_m_per_s=impulse_n_s / (mass_g * 1e-3),
                wet=bool(items.wet[row]),
            )
        )
    speeds = [b.speed_m_per_s for b in bodies] if len(bodies) == 1 else knocked_speeds(bodies)
    return tuple(
        _verdict(items, row, bar, speed, bodies[at].speed_m_per_s, passage, config)
        for at, (row, speed) in enumerate(zip(heap, speeds, strict=True))
    )


def _verdict(
    items: BeltItems,
    row: int,
    bar: JetBar,
    speed_m_per_s: float,
    blown_m_per_s: float,
    passage: Passage,
    config: TwinConfig,
) -> Verdict:
    mass_g, air = float(items.mass_g[row]), config.air
    struck_n_s = max(speed_m_per_s, blown_m_per_s) * mass_g * 1e-3
    if struck_n_s <= TOUCH_S * bar.thrust_n:
        return Verdict(touched=False, cleared=False)
    belt_mm_per_s = max(passage.speed_mm_per_s, 1.0)
    flight_s = min(air.splitter_distance_mm / belt_mm_per_s, air.longest_flight_ms * 1e-3)
    area_mm2 = float(items.area_mm2[row])
    lift = lift_mm(speed_m_per_s, mass_g=mass_g, area_mm2=area_mm2, flight_s=flight_s)
    sinks_mm_per_s = 0.0
    if items.wet[row]:
        sinks_mm_per_s = sticking_mm_per_s(
            speed_mm_per_s=belt_mm_per_s,
            radius_mm=air.belt_end_radius_mm,
            adhesion_n=ADHESION_PA * CONTACT_SHARE * area_mm2 * 1e-6,
            mass_g=mass_g,
        )
    needed = needed_lift_mm(
        splitter_rise_mm=air.splitter_rise_mm, flight_s=flight_s, sinks_mm_per_s=sinks_mm_per_s
    )
    return Verdict(touched=True, cleared=lift >= needed)
