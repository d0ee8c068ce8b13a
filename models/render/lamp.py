"""Mercury lamps: linear, compact, circular and U-bent fluorescent lamps.

Diameters are the trade's own: T5 16 mm, T8 26 mm, T12 38 mm; of the standard lengths those that lie
on a 1 m belt in any direction.
"""

from __future__ import annotations

import numpy as np

from models.render.item import Design, Item
from models.render.surface import F32, RGB, Rng, Surface, jitter, noise, pick

_PHOSPHOR: tuple[RGB, ...] = ((0.93, 0.94, 0.93), (0.95, 0.93, 0.88), (0.88, 0.91, 0.93))
_METAL: tuple[RGB, ...] = ((0.72, 0.72, 0.74), (0.66, 0.64, 0.58))
_BASE: tuple[RGB, ...] = ((0.92, 0.92, 0.90), (0.86, 0.85, 0.80), (0.95, 0.95, 0.95))


def _glass(surface: Surface, rng: Rng, cover: F32, height_mm: F32, tone: RGB) -> None:
    surface.paint(cover, tone, opacity=1.0, height_mm=height_mm, specular=0.75, gloss=90)
    surface.tint(1 + 0.02 * noise(rng, surface.shape, 25, 2))


def _cap(surface: Surface, rng: Rng, x_mm: float, diameter_mm: float, side: float) -> None:
    """Metal end cap with two pins; `side` is +1 at the right end and -1 at the left."""
    width_mm = min(float(rng.uniform(14, 22)), 0.9 * diameter_mm + 6)
    cap, height = surface.lathe(
        min(x_mm, x_mm - side * width_mm),
        max(x_mm, x_mm - side * width_mm),
        lambda x: np.full_like(x, diameter_mm / 2 * 0.97),
    )
    surface.paint(
        cap, pick(rng, _METAL, 0.02), opacity=1.0, height_mm=height, specular=0.9, gloss=22
    )
    for pin in (-1, 1):
        prong = surface.box(x_mm + side * 4, pin * diameter_mm * 0.2, 8, 2.4, 0.5)
        surface.paint(
            prong, (0.75, 0.72, 0.62), opacity=1.0, height_mm=diameter_mm / 2, specular=0.8
        )


def linear_tube(rng: Rng) -> Item:
    """T5, T8 or T12 tube, whole, with blackened ends by age."""
    diameter_mm = float(rng.choice((16.0, 26.0, 26.0, 26.0, 38.0)))
    longest = (
        (288.0, 438.0, 549.0, 600.0) if diameter_mm > 20 else (136.0, 212.0, 288.0, 517.0, 549.0)
    )
    length_mm = float(rng.choice(longest)) * float(rng.uniform(0.96, 1.0))
    surface = Surface(length_mm + 14, diameter_mm)
    half = length_mm / 2
    cover, height = surface.lathe(-half, half, lambda x: np.full_like(x, diameter_mm / 2))
    _glass(surface, rng, cover, height, pick(rng, _PHOSPHOR, 0.015))
    age = float(rng.beta(1.2, 2.0))
    burnt = np.clip(1 - (half - 18 - np.abs(surface.x_mm)) / (20 + 30 * age), 0, 1) ** 2
    surface.paint(cover * burnt.astype(np.float32) * age, (0.2, 0.19, 0.19))
    for side in (-1.0, 1.0):
        _cap(surface, rng, side * half, diameter_mm, side)
    if rng.random() < 0.6:
        mark = surface.box(half - 65, diameter_mm * 0.1, rng.uniform(25, 50), diameter_mm * 0.25)
        text = (noise(rng, surface.shape, 3) > 0.2).astype(np.float32)
        surface.paint(mark * text * cover * 0.7, (0.25, 0.3, 0.45))
    return Item(surface=surface, mass_g=length_mm * diameter_mm * 0.0125, height_mm=diameter_mm)


def _base(surface: Surface, rng: Rng, x_mm: float, width_mm: float, depth_mm: float) -> None:
    """Ballast housing and screw cap of a compact lamp, growing to the left of `x_mm`."""
    housing, height = surface.lathe(
        x_mm - depth_mm,
        x_mm,
        lambda x: width_mm / 2 * (0.62 + 0.38 * (x - x_mm + depth_mm) / depth_mm),
    )
    surface.paint(
        housing, pick(rng, _BASE, 0.02), opacity=1.0, height_mm=height, specular=0.2, gloss=14
    )
    radius_mm = float(rng.choice((7.0, 13.5)))
    screw, relief = surface.lathe(
        x_mm - depth_mm - 26,
        x_mm - depth_mm,
        lambda x: radius_mm + 0.9 * np.sin(x * 2 * np.pi / 3.6),
    )
    surface.paint(
        screw, pick(rng, _METAL, 0.03), opacity=1.0, height_mm=relief, specular=0.9, gloss=20
    )
    tip = surface.box(x_mm - depth_mm - 27, 0, 5, 9, 2)
    surface.paint(tip, (0.15, 0.15, 0.16), opacity=1.0, height_mm=8.0)


def spiral(rng: Rng) -> Item:
    """Compact fluorescent spiral on a screw base."""
    width_mm, coil_mm = float(rng.uniform(38, 66)), float(rng.uniform(45, 90))
    tube_mm = float(rng.uniform(8.5, 12.5))
    depth_mm = float(rng.uniform(28, 48))
    surface = Surface(coil_mm + 2 * depth_mm + 60, width_mm + 8)
    tone = pick(rng, _PHOSPHOR, 0.015)
    pitch_mm = tube_mm * float(rng.uniform(1.25, 1.6))
    start_mm = -coil_mm / 2 + 18
    for turn in np.arange(0, coil_mm, pitch_mm / 2):
        x_mm = start_mm + turn
        lean = pitch_mm / 2
        reach_mm = (width_mm - tube_mm) / 2 * (1 - 0.25 * (turn / coil_mm) ** 4)
        ys = np.linspace(-reach_mm, reach_mm, 20)
        xs = x_mm + lean * ys / (2 * reach_mm) * (1 if int(turn / (pitch_mm / 2)) % 2 else -1)
        cover, relief = surface.stroke(np.stack((xs, ys), 1).astype(np.float32), tube_mm)
        lift = np.sqrt(np.clip(reach_mm**2 - surface.y_mm**2, 0, None))
        _glass(surface, rng, cover, (relief + 0.6 * lift).astype(np.float32), tone)
        rim = cover * np.clip(1 - relief / (tube_mm * 0.22), 0, 1)
        surface.paint(rim * 0.45, (0.45, 0.46, 0.47))
    _base(surface, rng, start_mm - 4, width_mm * float(rng.uniform(0.75, 1.0)), depth_mm)
    return Item(surface=surface, mass_g=float(rng.uniform(55, 120)), height_mm=width_mm)


def bent_compact(rng: Rng) -> Item:
    """Compact 2U, 3U or plug-in PL lamp: parallel tubes from one base."""
    tubes = int(rng.choice((2, 3, 4)))
    tube_mm = float(rng.uniform(9.5, 13))
    coil_mm = float(rng.uniform(60, 200 if tubes == 2 else 110))
    depth_mm = float(rng.uniform(25, 48))
    width_mm = tubes * tube_mm + (tubes - 1) * 3
    surface = Surface(coil_mm + 2 * depth_mm + 70, width_mm + 16)
    tone = pick(rng, _PHOSPHOR, 0.015)
    start_mm = -coil_mm / 2 + 20
    for k in range(tubes):
        y_mm = (k - (tubes - 1) / 2) * (tube_mm + 3)
        path = np.array([(start_mm - 6, y_mm), (start_mm + coil_mm - tube_mm, y_mm)], np.float32)
        cover, relief = surface.stroke(path, tube_mm)
        _glass(surface, rng, cover, relief + np.float32(10), tone)
        rim = cover * np.clip(1 - relief / (tube_mm * 0.22), 0, 1)
        surface.paint(rim * 0.4, (0.45, 0.46, 0.47))
    if tubes == 2 or rng.random() < 0.5:
        bridge = surface.box(start_mm + coil_mm - tube_mm, 0, tube_mm * 0.8, width_mm * 0.7, 4)
        surface.paint(bridge, tone, opacity=1.0, specular=0.6, gloss=80)
    _base(surface, rng, start_mm - 2, max(width_mm + 6, 32.0), depth_mm)
    return Item(surface=surface, mass_g=float(rng.uniform(50, 130)), height_mm=width_mm * 0.8)


def circular(rng: Rng) -> Item:
    """Circular lamp (T5 or T9 ring) with its four-pin connector."""
    radius_mm, tube_mm = float(rng.uniform(85, 150)), float(rng.choice((16.0, 29.0)))
    surface = Surface(2 * radius_mm + tube_mm, 2 * radius_mm + tube_mm)
    angle = np.linspace(0, 2 * np.pi, 120)
    path = np.stack((radius_mm * np.cos(angle), radius_mm * np.sin(angle)), 1).astype(np.float32)
    cover, relief = surface.stroke(path, tube_mm)
    _glass(surface, rng, cover, relief + np.float32(tube_mm / 2), pick(rng, _PHOSPHOR, 0.015))
    age = float(rng.uniform(0, 0.8))
    near = np.exp(-(((surface.x_mm - radius_mm) ** 2 + surface.y_mm**2) / (2 * 35.0**2)))
    surface.paint(cover * near.astype(np.float32) * age, (0.25, 0.24, 0.23))
    plug = surface.box(radius_mm, 0, tube_mm * 1.35, rng.uniform(22, 40), 3)
    surface.paint(plug, pick(rng, _BASE), opacity=1.0, height_mm=tube_mm, specular=0.2)
    return Item(surface=surface, mass_g=radius_mm * tube_mm * 0.07, height_mm=tube_mm)


def u_bent(rng: Rng) -> Item:
    """U-bent T8 or a long plug-in lamp: two legs joined by a round bend."""
    tube_mm = float(rng.choice((16.0, 18.0, 26.0)))
    length_mm = float(rng.uniform(200, 480))
    gap_mm = float(rng.uniform(1.5, 5.5)) * tube_mm if tube_mm > 20 else tube_mm * 1.3
    surface = Surface(length_mm + 20, gap_mm + tube_mm)
    half = length_mm / 2
    bend = np.linspace(-np.pi / 2, np.pi / 2, 30)
    xs = np.concatenate(([-half], half - gap_mm / 2 + gap_mm / 2 * np.cos(bend), [-half]))
    ys = np.concatenate(([-gap_mm / 2], gap_mm / 2 * np.sin(bend), [gap_mm / 2]))
    cover, relief = surface.stroke(np.stack((xs - tube_mm / 2, ys), 1).astype(np.float32), tube_mm)
    _glass(surface, rng, cover, relief + np.float32(tube_mm / 2), pick(rng, _PHOSPHOR, 0.015))
    age = float(rng.uniform(0, 0.9))
    burnt = np.clip((-half + 50 - surface.x_mm) / 40, 0, 1).astype(np.float32)
    surface.paint(cover * burnt * age, (0.25, 0.24, 0.23))
    for y_mm in (-gap_mm / 2, gap_mm / 2):
        cap = surface.box(-half + 4, y_mm, 18, tube_mm * 1.02, 2)
        tone = pick(rng, _METAL)
        surface.paint(cap, tone, opacity=1.0, height_mm=tube_mm, specular=0.9, gloss=22)
    if rng.random() < 0.5:
        bar = surface.box(-half + 4, 0, 20, gap_mm + tube_mm, 3)
        surface.paint(bar, jitter(rng, _BASE[0], 0.02), opacity=1.0, height_mm=tube_mm)
    return Item(surface=surface, mass_g=length_mm * tube_mm * 0.02, height_mm=tube_mm)


DESIGNS = (
    Design(name="linear_tube", share=2.6, make=linear_tube),
    Design(name="cfl_spiral", share=1.5, make=spiral),
    Design(name="cfl_bent", share=1.5, make=bent_compact),
    Design(name="circular", share=0.7, make=circular),
    Design(name="u_bent", share=0.9, make=u_bent),
)
