"""Loading a model bundle: a folder with a manifest and the network it vouches for by hash."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from vision.errors import BundleError
from vision.manifest import MANIFEST_FILE, BundleManifest

_REMEDY = "export the bundle again or restore it from its source"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBundle:
    """A bundle whose network matched its hash when it was read.

    Attributes:
        path: the bundle folder.
        manifest: its checked manifest.
        network: bytes of the network file, the very ones that were hashed.
    """

    path: Path
    manifest: BundleManifest
    network: bytes

    @property
    def bundle_id(self) -> str:
        """Name and the first 12 hex digits of the network's hash, as written into records."""
        return f"{self.manifest.name}-{self.manifest.network.sha256[:12]}"


def load_bundle(path: Path) -> ModelBundle:
    """Read and verify the bundle in folder `path`.

    Raises:
        BundleError: the folder or a file is missing, the manifest is malformed, of an unknown
            format or with unusable classes, or the network does not match its hash.
    """
    manifest = read_manifest(path)
    network_path = path / manifest.network.file
    network = _read(network_path)
    digest = hashlib.sha256(network).hexdigest()
    if digest != manifest.network.sha256:
        msg = (
            f"{network_path}: SHA-256 is {digest[:12]}..., the manifest says "
            f"{manifest.network.sha256[:12]}...; the file was altered or cut short, {_REMEDY}"
        )
        raise BundleError(msg)
    return ModelBundle(path=path, manifest=manifest, network=network)


def read_manifest(path: Path) -> BundleManifest:
    """Read and check the manifest of the bundle in folder `path`, without its network.

    Raises:
        BundleError: the folder or the manifest is missing, or the manifest is malformed.
    """
    if not path.is_dir():
        msg = f"{path}: no such bundle folder; a bundle holds {MANIFEST_FILE} and its network"
        raise BundleError(msg)
    manifest_path = path / MANIFEST_FILE
    content = _read(manifest_path)
    try:
        return BundleManifest.model_validate_json(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'document'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        msg = f"{manifest_path}: {faults}; {_REMEDY}"
        raise BundleError(msg) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); {_REMEDY}"
        raise BundleError(msg) from error
