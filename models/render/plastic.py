"""Plastic: bottles, canisters, trays, cups, pots, film and bags."""

from __future__ import annotations

from functools import partial

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

_CLEAR: tuple[RGB, ...] = ((0.80, 0.85, 0.87), (0.74, 0.82, 0.84), (0.85, 0.86, 0.84))
_TINTED: tuple[RGB, ...] = ((0.30, 0.58, 0.75), (0.25, 0.55, 0.32), (0.45, 0.27, 0.12))
_CAPS: tuple[RGB, ...] = (
    (0.1, 0.25, 0.7),
    (0.75, 0.1, 0.12),
    (0.9, 0.9, 0.9),
    (0.1, 0.5, 0.2),
    (0.95, 0.6, 0.1),
    (0.1, 0.1, 0.12),
)
_OPAQUE: tuple[RGB, ...] = (
    (0.92, 0.92, 0.90),
    (0.15, 0.35, 0.75),
    (0.85, 0.15, 0.2),
    (0.95, 0.8, 0.15),
    (0.2, 0.6, 0.35),
    (0.9, 0.5, 0.6),
    (0.12, 0.12, 0.14),
)


def _print_label(surface: Surface, rng: Rng, cover: F32, along_mm: tuple[float, float]) -> None:
    ground = vivid(rng) if rng.random() < 0.7 else jitter(rng, (0.9, 0.9, 0.9))
    surface.paint(cover, ground, opacity=0.98, specular=0.15, gloss=15)
    for _ in range(int(rng.integers(1, 5))):
        x_mm = float(rng.uniform(*along_mm))
        bar = surface.box(
            x_mm, float(rng.uniform(-15, 15)), rng.uniform(4, 25), rng.uniform(3, 20), 2
        )
        surface.paint(bar * cover, vivid(rng) if rng.random() < 0.6 else (0.95, 0.95, 0.95))


def _screw_cap(surface: Surface, rng: Rng, end_mm: float) -> None:
    cap, height = surface.lathe(end_mm - 16, end_mm, lambda x: np.full_like(x, 14.5))
    surface.paint(cap, pick(rng, _CAPS), opacity=1.0, height_mm=height, specular=0.3, gloss=25)


def pet_bottle(rng: Rng, *, colours: tuple[RGB, ...], crush: float) -> Item:
    """A drink bottle lying on its side, cap and label by chance; `crush` 0 whole to 1 flat."""
    volume_l = float(rng.choice((0.33, 0.5, 1.0, 1.5, 2.0)))
    radius_mm = float((28 + 13 * volume_l**0.8) * rng.uniform(0.93, 1.07))
    length_mm = float(min(165 + 95 * volume_l, 340) * rng.uniform(0.9, 1.08))
    length_mm *= 1 - 0.45 * crush * float(rng.uniform(0, 1))
    wide = 1 + 0.3 * crush
    surface = Surface(length_mm, 2 * radius_mm * wide + 10)
    half = length_mm / 2
    ribs = float(rng.uniform(0, 1.2))

    def radius(x_mm: F32) -> F32:
        shoulder = np.clip((half - 18 - x_mm) / (0.9 * radius_mm), 0, 1)
        body = 13 + (radius_mm * wide - 13) * np.sin(shoulder * np.pi / 2)
        base = 1 - 0.25 * np.clip((x_mm + half) / -8 + 1, 0, 1)
        return np.asarray(body * base + ribs * np.sin(x_mm / 4.5), np.float32)

    cover, height = surface.lathe(-half, half - 8, radius)
    flat = 1 - 0.75 * crush
    thin = float(rng.uniform(0.18, 0.5)) if colours is _CLEAR else float(rng.uniform(0.5, 0.8))
    surface.paint(
        cover,
        pick(rng, colours, 0.03),
        opacity=thin,
        height_mm=height * flat,
        specular=0.9,
        gloss=60,
    )
    label_mm = (-0.35 * length_mm, 0.1 * length_mm)
    if rng.random() < 0.6:
        middle, span = sum(label_mm) / 2, label_mm[1] - label_mm[0]
        band = surface.box(middle, 0, span * rng.uniform(0.6, 1.1), 4 * radius_mm) * cover
        _print_label(surface, rng, band, label_mm)
    if rng.random() < 0.7:
        _screw_cap(surface, rng, half)
    rough = creases(rng, surface.shape, int(4 + 22 * crush), 1.5 + 7 * crush)
    surface.bump((noise(rng, surface.shape, 14, 2) + rough) * cover * (0.3 + crush))
    return Item(
        surface=surface, mass_g=9 + 16 * volume_l**0.9, height_mm=2 * radius_mm * max(flat, 0.3)
    )


def hdpe_bottle(rng: Rng) -> Item:
    """An opaque detergent or shampoo bottle."""
    length_mm, width_mm = float(rng.uniform(150, 290)), float(rng.uniform(55, 110))
    surface = Surface(length_mm, width_mm)
    body = surface.box(-14, 0, length_mm - 30, width_mm, float(rng.uniform(12, 26)))
    bulge = np.sqrt(np.clip(1 - (2 * surface.y_mm / width_mm) ** 2, 0, 1)) * 30 + 18
    surface.paint(body, pick(rng, _OPAQUE), opacity=1.0, height_mm=bulge, specular=0.35, gloss=18)
    neck = surface.box(length_mm / 2 - 18, 0, 36, rng.uniform(24, 40), 4)
    surface.paint(neck, pick(rng, _CAPS), opacity=1.0, height_mm=28.0, specular=0.3, gloss=25)
    if rng.random() < 0.75:
        label = surface.box(-16, 0, length_mm * rng.uniform(0.3, 0.55), width_mm * 0.8, 8)
        _print_label(surface, rng, label, (-length_mm / 3, length_mm / 5))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0035, height_mm=55.0)


def canister(rng: Rng) -> Item:
    """A jerrycan with its grip hole."""
    length_mm, width_mm = float(rng.uniform(220, 330)), float(rng.uniform(150, 220))
    surface = Surface(length_mm, width_mm)
    body = surface.box(0, 0, length_mm, width_mm, 22)
    hole = surface.box(length_mm * 0.3, width_mm * 0.1, length_mm * 0.14, width_mm * 0.4, 12)
    relief = 60 + 6 * noise(rng, surface.shape, 60)
    cover = body * (1 - hole)
    surface.paint(cover, pick(rng, _OPAQUE), opacity=1.0, height_mm=relief, specular=0.3, gloss=12)
    cap = surface.box(length_mm * 0.47, -width_mm * 0.3, 26, 42, 5)
    surface.paint(cap, pick(rng, _CAPS), opacity=1.0, height_mm=75.0)
    if rng.random() < 0.6:
        label = surface.box(-length_mm * 0.15, 0, length_mm * 0.45, width_mm * 0.6, 3)
        _print_label(surface, rng, label, (-length_mm * 0.35, 0.0))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.004, height_mm=80.0)


def tray(rng: Rng) -> Item:
    """A food tray or clamshell half: rim, ribs, clear, black or white."""
    length_mm, width_mm = float(rng.uniform(120, 250)), float(rng.uniform(85, 170))
    surface = Surface(length_mm, width_mm)
    sdf = box_sdf(surface.x_mm, surface.y_mm, length_mm, width_mm, float(rng.uniform(10, 30)))
    depth_mm = float(rng.uniform(20, 50))
    wall = np.clip(-(sdf + 6) / 14, 0, 1)
    ribs = np.sin(surface.x_mm / rng.uniform(3, 9)) * np.sin(surface.y_mm / rng.uniform(3, 9))
    side = 1.0 if rng.random() < 0.5 else -1.0
    relief = depth_mm / 2 - side * (wall - 0.5) * depth_mm + 1.2 * ribs * (wall > 0.99)
    clear = rng.random() < 0.5
    tones: tuple[RGB, ...] = (
        _CLEAR if clear else ((0.06, 0.06, 0.07), (0.93, 0.93, 0.92), (0.2, 0.4, 0.7))
    )
    surface.paint(
        surface.cover(sdf),
        pick(rng, tones, 0.03),
        opacity=float(rng.uniform(0.25, 0.5)) if clear else 1.0,
        height_mm=relief.astype(np.float32),
        specular=0.7 if clear else 0.35,
        gloss=40,
    )
    if rng.random() < 0.35:
        _print_label(surface, rng, surface.box(0, 0, 60, 40, 2), (-25.0, 25.0))
    surface.bump(creases(rng, surface.shape, 5, rng.uniform(0.2, 4)) * surface.cover(sdf))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0008, height_mm=depth_mm)


def cup(rng: Rng) -> Item:
    """A cup lying on its side: a cone with its dark mouth."""
    length_mm, mouth_mm = float(rng.uniform(70, 150)), float(rng.uniform(60, 98))
    foot_mm = mouth_mm * float(rng.uniform(0.6, 0.85))
    surface = Surface(length_mm, mouth_mm)
    half = length_mm / 2

    def radius(x_mm: F32) -> F32:
        share = np.clip((x_mm + half) / length_mm, 0, 1)
        return np.asarray((foot_mm + (mouth_mm - foot_mm) * share) / 2, np.float32)

    cover, height = surface.lathe(-half, half, radius)
    clear = rng.random() < 0.4
    tone = pick(rng, _CLEAR if clear else _OPAQUE, 0.04)
    thin = float(rng.uniform(0.3, 0.55)) if clear else 1.0
    surface.paint(cover, tone, opacity=thin, height_mm=height, specular=0.6, gloss=35)
    surface.paint(surface.box(half - 2, 0, 4, mouth_mm, 1.5), tone, opacity=0.95)
    if rng.random() < 0.5 and not clear:
        band = surface.box(0, 0, length_mm * 0.5, 2 * mouth_mm) * cover
        _print_label(surface, rng, band, (-half / 2, half / 2))
    return Item(surface=surface, mass_g=length_mm * mouth_mm * 0.0012, height_mm=mouth_mm)


def pot(rng: Rng) -> Item:
    """A yoghurt pot or lid seen from above: rings."""
    radius_mm = float(rng.uniform(18, 60))
    surface = Surface(2 * radius_mm, 2 * radius_mm)
    distance = np.hypot(surface.x_mm, surface.y_mm).astype(np.float32)
    tone = pick(rng, _OPAQUE + _CAPS)
    rings = 6 * np.cos(distance / radius_mm * np.pi * int(rng.integers(2, 6)))
    relief = (12 + rings).astype(np.float32)
    cover = surface.cover(distance - np.float32(radius_mm))
    surface.paint(cover, tone, opacity=1.0, height_mm=relief, specular=0.35, gloss=25)
    if rng.random() < 0.4:
        inner = surface.disc(0, 0, radius_mm * 0.7)
        _print_label(surface, rng, inner, (-radius_mm / 2, radius_mm / 2))
    return Item(surface=surface, mass_g=2 + radius_mm * 0.15, height_mm=15 + radius_mm * 0.5)


def film(rng: Rng, *, opaque: bool) -> Item:
    """Crumpled film or a carrier bag, ragged outline."""
    length_mm, width_mm = float(rng.uniform(110, 330)), float(rng.uniform(80, 220))
    surface = Surface(length_mm, width_mm, 20)
    warp = 0.15 * noise(rng, surface.shape, 0.35 * width_mm, 3)
    reach = np.hypot(2 * surface.x_mm / length_mm, 2 * surface.y_mm / width_mm) + warp
    cover = surface.cover(((reach - 0.92) * width_mm / 2).astype(np.float32))
    folds = creases(rng, surface.shape, 22, 6) + 3 * noise(rng, surface.shape, 16, 2)
    if opaque:
        tone = pick(rng, (*_OPAQUE, (0.85, 0.85, 0.87), (0.2, 0.2, 0.22)))
        opacity = float(rng.uniform(0.85, 1.0))
    else:
        tone, opacity = pick(rng, _CLEAR, 0.03), float(rng.uniform(0.25, 0.5))
    surface.paint(
        cover,
        tone,
        opacity=opacity,
        height_mm=folds + 15,
        specular=0.75,
        gloss=float(rng.uniform(8, 40)),
    )
    if opaque and rng.random() < 0.5:
        _print_label(surface, rng, surface.box(0, 0, 80, 60, 5) * cover, (-35.0, 35.0))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.0002, height_mm=25.0)


def straw(rng: Rng) -> Item:
    """A drinking straw, thin and striped: never a lamp."""
    length_mm, width_mm = float(rng.uniform(140, 240)), float(rng.uniform(5, 9))
    surface = Surface(length_mm, width_mm)
    cover, height = surface.lathe(
        -length_mm / 2, length_mm / 2, lambda x: np.full_like(x, width_mm / 2)
    )
    tone = (0.95, 0.95, 0.94) if rng.random() < 0.5 else vivid(rng)
    surface.paint(cover, tone, opacity=0.95, height_mm=height, specular=0.3, gloss=25)
    if rng.random() < 0.6:
        stripe = (np.sin((surface.x_mm + 3 * surface.y_mm) / 4) > 0.3).astype(np.float32)
        surface.paint(cover * stripe, vivid(rng))
    return Item(surface=surface, mass_g=0.6, height_mm=width_mm)


DESIGNS = (
    Design(name="pet_bottle_clear", share=2.0, make=partial(pet_bottle, colours=_CLEAR, crush=0.0)),
    Design(
        name="pet_bottle_tinted", share=1.0, make=partial(pet_bottle, colours=_TINTED, crush=0.1)
    ),
    Design(
        name="pet_bottle_crushed", share=1.5, make=partial(pet_bottle, colours=_CLEAR, crush=0.8)
    ),
    Design(name="hdpe_bottle", share=1.5, make=hdpe_bottle),
    Design(name="canister", share=0.6, make=canister),
    Design(name="tray", share=1.5, make=tray),
    Design(name="cup", share=1.0, make=cup),
    Design(name="pot", share=1.0, make=pot),
    Design(name="film_clear", share=1.0, make=partial(film, opaque=False)),
    Design(name="bag", share=1.2, make=partial(film, opaque=True)),
    Design(name="straw", share=0.5, make=straw),
)
