"""Paper: print, office sheet, cardboard, cartons, crumpled balls and rolls."""

from __future__ import annotations

import numpy as np

from models.render.item import Design, Item
from models.render.surface import (
    F32,
    RGB,
    Rng,
    Surface,
    box_sdf,
    creases,
    jitter,
    noise,
    pick,
    vivid,
)

_WHITE: tuple[RGB, ...] = ((0.93, 0.93, 0.92), (0.88, 0.88, 0.86), (0.90, 0.87, 0.80))
_KRAFT: tuple[RGB, ...] = ((0.66, 0.51, 0.35), (0.58, 0.44, 0.30), (0.72, 0.58, 0.42))


def _ragged(surface: Surface, rng: Rng, length_mm: float, width_mm: float, rough_mm: float) -> F32:
    warp_x = surface.x_mm + rough_mm * noise(rng, surface.shape, 30, 3)
    warp_y = surface.y_mm + rough_mm * noise(rng, surface.shape, 30, 3)
    return surface.cover(
        box_sdf(warp_x.astype(np.float32), warp_y.astype(np.float32), length_mm, width_mm, 2)
    )


def _text_lines(surface: Surface, rng: Rng, cover: F32, pitch_mm: float, ink: float) -> None:
    rows = (surface.y_mm % pitch_mm) < pitch_mm * 0.5
    words = noise(rng, surface.shape, 5) > -0.5
    columns = (surface.x_mm % float(rng.uniform(45, 80))) > 5
    surface.paint(cover * (rows & words & columns) * ink, (0.15, 0.15, 0.17))


def newspaper(rng: Rng) -> Item:
    """A folded sheet of newsprint with columns and pictures."""
    length_mm, width_mm = float(rng.uniform(140, 330)), float(rng.uniform(100, 240))
    surface = Surface(length_mm, width_mm, 12)
    cover = _ragged(surface, rng, length_mm, width_mm, float(rng.uniform(1, 7)))
    folds = creases(rng, surface.shape, 5, rng.uniform(0.5, 5))
    surface.paint(
        cover,
        jitter(rng, (0.76, 0.74, 0.69), 0.04),
        opacity=1.0,
        height_mm=folds + 10,
        specular=0.02,
    )
    _text_lines(surface, rng, cover, float(rng.uniform(3.5, 6)), float(rng.uniform(0.4, 0.8)))
    for _ in range(int(rng.integers(0, 4))):
        x_mm, y_mm = rng.uniform(-0.4, 0.4) * length_mm, rng.uniform(-0.4, 0.4) * width_mm
        picture = surface.box(x_mm, y_mm, rng.uniform(25, 90), rng.uniform(20, 70))
        tone = vivid(rng) if rng.random() < 0.5 else jitter(rng, (0.4, 0.4, 0.4), 0.15)
        surface.paint(picture * cover, tone)
    surface.tint(1 + 0.08 * noise(rng, surface.shape, 8, 2))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.00025, height_mm=8.0)


def office_sheet(rng: Rng) -> Item:
    """A white sheet, whole or torn, with some print."""
    length_mm, width_mm = float(rng.uniform(120, 297)), float(rng.uniform(90, 210))
    surface = Surface(length_mm, width_mm, 12)
    cover = _ragged(surface, rng, length_mm, width_mm, float(rng.choice((0.3, 5.0))))
    folds = creases(rng, surface.shape, int(rng.integers(1, 7)), rng.uniform(0.3, 6))
    surface.paint(cover, pick(rng, _WHITE, 0.02), opacity=1.0, height_mm=folds + 8, specular=0.02)
    if rng.random() < 0.7:
        _text_lines(surface, rng, cover, float(rng.uniform(4, 9)), float(rng.uniform(0.3, 0.8)))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.00008, height_mm=6.0)


def magazine(rng: Rng) -> Item:
    """A glossy flyer or magazine in colour."""
    length_mm, width_mm = float(rng.uniform(140, 290)), float(rng.uniform(100, 210))
    surface = Surface(length_mm, width_mm, 12)
    cover = _ragged(surface, rng, length_mm, width_mm, float(rng.uniform(0.3, 4)))
    folds = creases(rng, surface.shape, 3, rng.uniform(0.5, 6))
    surface.paint(cover, vivid(rng), opacity=1.0, height_mm=folds + 8, specular=0.25, gloss=14)
    for _ in range(int(rng.integers(3, 9))):
        x_mm, y_mm = rng.uniform(-0.45, 0.45) * length_mm, rng.uniform(-0.45, 0.45) * width_mm
        block = surface.box(x_mm, y_mm, rng.uniform(20, 130), rng.uniform(10, 90))
        tone = vivid(rng) if rng.random() < 0.6 else pick(rng, _WHITE)
        surface.paint(block * cover, tone)
    _text_lines(surface, rng, cover, float(rng.uniform(5, 12)), 0.4)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0007, height_mm=8.0)


def cardboard(rng: Rng) -> Item:
    """Flat corrugated board: flutes, torn edge, tape, print."""
    length_mm, width_mm = float(rng.uniform(90, 340)), float(rng.uniform(70, 240))
    surface = Surface(length_mm, width_mm, 12)
    cover = _ragged(surface, rng, length_mm, width_mm, float(rng.uniform(0.5, 9)))
    flutes = 0.12 * np.sin(surface.x_mm * 2 * np.pi / 7)
    folds = creases(rng, surface.shape, 3, rng.uniform(0.5, 7))
    relief = (folds + flutes + 10).astype(np.float32)
    surface.paint(cover, pick(rng, _KRAFT, 0.03), opacity=1.0, height_mm=relief, specular=0.02)
    surface.tint(1 + 0.05 * noise(rng, surface.shape, 10, 3))
    if rng.random() < 0.4:
        band = surface.box(0, rng.uniform(-0.3, 0.3) * width_mm, length_mm, rng.uniform(30, 50))
        surface.paint(band * cover * 0.6, (0.75, 0.65, 0.48), specular=0.4, gloss=20)
    if rng.random() < 0.5:
        mark = surface.box(rng.uniform(-30, 30), 0, rng.uniform(30, 90), rng.uniform(12, 40))
        _text_lines(surface, rng, cover * mark, 10.0, 0.8)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0006, height_mm=8.0)


def box(rng: Rng) -> Item:
    """A small folding box seen from above: a lit top and one darker side."""
    length_mm, width_mm = float(rng.uniform(70, 260)), float(rng.uniform(50, 170))
    side_mm = float(rng.uniform(12, 50))
    surface = Surface(length_mm, width_mm + side_mm)
    kraft = rng.random() < 0.5
    tone = pick(rng, _KRAFT) if kraft else (vivid(rng) if rng.random() < 0.6 else pick(rng, _WHITE))
    top = surface.box(0, -side_mm / 2, length_mm, width_mm, 1)
    side = surface.box(0, width_mm / 2, length_mm, side_mm, 1)
    dark = float(rng.uniform(0.5, 0.85))
    surface.paint(
        side, (tone[0] * dark, tone[1] * dark, tone[2] * dark), opacity=1.0, height_mm=30.0
    )
    folds = creases(rng, surface.shape, 2, rng.uniform(0.2, 3)) + 30
    surface.paint(top, tone, opacity=1.0, height_mm=folds, specular=0.1, gloss=12)
    for _ in range(int(rng.integers(0, 5))):
        x_mm, y_mm = rng.uniform(-0.35, 0.35) * length_mm, rng.uniform(-0.4, 0.2) * width_mm
        block = surface.box(x_mm, y_mm, rng.uniform(15, 70), rng.uniform(8, 40), 2)
        surface.paint(block * top, vivid(rng) if rng.random() < 0.6 else (0.12, 0.12, 0.13))
    surface.paint(surface.box(0, 0, 1.2, width_mm) * top * float(rng.random()), (0.3, 0.25, 0.2))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0012, height_mm=side_mm + 20)


def carton(rng: Rng) -> Item:
    """A drink carton with its gable."""
    length_mm, width_mm = float(rng.uniform(110, 240)), float(rng.uniform(55, 95))
    surface = Surface(length_mm, width_mm)
    tone = vivid(rng) if rng.random() < 0.5 else pick(rng, _WHITE)
    body = surface.box(0, 0, length_mm, width_mm, 2)
    roof = np.clip((length_mm / 2 - surface.x_mm) / 40, 0, 1)
    dents = creases(rng, surface.shape, 4, rng.uniform(0.3, 5))
    relief = (25 + 25 * roof + dents).astype(np.float32)
    surface.paint(body, tone, opacity=1.0, height_mm=relief, specular=0.15, gloss=14)
    for _ in range(int(rng.integers(2, 6))):
        block = surface.box(
            rng.uniform(-0.4, 0.3) * length_mm, 0, rng.uniform(15, 60), rng.uniform(20, width_mm)
        )
        surface.paint(block * body, vivid(rng) if rng.random() < 0.7 else pick(rng, _WHITE))
    surface.paint(surface.box(length_mm * 0.32, 0, 1.5, width_mm) * body, (0.5, 0.5, 0.5))
    surface.paint(surface.box(length_mm * 0.47, 0, 1.5, width_mm) * body, (0.5, 0.5, 0.5))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0017, height_mm=55.0)


def crumpled(rng: Rng) -> Item:
    """A ball or rag of crumpled paper."""
    length_mm = float(rng.uniform(50, 180))
    width_mm = length_mm * float(rng.uniform(0.5, 1.0))
    surface = Surface(length_mm, width_mm, 14)
    warp = 0.12 * noise(rng, surface.shape, 0.3 * length_mm, 3)
    reach = np.hypot(2 * surface.x_mm / length_mm, 2 * surface.y_mm / width_mm) + warp
    cover = surface.cover(((reach - 0.92) * width_mm / 2).astype(np.float32))
    dome = 0.3 * width_mm * np.sqrt(np.clip(1.15 - reach**2, 0, 1))
    relief = (dome + creases(rng, surface.shape, 34, 5)).astype(np.float32)
    tone = pick(rng, _KRAFT) if rng.random() < 0.3 else pick(rng, _WHITE, 0.03)
    surface.paint(cover, tone, opacity=1.0, height_mm=relief, specular=0.03)
    if rng.random() < 0.4:
        _text_lines(surface, rng, cover, float(rng.uniform(4, 8)), 0.5)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0004, height_mm=width_mm * 0.4)


def roll(rng: Rng) -> Item:
    """Rolled paper or a cardboard core, which looks like a tube and is none."""
    length_mm, width_mm = float(rng.uniform(95, 420)), float(rng.uniform(18, 48))
    surface = Surface(length_mm, width_mm)
    cover, height = surface.lathe(
        -length_mm / 2, length_mm / 2, lambda x: np.full_like(x, width_mm / 2)
    )
    tone = pick(rng, _KRAFT) if rng.random() < 0.4 else pick(rng, _WHITE, 0.02)
    surface.paint(cover, tone, opacity=1.0, height_mm=height * 0.8, specular=0.02, gloss=5)
    seam = surface.box(0, width_mm * rng.uniform(-0.3, 0.3), length_mm * 0.97, 0.9)
    surface.paint(seam, (0.45, 0.42, 0.38))
    if rng.random() < 0.5:
        _text_lines(surface, rng, cover, float(rng.uniform(4, 8)), 0.4)
    surface.paint(surface.box(length_mm / 2 - 1.5, 0, 3, width_mm) * cover, (0.35, 0.3, 0.26))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0012, height_mm=width_mm)


DESIGNS = (
    Design(name="newspaper", share=1.2, make=newspaper),
    Design(name="office_sheet", share=1.2, make=office_sheet),
    Design(name="magazine", share=1.0, make=magazine),
    Design(name="cardboard", share=1.6, make=cardboard),
    Design(name="box", share=1.2, make=box),
    Design(name="carton", share=1.0, make=carton),
    Design(name="crumpled", share=1.2, make=crumpled),
    Design(name="roll", share=0.8, make=roll),
)
