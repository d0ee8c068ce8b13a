"""Opens the catalogue of items a simulated belt carries: the shipped library or photographs."""

from pathlib import Path

from models.cutouts import load_photo_items
from models.library import DEFAULT_ITEMS, load_sprites
from twin.items import SpriteCatalogue


def open_catalogue(photographs: Path | None = None) -> SpriteCatalogue:
    """Load pictures of items.

    Args:
        photographs: folder with one subfolder of photographs for each fraction, of which the items
            are cut out; None takes the rendered library that ships.

    Raises:
        models.errors.ItemLibraryError: folder or library is absent, empty or damaged.
    """
    if photographs is None:
        return SpriteCatalogue(load_sprites(DEFAULT_ITEMS))
    return SpriteCatalogue(load_photo_items(photographs))
