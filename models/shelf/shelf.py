"""A folder of bundles of which one is current: `line.toml` names SHELF/current."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from models.errors import ShelfError
from models.shelf.history import Change, ChangeKind, append_change, read_history
from vision.bundle import ModelBundle, load_bundle
from vision.errors import BundleError
from vision.manifest import MANIFEST_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import JsonValue

CURRENT: Final = "current"
HISTORY: Final = "history.jsonl"


class Shelf:
    """Bundles by edition, the link that says which is current, and the history of it."""

    def __init__(self, folder: Path) -> None:
        """Take a folder; it is made with the first bundle."""
        self.folder = folder

    @property
    def current(self) -> Path | None:
        """Folder of the bundle that a line loads, None before the first promotion."""
        link = self.folder / CURRENT
        return link.resolve() if link.is_symlink() else None

    def history(self) -> tuple[Change, ...]:
        """Return the verified history, oldest first.

        Raises:
            ShelfError: it was altered.
        """
        return read_history(self.folder / HISTORY)

    def bundles(self) -> tuple[tuple[str, ModelBundle], ...]:
        """Return every bundle on the shelf with its edition, by name.

        Raises:
            ShelfError: one of them was altered.
        """
        folders = sorted(p for p in self.folder.glob("[!.]*") if p.is_dir() and not p.is_symlink())
        return tuple((folder.name, self._sound(folder.name)) for folder in folders)

    def put(self, bundle: Path) -> str:
        """Copy a bundle onto the shelf; returns its edition. One that is there already stays.

        Raises:
            ShelfError: the bundle cannot be loaded or copied.
        """
        name = edition_of(bundle)
        place = self.folder / name
        if place.is_dir():
            return name
        half = self.folder / f".{name}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(bundle, half, symlinks=False)
            half.rename(place)
        except OSError as error:
            raise ShelfError(f"{place}: cannot be written ({error.strerror})") from error
        return name

    def promote(self, bundle: Path, *, by: str, reason: str, gate: dict[str, JsonValue]) -> Change:
        """Make a bundle the current one.

        Raises:
            ShelfError: the bundle or the history is damaged, or it is current already.
        """
        before = self._current_name()
        placed = self.put(bundle)
        if placed == before:
            raise ShelfError(f"{placed} is current already")
        return self._turn(ChangeKind.PROMOTED, placed, before, by, reason, gate)

    def roll_back(self, *, by: str, reason: str) -> Change:
        """Go back to what was current before the last promotion that still stands.

        Raises:
            ShelfError: there is nothing to go back to, or the bundle is damaged or gone.
        """
        standing: list[str] = []
        for change in self.history():
            if change.kind is ChangeKind.PROMOTED:
                standing.append(change.edition)
            elif standing:
                standing.pop()
        if len(standing) < 2:
            raise ShelfError(f"{self.folder}: nothing was current before; promote another bundle")
        target = standing[-2]
        self._sound(target)
        return self._turn(ChangeKind.ROLLED_BACK, target, standing[-1], by, reason, {})

    def _turn(
        self,
        kind: ChangeKind,
        edition: str,
        before: str | None,
        by: str,
        reason: str,
        gate: dict[str, JsonValue],
    ) -> Change:
        """Note the change, then turn the link at once; a kill in between is seen by `settle`."""
        change = append_change(
            self.folder / HISTORY,
            kind=kind,
            at_utc=datetime.now(UTC),
            by=by,
            edition=edition,
            before=before,
            reason=reason,
            gate=gate,
        )
        self.settle()
        return change

    def settle(self) -> None:
        """Let the link be what the history says last."""
        history = self.history()
        if not history or self._current_name() == history[-1].edition:
            return
        fresh = self.folder / f".{CURRENT}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(history[-1].edition, target_is_directory=True)
        fresh.replace(self.folder / CURRENT)

    def _current_name(self) -> str | None:
        return None if self.current is None else self.current.name

    def _sound(self, name: str) -> ModelBundle:
        """Load a bundle of the shelf and hold it against its edition.

        Raises:
            ShelfError: it is gone, or it or its manifest was altered.
        """
        folder = self.folder / name
        bundle = _load(folder)
        if edition_of(folder) != name:
            raise ShelfError(f"{folder}: its manifest was altered; put the bundle back and promote")
        return bundle


def edition_of(bundle: Path) -> str:
    """Return a bundle's id with the first 8 hex digits of its manifest's hash.

    Two editions may share a network and differ in thresholds.

    Raises:
        ShelfError: the bundle cannot be loaded.
    """
    loaded = _load(bundle)
    digest = hashlib.sha256((bundle / MANIFEST_FILE).read_bytes()).hexdigest()
    return f"{loaded.bundle_id}-{digest[:8]}"


def _load(folder: Path) -> ModelBundle:
    try:
        return load_bundle(folder)
    except BundleError as error:
        raise ShelfError(str(error)) from error
