"""Electrical waste: phones, boards, cables, chargers, remotes, mice, keyboards, batteries."""

from __future__ import annotations

import numpy as np

from models.render.item import Design, Item
from models.render.surface import F32, RGB, Rng, Surface, jitter, noise, pick, vivid

_SHELL: tuple[RGB, ...] = (
    (0.06, 0.06, 0.07),
    (0.12, 0.12, 0.13),
    (0.85, 0.85, 0.84),
    (0.5, 0.5, 0.53),
    (0.75, 0.73, 0.65),
)


def phone(rng: Rng) -> Item:
    """A phone or small tablet, screen or back up, screen cracked by chance."""
    length_mm = float(rng.uniform(100, 200))
    width_mm = length_mm * float(rng.uniform(0.46, 0.62))
    surface = Surface(length_mm, width_mm)
    body = surface.box(0, 0, length_mm, width_mm, float(rng.uniform(5, 14)))
    shell = pick(rng, _SHELL, 0.03) if rng.random() < 0.7 else vivid(rng)
    surface.paint(body, shell, opacity=1.0, height_mm=9.0, specular=0.5, gloss=30)
    if rng.random() < 0.6:
        screen = surface.box(0, 0, length_mm * rng.uniform(0.7, 0.95), width_mm * 0.9, 3)
        glass = jitter(rng, (0.04, 0.04, 0.06), 0.02)
        sheen = 9 + 0.02 * surface.x_mm + 0.6 * noise(rng, surface.shape, 90)
        surface.paint(screen, glass, height_mm=sheen, specular=0.5, gloss=60)
        for _ in range(int(rng.integers(0, 7))):
            path = rng.uniform(-0.4, 0.4, (3, 2)) * (length_mm, width_mm)
            crack, _ = surface.stroke(path.astype(np.float32), 0.8)
            surface.paint(crack * screen, (0.6, 0.62, 0.65))
    else:
        for k in range(int(rng.integers(1, 4))):
            lens = surface.disc(length_mm * 0.38, width_mm * (0.3 - 0.17 * k), 6)
            surface.paint(lens, (0.05, 0.05, 0.07), specular=0.8, gloss=80)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.016, height_mm=9.0)


def keypad_phone(rng: Rng) -> Item:
    """A remote control or key phone: keys in rows on a dark or light body."""
    length_mm, width_mm = float(rng.uniform(90, 220)), float(rng.uniform(38, 58))
    surface = Surface(length_mm, width_mm)
    bulge = 16 - 8 * (2 * surface.y_mm / width_mm) ** 2
    body = surface.box(0, 0, length_mm, width_mm, float(rng.uniform(6, 20)))
    shell = pick(rng, _SHELL, 0.03)
    surface.paint(body, shell, opacity=1.0, height_mm=bulge, specular=0.3, gloss=18)
    if rng.random() < 0.5:
        screen = surface.box(length_mm * 0.28, 0, length_mm * 0.3, width_mm * 0.75, 2)
        surface.paint(screen, jitter(rng, (0.25, 0.3, 0.28)), specular=0.5, gloss=50)
    key = vivid(rng) if rng.random() < 0.2 else pick(rng, _SHELL)
    size_mm = float(rng.uniform(5, 9))
    for row in np.arange(-length_mm * 0.42, length_mm * 0.1, size_mm * 1.6):
        for column in (-1, 0, 1):
            tone = vivid(rng) if rng.random() < 0.08 else key
            button = surface.box(row, column * width_mm * 0.29, size_mm, size_mm, 2)
            surface.paint(button, tone, height_mm=18.0)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.011, height_mm=20.0)


def board(rng: Rng) -> Item:
    """A printed circuit board with chips, capacitors, connectors and traces."""
    length_mm, width_mm = float(rng.uniform(50, 220)), float(rng.uniform(40, 150))
    surface = Surface(length_mm, width_mm)
    cover = surface.box(0, 0, length_mm, width_mm, 2)
    mask = pick(
        rng, ((0.05, 0.32, 0.12), (0.08, 0.4, 0.2), (0.05, 0.15, 0.4), (0.45, 0.3, 0.1)), 0.04
    )
    surface.paint(cover, mask, opacity=1.0, height_mm=2.0, specular=0.25, gloss=20)
    traces = (np.abs(noise(rng, surface.shape, 7, 2)) < 0.12).astype(np.float32)
    surface.paint(cover * traces * 0.5, (0.4, 0.55, 0.3))
    parts: tuple[RGB, ...] = (
        (0.05, 0.05, 0.06),
        (0.7, 0.7, 0.72),
        (0.1, 0.1, 0.12),
        (0.75, 0.6, 0.25),
    )
    for _ in range(int(length_mm * width_mm / 350)):
        x_mm, y_mm = rng.uniform(-0.46, 0.46) * length_mm, rng.uniform(-0.46, 0.46) * width_mm
        if rng.random() < 0.2:
            part = surface.disc(x_mm, y_mm, float(rng.uniform(3, 8)))
        else:
            part = surface.box(x_mm, y_mm, rng.uniform(3, 22), rng.uniform(3, 16), 0.5)
        surface.paint(
            part * cover,
            pick(rng, parts),
            height_mm=float(rng.uniform(4, 14)),
            specular=0.5,
            gloss=25,
        )
    for _ in range(3):
        surface.alpha *= 1 - surface.disc(
            length_mm * 0.47 * rng.choice((-1, 1)), width_mm * 0.45 * rng.choice((-1, 1)), 2
        )
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.006, height_mm=14.0)


def _wander(rng: Rng, reach_mm: float, turns: int) -> F32:
    t = np.linspace(0, 2 * np.pi * turns, 90 * max(turns, 1))
    radius = reach_mm * (0.75 + 0.2 * np.sin(t * rng.uniform(0.3, 0.9) + rng.uniform(0, 6)))
    xs = radius * np.cos(t) + rng.normal(0, reach_mm * 0.02, t.shape).cumsum() * 0.3
    ys = radius * 0.75 * np.sin(t)
    return np.stack((xs, ys), axis=1).astype(np.float32)


def cable(rng: Rng) -> Item:
    """A coiled or loose cable with plugs."""
    reach_mm = float(rng.uniform(35, 110))
    surface = Surface(2.4 * reach_mm, 2.0 * reach_mm, 14)
    thick_mm = float(rng.uniform(3, 8))
    tone = pick(
        rng, ((0.05, 0.05, 0.06), (0.88, 0.88, 0.86), (0.5, 0.5, 0.52), (0.6, 0.15, 0.1)), 0.03
    )
    turns = int(rng.integers(1, 5))
    path = _wander(rng, reach_mm, turns)
    for part in np.array_split(path, turns * 3):
        cover, relief = surface.stroke(part, thick_mm)
        surface.paint(cover, tone, opacity=1.0, height_mm=relief + 3, specular=0.3, gloss=20)
    for end in (path[0], path[-1]):
        plug = surface.box(float(end[0]), float(end[1]), rng.uniform(14, 32), rng.uniform(9, 18), 3)
        surface.paint(plug, tone, opacity=1.0, height_mm=12.0)
        pin = surface.box(float(end[0]) + 14, float(end[1]), 12, 6, 1)
        surface.paint(pin, (0.75, 0.75, 0.77), opacity=1.0, height_mm=8.0, specular=0.8, gloss=40)
    return Item(surface=surface, mass_g=reach_mm * turns * thick_mm * 0.1, height_mm=15.0)


def charger(rng: Rng) -> Item:
    """A plug-in power supply with pins, sometimes its cable."""
    length_mm, width_mm = float(rng.uniform(45, 95)), float(rng.uniform(30, 60))
    surface = Surface(length_mm * 2.2, width_mm * 1.6, 8)
    tone = pick(rng, _SHELL[:3], 0.03)
    if rng.random() < 0.6:
        xs = np.linspace(-length_mm, 0, 24)
        ys = rng.uniform(-0.5, 0.5) * width_mm * np.sin(xs / length_mm * 5)
        cord, relief = surface.stroke(np.stack((xs, ys), 1).astype(np.float32), 4.0)
        surface.paint(cord, tone, opacity=1.0, height_mm=relief)
    body = surface.box(length_mm * 0.4, 0, length_mm, width_mm, 7)
    surface.paint(body, tone, opacity=1.0, height_mm=28.0, specular=0.25, gloss=15)
    for side in (-1, 1):
        pin = surface.box(length_mm * 0.95, side * width_mm * 0.2, 20, 4.5, 1)
        surface.paint(pin, (0.75, 0.74, 0.7), opacity=1.0, height_mm=12.0, specular=0.9, gloss=40)
    plate = surface.box(length_mm * 0.35, 0, length_mm * 0.5, width_mm * 0.5, 1)
    surface.paint(plate * 0.6, jitter(rng, (0.6, 0.6, 0.6), 0.2))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.03, height_mm=32.0)


def mouse(rng: Rng) -> Item:
    """A computer mouse: egg-shaped shell, split keys, wheel, sometimes a tail."""
    length_mm, width_mm = float(rng.uniform(85, 125)), float(rng.uniform(50, 68))
    surface = Surface(length_mm * 1.7, width_mm * 1.4, 6)
    shell = pick(rng, _SHELL, 0.03) if rng.random() < 0.7 else vivid(rng)
    if rng.random() < 0.6:
        xs = np.linspace(0, length_mm * 0.82, 20)
        ys = width_mm * 0.4 * np.sin(xs / 22 + rng.uniform(0, 3))
        tail, relief = surface.stroke(np.stack((xs, ys), 1).astype(np.float32), 4.0)
        surface.paint(tail, (0.06, 0.06, 0.07), opacity=1.0, height_mm=relief)
    reach = np.hypot(2 * surface.x_mm / length_mm, 2 * surface.y_mm / width_mm)
    dome = (34 * np.sqrt(np.clip(1.05 - reach**2, 0, 1))).astype(np.float32)
    body = surface.box(0, 0, length_mm, width_mm, width_mm * 0.48)
    surface.paint(body, shell, opacity=1.0, height_mm=dome, specular=0.35, gloss=20)
    surface.paint(surface.box(length_mm * 0.25, 0, length_mm * 0.48, 1.5) * body, (0.1, 0.1, 0.1))
    surface.paint(surface.box(length_mm * 0.26, 0, 16, 7, 3), jitter(rng, (0.2, 0.2, 0.2)))
    return Item(surface=surface, mass_g=float(rng.uniform(60, 120)), height_mm=36.0)


def keyboard(rng: Rng) -> Item:
    """A keyboard or a broken-off part of one: a grid of keys."""
    length_mm, width_mm = float(rng.uniform(150, 430)), float(rng.uniform(95, 160))
    surface = Surface(length_mm, width_mm)
    shell, key = pick(rng, _SHELL, 0.02), pick(rng, _SHELL, 0.02)
    body = surface.box(0, 0, length_mm, width_mm, 5)
    surface.paint(body, shell, opacity=1.0, height_mm=10.0, specular=0.2, gloss=15)
    pitch_mm = 19.0
    inner = surface.box(0, 0, length_mm - 18, width_mm - 18)
    gap = np.maximum(
        np.abs(surface.x_mm % pitch_mm - pitch_mm / 2),
        np.abs(surface.y_mm % pitch_mm - pitch_mm / 2),
    )
    keys = surface.cover((gap - 7.5).astype(np.float32)) * inner
    surface.paint(keys, key, height_mm=16.0)
    legend = surface.cover((gap - 2.0).astype(np.float32)) * inner
    surface.paint(legend * 0.7, (0.9, 0.9, 0.9) if sum(key) < 1.5 else (0.1, 0.1, 0.1))
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.009, height_mm=22.0)


def battery(rng: Rng) -> Item:
    """A cylindrical cell: wrapped can, bare pole, printed band."""
    diameter_mm, length_mm = ((10.5, 44.5), (14.5, 50.5), (26.0, 50.0), (34.0, 61.0), (18.5, 65.0))[
        int(rng.integers(5))
    ]
    surface = Surface(length_mm + 3, diameter_mm)
    cover, height = surface.lathe(
        -length_mm / 2, length_mm / 2, lambda x: np.full_like(x, diameter_mm / 2)
    )
    wrap = vivid(rng) if rng.random() < 0.6 else pick(rng, ((0.08, 0.08, 0.09), (0.75, 0.6, 0.3)))
    surface.paint(cover, wrap, opacity=1.0, height_mm=height, specular=0.7, gloss=25)
    split_mm = float(rng.uniform(-0.2, 0.45)) * length_mm
    band = surface.box(split_mm + length_mm / 2, 0, length_mm, 2 * diameter_mm) * cover
    surface.paint(band, vivid(rng) if rng.random() < 0.4 else (0.72, 0.6, 0.35))
    text = (noise(rng, surface.shape, 4) > 0.5).astype(np.float32)
    middle = surface.box(0, 0, length_mm * 0.7, diameter_mm * 0.4) * cover
    surface.paint(middle * text, (0.95, 0.95, 0.95))
    for x_mm in (-length_mm / 2 + 1.2, length_mm / 2 - 1.2):
        rim = surface.box(x_mm, 0, 2.5, diameter_mm)
        surface.paint(rim * cover, (0.78, 0.78, 0.8), specular=1.0, gloss=30)
    pole = surface.box(length_mm / 2 + 0.8, 0, 2.5, diameter_mm * 0.35)
    surface.paint(pole, (0.8, 0.8, 0.82), opacity=1.0, height_mm=diameter_mm / 2, specular=1.0)
    return Item(surface=surface, mass_g=length_mm * diameter_mm**2 * 0.0022, height_mm=diameter_mm)


def appliance(rng: Rng) -> Item:
    """A small appliance or laptop: shell with grille, panel, knobs, screen."""
    length_mm, width_mm = float(rng.uniform(120, 330)), float(rng.uniform(90, 230))
    surface = Surface(length_mm, width_mm)
    body = surface.box(0, 0, length_mm, width_mm, float(rng.uniform(4, 30)))
    shell = pick(rng, _SHELL, 0.04)
    relief = 30 + 3 * noise(rng, surface.shape, 80)
    surface.paint(body, shell, opacity=1.0, height_mm=relief, specular=0.35, gloss=20)
    if rng.random() < 0.5:
        screen = surface.box(0, 0, length_mm * 0.85, width_mm * 0.8, 3)
        surface.paint(screen, jitter(rng, (0.06, 0.06, 0.08), 0.03), specular=0.5, gloss=60)
    else:
        slots = (np.abs(surface.x_mm % 8 - 4) < 1.6).astype(np.float32)
        grille = surface.box(-length_mm * 0.2, 0, length_mm * 0.4, width_mm * 0.6, 6)
        surface.paint(grille * slots, (0.03, 0.03, 0.03), height_mm=24.0)
        for k in range(int(rng.integers(1, 4))):
            knob = surface.disc(
                length_mm * 0.28, (k - 1) * width_mm * 0.26, float(rng.uniform(7, 15))
            )
            surface.paint(knob * body, pick(rng, _SHELL), height_mm=42.0, specular=0.5)
    return Item(surface=surface, mass_g=length_mm * width_mm * 0.02, height_mm=45.0)


DESIGNS = (
    Design(name="phone", share=1.3, make=phone),
    Design(name="remote", share=1.1, make=keypad_phone),
    Design(name="board", share=1.4, make=board),
    Design(name="cable", share=1.2, make=cable),
    Design(name="charger", share=1.0, make=charger),
    Design(name="mouse", share=1.0, make=mouse),
    Design(name="keyboard", share=0.9, make=keyboard),
    Design(name="battery", share=1.3, make=battery),
    Design(name="appliance", share=0.9, make=appliance),
)
