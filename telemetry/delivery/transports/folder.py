"""Delivery into a folder: a file is there whole or not at all, and never twice."""

import json
import os
from pathlib import Path

from telemetry.delivery.ports import DeliveryRefusedError, DeliveryRetryError, Parcel


class FolderTransport:
    """Implements `Transport` on a local or mounted folder.

    Args:
        path: the folder; made when absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, parcel: Parcel) -> str:
        """Write the file. See `Transport`."""
        place = self._path / parcel.file_name
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            if place.exists():
                self._compare(place, parcel)
            else:
                self._write(place, parcel.content)
        except OSError as error:
            msg = f"folder {self._path}: {error.strerror or error}"
            raise DeliveryRetryError(msg) from error
        return json.dumps({"file": place.name, "sha256": parcel.sha256})

    def _compare(self, place: Path, parcel: Parcel) -> None:
        if place.read_bytes() != parcel.content:
            msg = f"{place} exists with other content; somebody must look at it"
            raise DeliveryRefusedError(msg)

    def _write(self, place: Path, content: bytes) -> None:
        beside = place.with_name(place.name + ".part")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(place)
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
