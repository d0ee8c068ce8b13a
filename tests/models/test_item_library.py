import numpy as np
import pytest

from models.errors import ItemLibraryError
from models.library import (
    DEFAULT_ITEMS,
    DESIGNS,
    load_sprites,
    main,
    render_sprite,
    render_sprites,
    save_sprites,
)
from vision.types import Fraction

ALL_DESIGNS = [
    pytest.param(fraction, design.name, id=design.name)
    for fraction, designs in DESIGNS.items()
    for design in designs
]


@pytest.mark.parametrize(("fraction", "design"), ALL_DESIGNS)
def test_every_design_renders_a_plausible_item(fraction, design):
    for seed in range(3):
        sprite = render_sprite(fraction, seed, design)
        assert sprite.bgr.dtype == np.uint8
        assert sprite.bgr.shape == (*sprite.alpha.shape, 3)
        assert 20 <= sprite.length_mm <= 640
        assert 30 <= sprite.area_mm2 <= 120_000
        assert 0.3 <= sprite.mass_g <= 3000
        assert 2 <= sprite.height_mm <= 120
        assert sprite.source == "rendered"


def test_sprites_are_cropped_to_the_item():
    for seed in range(12):
        alpha = render_sprite(Fraction.FOOD, seed).alpha
        borders = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
        assert all(border.max() > 12 for border in borders)


def test_same_seed_gives_the_same_sprite_and_another_seed_another():
    first, again, other = (render_sprite(Fraction.PAPER, seed) for seed in (7, 7, 8))
    assert np.array_equal(first.bgr, again.bgr)
    assert np.array_equal(first.alpha, again.alpha)
    assert first.bgr.shape != other.bgr.shape or not np.array_equal(first.bgr, other.bgr)


def test_a_sprite_cannot_be_written_to():
    sprite = render_sprite(Fraction.WEEE, 1)
    with pytest.raises(ValueError, match="read-only"):
        sprite.bgr[0, 0] = 0


def test_clear_plastic_lets_the_belt_through_and_a_lamp_does_not():
    clear = render_sprite(Fraction.PLASTIC, 3, "film_clear")
    lamp = render_sprite(Fraction.MERCURY_LAMP, 3, "linear_tube")
    assert np.median(clear.alpha[clear.alpha > 26]) < 200
    assert np.median(lamp.alpha[lamp.alpha > 26]) > 250


def test_an_unknown_design_is_refused_with_the_known_ones():
    with pytest.raises(ItemLibraryError, match="linear_tube"):
        render_sprite(Fraction.MERCURY_LAMP, 1, "candle")


def test_a_saved_set_loads_with_the_same_items(tmp_path):
    sprites = tuple(render_sprites(seed=5, count=12))
    assert save_sprites(sprites, tmp_path) == 12
    loaded = load_sprites(tmp_path)
    assert [s.design for s in loaded] == [s.design for s in sprites]
    for before, after in zip(sprites, loaded, strict=True):
        assert after.alpha.shape == before.alpha.shape
        assert after.fraction is before.fraction
        assert after.mass_g == pytest.approx(before.mass_g, abs=0.01)
        solid = before.alpha > 200
        difference = np.abs(after.bgr.astype(int) - before.bgr.astype(int))[solid]
        assert difference.mean() < 25


def test_the_shipped_set_covers_every_design():
    shipped = {(s.fraction, s.design) for s in load_sprites(DEFAULT_ITEMS)}
    assert shipped == {(f, d.name) for f, designs in DESIGNS.items() for d in designs}


def test_an_absent_set_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(ItemLibraryError, match="python -m models render"):
        load_sprites(tmp_path / "none")


def test_a_truncated_set_is_refused(tmp_path):
    save_sprites(render_sprites(seed=1, count=6), tmp_path)
    index = tmp_path / "index.json"
    index.write_text(index.read_text().replace('"bytes": ', '"bytes": 1'))
    with pytest.raises(ItemLibraryError, match="disagree"):
        load_sprites(tmp_path)


def test_the_command_renders_a_set(tmp_path, capsys):
    assert main(["render", "--seed", "3", "--count", "6", "--out", str(tmp_path)]) == 0
    assert "6 sprites" in capsys.readouterr().out
    assert len(load_sprites(tmp_path)) == 6
