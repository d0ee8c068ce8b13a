"""Food waste: peels, cores, bread, bones, shells, leaves and moist lumps."""

from __future__ import annotations

import numpy as np

from models.render.item import Design, Item
from models.render.surface import F32, RGB, Rng, Surface, jitter, noise, pick


def _blob(surface: Surface, rng: Rng, length_mm: float, width_mm: float, rough: float) -> F32:
    """Reach field: 0 at the centre, 1 at the ragged rim."""
    warp = rough * noise(rng, surface.shape, max(0.3 * width_mm, 8.0), 3)
    reach = np.hypot(2 * surface.x_mm / length_mm, 2 * surface.y_mm / width_mm) + warp
    return np.asarray(reach, np.float32)


def _dome(reach: F32, height_mm: float) -> F32:
    return np.asarray(height_mm * np.sqrt(np.clip(1.1 - reach**2, 0, 1)), np.float32)


def _mottle(
    surface: Surface, rng: Rng, cover: F32, tone: RGB, share: float, scale_px: float
) -> None:
    field = noise(rng, surface.shape, scale_px, 3)
    spots = np.clip((field - 1.4 + 2 * share) * 1.5, 0, 1).astype(np.float32)
    surface.paint(cover * spots, tone)


def peel(rng: Rng) -> Item:
    """Citrus, potato or melon peel: curved ribbon, rind outside, pith inside."""
    length_mm, width_mm = float(rng.uniform(45, 150)), float(rng.uniform(25, 70))
    surface = Surface(length_mm * 1.1, width_mm * 2.2, 10)
    bend = float(rng.uniform(-0.9, 0.9)) / length_mm
    y_mm = surface.y_mm + bend * surface.x_mm**2
    warp = 0.18 * noise(rng, surface.shape, 14, 3)
    reach = (np.hypot(2 * surface.x_mm / length_mm, 2 * y_mm / width_mm) + warp).astype(np.float32)
    cover = surface.cover(((reach - 0.95) * width_mm / 2).astype(np.float32))
    rind = pick(
        rng,
        (
            (0.88, 0.45, 0.08),
            (0.85, 0.75, 0.15),
            (0.45, 0.35, 0.2),
            (0.25, 0.45, 0.15),
            (0.6, 0.2, 0.15),
        ),
    )
    relief = _dome(reach, 10) + 2 * noise(rng, surface.shape, 10, 2)
    surface.paint(cover, rind, opacity=1.0, height_mm=relief, specular=0.3, gloss=15)
    pith = np.clip(noise(rng, surface.shape, 30, 2) * 2 - rng.uniform(-1, 2), 0, 1)
    surface.paint(cover * pith.astype(np.float32), jitter(rng, (0.85, 0.78, 0.6)))
    _mottle(surface, rng, cover, (0.2, 0.13, 0.07), float(rng.uniform(0, 0.35)), 9)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.004, height_mm=14.0)


def banana(rng: Rng) -> Item:
    """A banana or its peel: curved strips joined at the stalk, browning."""
    length_mm = float(rng.uniform(120, 200))
    surface = Surface(length_mm, length_mm * 0.9, 20)
    ripe = float(rng.uniform(0, 1))
    tone = jitter(rng, (0.85 - 0.5 * ripe, 0.68 - 0.45 * ripe, 0.16), 0.05)
    for strip in range(int(rng.integers(1, 5))):
        angle_rad = float(rng.uniform(-0.9, 0.9)) + 0.35 * strip
        t = np.linspace(0, 1, 24)
        reach_mm = (
            length_mm * 0.45 * (2 * t - 1) if strip == 0 else length_mm * 0.45 * (1.3 * t - 1)
        )
        bow_mm = rng.uniform(-0.3, 0.3) * length_mm * (t - 0.5) ** 2 * 2
        xs = reach_mm * np.cos(angle_rad * t) - bow_mm * np.sin(angle_rad)
        ys = reach_mm * np.sin(angle_rad * t) + bow_mm * np.cos(angle_rad)
        path = np.stack((xs, ys), axis=1).astype(np.float32)
        cover, relief = surface.stroke(path, float(rng.uniform(18, 36)))
        inside = strip > 0 and rng.random() < 0.4
        shade = jitter(rng, (0.82, 0.76, 0.58)) if inside else tone
        surface.paint(cover, shade, opacity=1.0, height_mm=relief, specular=0.15, gloss=12)
    _mottle(surface, rng, surface.alpha, (0.14, 0.09, 0.05), 0.15 + 0.4 * ripe, 8)
    stalk = surface.disc(-length_mm * 0.45, 0, 7)
    surface.paint(stalk, (0.25, 0.2, 0.1), opacity=1.0, height_mm=10.0)
    return Item(surface=surface, mass_g=float(rng.uniform(35, 160)), height_mm=30.0)


def apple_core(rng: Rng) -> Item:
    """An apple core: pale waist, coloured ends, brown seeds."""
    length_mm, width_mm = float(rng.uniform(50, 80)), float(rng.uniform(30, 60))
    surface = Surface(length_mm, width_mm, 10)
    waist = float(rng.uniform(0.25, 0.6))
    across = width_mm / 2 * (waist + (1 - waist) * (2 * surface.x_mm / length_mm) ** 2)
    ends = np.abs(surface.x_mm) - length_mm / 2 + 3 * noise(rng, surface.shape, 12, 2)
    sdf = np.maximum(np.abs(surface.y_mm) - across + 2 * noise(rng, surface.shape, 9, 2), ends)
    cover = surface.cover(sdf.astype(np.float32))
    relief = np.sqrt(np.clip(across**2 - surface.y_mm**2, 0, None)).astype(np.float32)
    surface.paint(
        cover,
        jitter(rng, (0.72, 0.6, 0.38)),
        opacity=1.0,
        height_mm=relief,
        specular=0.25,
        gloss=12,
    )
    skin = np.clip(np.abs(surface.x_mm) / length_mm * 6 - 2, 0, 1).astype(np.float32)
    surface.paint(
        cover * skin, pick(rng, ((0.65, 0.12, 0.1), (0.5, 0.6, 0.18), (0.75, 0.55, 0.15)))
    )
    _mottle(surface, rng, cover, (0.33, 0.2, 0.09), float(rng.uniform(0.1, 0.4)), 9)
    stem = surface.box(length_mm / 2, 0, 14, 2.2)
    surface.paint(stem, (0.2, 0.14, 0.07), opacity=1.0, height_mm=15.0)
    return Item(surface=surface, mass_g=float(rng.uniform(15, 60)), height_mm=width_mm * 0.7)


def bread(rng: Rng) -> Item:
    """A slice, heel or bun: crust ring, pale pitted crumb."""
    length_mm, width_mm = float(rng.uniform(60, 140)), float(rng.uniform(50, 110))
    surface = Surface(length_mm, width_mm, 8)
    reach = _blob(surface, rng, length_mm, width_mm, 0.07)
    squarish = np.maximum(np.abs(2 * surface.x_mm / length_mm), np.abs(2 * surface.y_mm / width_mm))
    reach = (0.6 * reach + 0.45 * squarish).astype(np.float32)
    cover = surface.cover(((reach - 0.95) * width_mm / 2).astype(np.float32))
    relief = _dome(reach, 16) + noise(rng, surface.shape, 4, 2)
    crust = jitter(rng, (0.5, 0.3, 0.13), 0.05)
    surface.paint(cover, crust, opacity=1.0, height_mm=relief, specular=0.04)
    if rng.random() < 0.7:
        crumb = np.clip((0.85 - reach) * 12, 0, 1).astype(np.float32)
        surface.paint(cover * crumb, jitter(rng, (0.8, 0.68, 0.47), 0.05))
    surface.tint(1 + 0.1 * noise(rng, surface.shape, 4, 2))
    _mottle(surface, rng, cover, (0.35, 0.42, 0.3), float(rng.uniform(0, 0.25)), 14)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.006, height_mm=25.0)


def bone(rng: Rng) -> Item:
    """A bone with two knuckles and shreds of meat."""
    length_mm, width_mm = float(rng.uniform(60, 190)), float(rng.uniform(10, 24))
    surface = Surface(length_mm, width_mm * 3, 10)
    half = length_mm / 2
    tone = jitter(rng, (0.78, 0.68, 0.52), 0.04)
    xs = np.linspace(-half + 8, half - 8, 16)
    ys = rng.uniform(-0.1, 0.1) * length_mm * (1 - (xs / half) ** 2)
    shaft, relief = surface.stroke(np.stack((xs, ys), 1).astype(np.float32), width_mm)
    surface.paint(shaft, tone, opacity=1.0, height_mm=relief, specular=0.2, gloss=15)
    for side in (-1, 1):
        for lobe in (-1, 1):
            knuckle = surface.disc(side * (half - 8), lobe * width_mm * 0.5, width_mm * 0.6)
            surface.paint(knuckle, tone, opacity=1.0, height_mm=width_mm * 0.6)
    _mottle(surface, rng, surface.alpha, (0.42, 0.18, 0.12), float(rng.uniform(0.05, 0.45)), 12)
    surface.bump(1.2 * noise(rng, surface.shape, 6, 2) * surface.alpha)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.02, height_mm=width_mm)


def egg_shell(rng: Rng) -> Item:
    """A broken half shell: pale dome or bowl with a jagged rim."""
    radius_mm = float(rng.uniform(16, 25))
    surface = Surface(2.3 * radius_mm, 2 * radius_mm, 6)
    angle = np.arctan2(surface.y_mm, surface.x_mm)
    teeth = sum(rng.uniform(0, 0.05) * np.sin(k * angle + rng.uniform(0, 6)) for k in range(5, 13))
    reach = np.hypot(surface.x_mm / 1.15, surface.y_mm) / radius_mm + teeth
    cover = surface.cover(((reach - 0.95) * radius_mm).astype(np.float32))
    tone = pick(rng, ((0.85, 0.66, 0.5), (0.92, 0.88, 0.82), (0.75, 0.52, 0.38)), 0.03)
    relief = _dome(reach.astype(np.float32), radius_mm * 0.9)
    bowl = rng.random() < 0.5
    surface.paint(cover, tone, opacity=1.0, height_mm=-relief if bowl else relief, specular=0.1)
    if bowl:
        wet = np.clip((0.75 - reach) * 6, 0, 1).astype(np.float32)
        surface.paint(cover * wet, jitter(rng, (0.8, 0.74, 0.6)), specular=0.6, gloss=40)
    return Item(surface=surface, mass_g=float(rng.uniform(3, 9)), height_mm=radius_mm)


def leaf(rng: Rng) -> Item:
    """Cabbage, lettuce or herb leaves: veins, ruffles, wilted edge."""
    length_mm, width_mm = float(rng.uniform(70, 200)), float(rng.uniform(50, 140))
    surface = Surface(length_mm, width_mm, 16)
    reach = _blob(surface, rng, length_mm, width_mm, 0.14)
    cover = surface.cover(((reach - 0.88) * width_mm / 2).astype(np.float32))
    tone = pick(rng, ((0.3, 0.48, 0.14), (0.5, 0.6, 0.25), (0.18, 0.33, 0.12), (0.45, 0.2, 0.35)))
    ruffle = 5 * noise(rng, surface.shape, 12, 3) + 10
    surface.paint(cover, tone, opacity=1.0, height_mm=ruffle, specular=0.25, gloss=14)
    vein_mm = np.abs(surface.y_mm - 0.4 * np.abs(surface.x_mm % 24 - 12))
    veins = surface.cover((np.minimum(np.abs(surface.y_mm), vein_mm) - 1.3).astype(np.float32))
    surface.paint(cover * veins * 0.7, jitter(rng, (0.68, 0.73, 0.48)))
    _mottle(surface, rng, cover, (0.3, 0.24, 0.1), float(rng.uniform(0, 0.45)), 16)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0015, height_mm=20.0)


def fruit(rng: Rng) -> Item:
    """A whole or rotten fruit, potato, onion or tomato."""
    length_mm = float(rng.uniform(35, 110))
    width_mm = length_mm * float(rng.uniform(0.7, 1.0))
    surface = Surface(length_mm, width_mm, 6)
    reach = _blob(surface, rng, length_mm, width_mm, 0.05)
    cover = surface.cover(((reach - 0.97) * width_mm / 2).astype(np.float32))
    tone = pick(
        rng,
        (
            (0.7, 0.1, 0.08),
            (0.85, 0.45, 0.1),
            (0.5, 0.6, 0.15),
            (0.5, 0.38, 0.22),
            (0.35, 0.12, 0.3),
            (0.7, 0.5, 0.25),
        ),
    )
    surface.paint(
        cover, tone, opacity=1.0, height_mm=_dome(reach, width_mm * 0.45), specular=0.4, gloss=20
    )
    _mottle(surface, rng, cover, (0.17, 0.1, 0.06), float(rng.uniform(0, 0.5)), 14)
    surface.paint(surface.disc(rng.uniform(-0.2, 0.2) * length_mm, 0, 3), (0.2, 0.15, 0.07))
    return Item(surface=surface, mass_g=length_mm * width_mm**2 * 0.0005, height_mm=width_mm * 0.9)


def lump(rng: Rng) -> Item:
    """A moist, dark, mixed lump: leftovers, grounds, tea bags."""
    length_mm = float(rng.uniform(40, 170))
    width_mm = length_mm * float(rng.uniform(0.5, 1.0))
    surface = Surface(length_mm, width_mm, 14)
    reach = _blob(surface, rng, length_mm, width_mm, 0.14)
    cover = surface.cover(((reach - 0.85) * width_mm / 2).astype(np.float32))
    tone = pick(
        rng, ((0.22, 0.15, 0.09), (0.4, 0.25, 0.12), (0.32, 0.28, 0.13), (0.55, 0.33, 0.18))
    )
    relief = _dome(reach, 18) + 4 * noise(rng, surface.shape, 9, 3)
    surface.paint(cover, tone, opacity=1.0, height_mm=relief, specular=0.55, gloss=30)
    for _ in range(int(rng.integers(2, 7))):
        morsel = pick(rng, ((0.75, 0.7, 0.5), (0.7, 0.3, 0.1), (0.3, 0.42, 0.14), (0.6, 0.15, 0.1)))
        _mottle(
            surface, rng, cover, morsel, float(rng.uniform(0.0, 0.2)), float(rng.uniform(5, 12))
        )
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.012, height_mm=24.0)


DESIGNS = (
    Design(name="peel", share=1.5, make=peel),
    Design(name="banana", share=1.0, make=banana),
    Design(name="apple_core", share=1.0, make=apple_core),
    Design(name="bread", share=1.2, make=bread),
    Design(name="bone", share=0.8, make=bone),
    Design(name="egg_shell", share=0.7, make=egg_shell),
    Design(name="leaf", share=1.2, make=leaf),
    Design(name="fruit", share=1.2, make=fruit),
    Design(name="lump", share=1.4, make=lump),
)
