"""What stays on the belt: glass, metal, textile, wood, stone, rubber, and lamp look-alikes."""

from __future__ import annotations

import numpy as np

from models.render.item import Design, Item
from models.render.surface import (
    F32,
    RGB,
    Rng,
    Surface,
    creases,
    jitter,
    noise,
    pick,
    vivid,
)

_GLASS: tuple[RGB, ...] = ((0.12, 0.32, 0.12), (0.33, 0.18, 0.06), (0.72, 0.78, 0.76))


def _shell(surface: Surface, rng: Rng, length_mm: float, width_mm: float, rough: float) -> F32:
    warp = rough * noise(rng, surface.shape, max(0.3 * width_mm, 8.0), 3)
    reach = np.hypot(2 * surface.x_mm / length_mm, 2 * surface.y_mm / width_mm) + warp
    return np.asarray(reach, np.float32)


def glass_bottle(rng: Rng) -> Item:
    """Wine, beer or sauce bottle: thick, dark rim, long neck."""
    length_mm, radius_mm = float(rng.uniform(150, 320)), float(rng.uniform(27, 44))
    surface = Surface(length_mm, 2 * radius_mm)
    half, neck_mm = length_mm / 2, float(rng.uniform(0.2, 0.4)) * length_mm

    def radius(x_mm: F32) -> F32:
        shoulder = np.clip((half - neck_mm - x_mm) / (0.9 * radius_mm), 0, 1)
        return np.asarray(14 + (radius_mm - 14) * np.sin(shoulder * np.pi / 2), np.float32)

    cover, height = surface.lathe(-half, half, radius)
    kind = int(rng.integers(3))
    thin = (0.85, 0.85, 0.45)[kind] + float(rng.uniform(-0.1, 0.1))
    surface.paint(
        cover,
        jitter(rng, _GLASS[kind], 0.03),
        opacity=thin,
        height_mm=height,
        specular=1.2,
        gloss=120,
    )
    if rng.random() < 0.55:
        label = surface.box(-length_mm * 0.2, 0, length_mm * 0.25, 4 * radius_mm) * cover
        tone = jitter(rng, (0.85, 0.82, 0.72)) if rng.random() < 0.6 else vivid(rng)
        surface.paint(label, tone, opacity=1.0, specular=0.1, gloss=8)
    lip = surface.box(half - 5, 0, 8, 31, 2)
    surface.paint(lip * cover, jitter(rng, _GLASS[kind], 0.05), opacity=0.95)
    return Item(surface=surface, mass_g=length_mm * radius_mm * 0.045, height_mm=2 * radius_mm)


def glass_jar(rng: Rng) -> Item:
    """A jar or shard from above: concentric refraction rings or sharp edges."""
    radius_mm = float(rng.uniform(28, 50))
    surface = Surface(2 * radius_mm, 2 * radius_mm)
    tone = pick(rng, _GLASS, 0.03)
    if rng.random() < 0.5:
        distance = np.hypot(surface.x_mm, surface.y_mm).astype(np.float32)
        cover = surface.cover(distance - np.float32(radius_mm))
        relief = (8 * np.cos(distance / radius_mm * 9)).astype(np.float32)
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 8))))
        corners = [(radius_mm * np.cos(a), radius_mm * np.sin(a)) for a in angles]
        cover = surface.polygon(corners)
        relief = (6 + 0.2 * surface.x_mm).astype(np.float32)
    surface.paint(
        cover,
        tone,
        opacity=float(rng.uniform(0.35, 0.75)),
        height_mm=relief,
        specular=1.2,
        gloss=100,
    )
    return Item(surface=surface, mass_g=radius_mm**2 * 0.07, height_mm=radius_mm)


def can(rng: Rng) -> Item:
    """A drink or food can, printed or bare, dented."""
    length_mm, radius_mm = float(rng.uniform(80, 168)), float(rng.uniform(26, 50))
    surface = Surface(length_mm, 2 * radius_mm)
    half = length_mm / 2
    cover, height = surface.lathe(-half, half, lambda x: np.full_like(x, radius_mm))
    crushed = rng.random() < 0.4
    dents = creases(rng, surface.shape, 12, 6 if crushed else 0.6)
    bare = rng.random() < 0.4
    tone = jitter(rng, (0.62, 0.62, 0.64), 0.03) if bare else vivid(rng)
    relief = height * (0.5 if crushed else 1.0) + dents
    if bare:
        relief = relief + 0.8 * np.sin(surface.x_mm * 2 * np.pi / 8)
    surface.paint(
        cover, tone, opacity=1.0, height_mm=relief.astype(np.float32), specular=0.9, gloss=25
    )
    if not bare:
        for _ in range(int(rng.integers(1, 4))):
            block = surface.box(
                rng.uniform(-half, half), 0, rng.uniform(10, 50), rng.uniform(10, 60), 6
            )
            surface.paint(block * cover, vivid(rng))
    for side in (-1, 1):
        rim = surface.box(side * (half - 2.5), 0, 5, 2 * radius_mm) * cover
        surface.paint(rim, (0.75, 0.75, 0.77), specular=1.0, gloss=30)
    return Item(surface=surface, mass_g=length_mm * radius_mm * 0.006, height_mm=2 * radius_mm)


def foil(rng: Rng) -> Item:
    """Crumpled aluminium foil or a foil tray."""
    length_mm, width_mm = float(rng.uniform(50, 190)), float(rng.uniform(40, 130))
    surface = Surface(length_mm, width_mm, 12)
    reach = _shell(surface, rng, length_mm, width_mm, 0.13)
    cover = surface.cover(((reach - 0.9) * width_mm / 2).astype(np.float32))
    folds = creases(rng, surface.shape, 45, 7) + 4 * noise(rng, surface.shape, 7, 3)
    surface.paint(
        cover,
        jitter(rng, (0.55, 0.55, 0.57), 0.02),
        opacity=1.0,
        height_mm=folds,
        specular=1.2,
        gloss=14,
    )
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0004, height_mm=15.0)


def textile(rng: Rng) -> Item:
    """A rag, sock or glove: weave, soft folds, patterns."""
    length_mm, width_mm = float(rng.uniform(90, 300)), float(rng.uniform(70, 200))
    surface = Surface(length_mm, width_mm, 16)
    reach = _shell(surface, rng, length_mm, width_mm, 0.15)
    cover = surface.cover(((reach - 0.88) * width_mm / 2).astype(np.float32))
    folds = 9 * noise(rng, surface.shape, 28, 3) + 14
    tone = pick(
        rng,
        (
            (0.2, 0.25, 0.4),
            (0.5, 0.12, 0.14),
            (0.4, 0.4, 0.4),
            (0.75, 0.7, 0.6),
            (0.12, 0.13, 0.15),
        ),
    )
    surface.paint(cover, tone, opacity=1.0, height_mm=folds, specular=0.0)
    weave = np.sin(surface.x_mm * 2.4) * np.sin(surface.y_mm * 2.4)
    surface.tint((1 + 0.12 * weave).astype(np.float32))
    if rng.random() < 0.5:
        stripes = (np.sin(surface.x_mm / rng.uniform(3, 9)) > 0.3).astype(np.float32)
        surface.paint(cover * stripes * 0.8, vivid(rng))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.002, height_mm=20.0)


def wood(rng: Rng) -> Item:
    """A lath, branch or board end with grain."""
    length_mm, width_mm = float(rng.uniform(70, 360)), float(rng.uniform(15, 75))
    surface = Surface(length_mm, width_mm)
    wave = surface.y_mm + 4 * noise(rng, surface.shape, 60, 2)
    grain = np.sin(wave * rng.uniform(0.6, 1.6)) + 0.4 * noise(rng, surface.shape, 3)
    branch = rng.random() < 0.4
    cover = surface.box(0, 0, length_mm, width_mm, width_mm * 0.3 if branch else 1)
    tone = pick(rng, ((0.6, 0.43, 0.24), (0.4, 0.26, 0.14), (0.7, 0.56, 0.36)), 0.04)
    bulge = np.sqrt(np.clip(1 - (2 * surface.y_mm / width_mm) ** 2, 0, 1)) * width_mm / 2
    surface.paint(
        cover, tone, opacity=1.0, height_mm=bulge if branch else 15.0, specular=0.04, gloss=6
    )
    surface.tint((1 + 0.14 * grain).astype(np.float32))
    return Item(
        surface=surface, mass_g=length_mm * width_mm * 0.011, height_mm=max(15.0, width_mm / 3)
    )


def stone(rng: Rng) -> Item:
    """A stone, brick or ceramic fragment."""
    length_mm = float(rng.uniform(25, 120))
    width_mm = length_mm * float(rng.uniform(0.6, 1.0))
    surface = Surface(length_mm, width_mm, 10)
    reach = _shell(surface, rng, length_mm, width_mm, 0.12)
    cover = surface.cover(((reach - 0.92) * width_mm / 2).astype(np.float32))
    dome = width_mm * 0.4 * np.sqrt(np.clip(1.1 - reach**2, 0, 1))
    tone = pick(rng, ((0.45, 0.44, 0.42), (0.58, 0.3, 0.2), (0.62, 0.58, 0.5), (0.85, 0.85, 0.83)))
    relief = (dome + creases(rng, surface.shape, 6, 3)).astype(np.float32)
    surface.paint(cover, tone, opacity=1.0, height_mm=relief, specular=0.05)
    surface.tint(1 + 0.12 * noise(rng, surface.shape, 4, 2))
    return Item(surface=surface, mass_g=length_mm * width_mm**2 * 0.0009, height_mm=width_mm * 0.6)


def rubber(rng: Rng) -> Item:
    """Rubber: hose, sole, ring or strip, matt black."""
    reach_mm, thick_mm = float(rng.uniform(35, 95)), float(rng.uniform(12, 34))
    surface = Surface(2 * reach_mm + thick_mm, 2 * reach_mm + thick_mm)
    sweep = float(rng.uniform(1.2, 6.3))
    angle = np.linspace(0, sweep, 60)
    path = np.stack((reach_mm * np.cos(angle), 0.8 * reach_mm * np.sin(angle)), 1)
    cover, relief = surface.stroke(path.astype(np.float32), thick_mm)
    tone = pick(rng, ((0.08, 0.08, 0.08), (0.14, 0.13, 0.13), (0.4, 0.12, 0.1)), 0.02)
    surface.paint(cover, tone, opacity=1.0, height_mm=relief, specular=0.1, gloss=8)
    surface.bump((0.7 * np.sin(surface.x_mm) * cover).astype(np.float32))
    return Item(surface=surface, mass_g=reach_mm * thick_mm * 0.09, height_mm=thick_mm)


def bulb(rng: Rng) -> Item:
    """An LED or incandescent bulb: a globe on a screw cap, no bent tube, no mercury."""
    radius_mm = float(rng.uniform(20, 34))
    surface = Surface(5.2 * radius_mm + 30, 2 * radius_mm)
    led = rng.random() < 0.55
    globe_mm = 0.6 * radius_mm
    reach = np.hypot(surface.x_mm - globe_mm, surface.y_mm).astype(np.float32)
    neck, neck_height = surface.lathe(
        -1.6 * radius_mm,
        globe_mm,
        lambda x: radius_mm * np.clip(0.5 + 0.45 * (x + 1.6 * radius_mm) / (2.2 * radius_mm), 0, 1),
    )
    if led:
        body = pick(rng, ((0.9, 0.9, 0.88), (0.6, 0.6, 0.62), (0.82, 0.8, 0.74)), 0.02)
        surface.paint(neck, body, opacity=1.0, height_mm=neck_height, specular=0.2, gloss=14)
        if rng.random() < 0.4:
            fins = (np.abs(surface.y_mm % 5 - 2.5) < 0.9).astype(np.float32)
            surface.paint(neck * fins * 0.7, (0.35, 0.35, 0.36))
    else:
        surface.paint(
            neck, (0.75, 0.76, 0.74), opacity=0.4, height_mm=neck_height, specular=1.0, gloss=90
        )
    ball = np.sqrt(np.clip(radius_mm**2 - reach**2, 0, None)).astype(np.float32) + radius_mm
    globe = surface.cover(reach - np.float32(radius_mm))
    tone = jitter(rng, (0.93, 0.93, 0.9), 0.02) if led else (0.78, 0.79, 0.77)
    opacity = 1.0 if led or rng.random() < 0.3 else 0.4
    surface.paint(globe, tone, opacity=opacity, height_mm=ball, specular=0.8, gloss=60)
    screw, relief = surface.lathe(
        -1.6 * radius_mm - 26, -1.6 * radius_mm, lambda x: 13 + 0.9 * np.sin(x * 2 * np.pi / 3.6)
    )
    surface.paint(
        screw, jitter(rng, (0.7, 0.68, 0.62), 0.04), opacity=1.0, height_mm=relief, specular=0.9
    )
    return Item(surface=surface, mass_g=float(rng.uniform(25, 90)), height_mm=2 * radius_mm)


def white_pipe(rng: Rng) -> Item:
    """A piece of white or grey PVC pipe: matt, no metal cap, open dark ends."""
    length_mm, width_mm = float(rng.uniform(110, 560)), float(rng.uniform(16, 52))
    surface = Surface(length_mm, width_mm)
    half = length_mm / 2
    cover, height = surface.lathe(-half, half, lambda x: np.full_like(x, width_mm / 2))
    tone = pick(rng, ((0.9, 0.9, 0.88), (0.8, 0.8, 0.8), (0.62, 0.63, 0.65)), 0.02)
    surface.paint(cover, tone, opacity=1.0, height_mm=height, specular=0.15, gloss=10)
    mouth = surface.box(half - 2, 0, 5, width_mm * 0.85, 2)
    surface.paint(mouth * cover, (0.12, 0.12, 0.12))
    if rng.random() < 0.4:
        sleeve = surface.box(-half + 20, 0, 40, width_mm * 1.0, 1)
        surface.paint(sleeve * cover, jitter(rng, tone, 0.04), height_mm=height + 3)
    if rng.random() < 0.5:
        print_line = surface.box(0, 0, length_mm * 0.8, 2.5)
        text = (noise(rng, surface.shape, 5) > 0.2).astype(np.float32)
        surface.paint(print_line * text, (0.2, 0.25, 0.5))
    surface.tint(1 + 0.05 * noise(rng, surface.shape, 30, 3))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.01, height_mm=width_mm)


def led_tube(rng: Rng) -> Item:
    """An LED tube: aluminium back, frosted front, plastic caps; no phosphor, no mercury."""
    length_mm = float(rng.choice((288.0, 438.0, 590.0)))
    surface = Surface(length_mm + 10, 26.0)
    half = length_mm / 2
    cover, height = surface.lathe(-half, half, lambda x: np.full_like(x, 13.0))
    surface.paint(cover, (0.88, 0.88, 0.86), opacity=1.0, height_mm=height, specular=0.2, gloss=20)
    edge_mm = float(rng.uniform(-7, 5))
    back = surface.box(0, edge_mm + 13, 2 * half, 26) * cover
    surface.paint(back, jitter(rng, (0.55, 0.55, 0.57), 0.03), specular=0.8, gloss=15)
    dots = ((surface.x_mm % 12) < 3.5) & (np.abs(surface.y_mm - edge_mm + 7) < 2)
    surface.paint(cover * dots.astype(np.float32), (0.93, 0.82, 0.3))
    for side in (-1, 1):
        cap = surface.box(side * (half - 10), 0, 22, 26, 2)
        surface.paint(cap, (0.93, 0.93, 0.93), opacity=1.0, specular=0.1, gloss=8)
    return Item(surface=surface, mass_g=length_mm * 0.3, height_mm=26.0)


DESIGNS = (
    Design(name="glass_bottle", share=1.6, make=glass_bottle),
    Design(name="glass_jar", share=0.9, make=glass_jar),
    Design(name="can", share=1.6, make=can),
    Design(name="foil", share=0.9, make=foil),
    Design(name="textile", share=1.0, make=textile),
    Design(name="wood", share=0.9, make=wood),
    Design(name="stone", share=0.8, make=stone),
    Design(name="rubber", share=0.7, make=rubber),
    Design(name="bulb", share=1.2, make=bulb),
    Design(name="white_pipe", share=1.2, make=white_pipe),
    Design(name="led_tube", share=0.8, make=led_tube),
)
