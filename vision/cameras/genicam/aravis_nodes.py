"""The features of a camera that Aravis opened."""

from typing import Any

from vision.cameras.genicam.aravis_library import Aravis
from vision.cameras.genicam.nodes import Value


class AravisNodes:
    """FeatureNodes over an ArvDevice."""

    def __init__(self, library: Aravis, pointer: int) -> None:
        """Look at a device.

        Args:
            library: the loaded library.
            pointer: ArvDevice, owned by its camera.
        """
        self.pointer = pointer
        self._library = library

    def has(self, name: str) -> bool:
        """Whether the camera has this feature and it can be used now."""
        return bool(
            self._library.checked("arv_device_is_feature_available", self.pointer, name.encode())
        )

    def read(self, name: str, kind: type[Value]) -> Value:
        """Return a feature's value."""
        if kind is str:
            return bytes(self._get("string", name)).decode(errors="replace")
        if kind is float:
            return float(self._get("float", name))
        number = int(self._get("integer", name))
        return bool(number) if kind is bool else number

    def write(self, name: str, value: Value) -> None:
        """Write a feature."""
        if isinstance(value, str):
            self._set("string", name, value.encode())
        elif isinstance(value, bool):
            self._set("boolean", name, int(value))
        elif isinstance(value, int):
            self._set("integer", name, value)
        else:
            self._set("float", name, value)

    def execute(self, name: str) -> None:
        """Run a command feature."""
        self._library.checked("arv_device_execute_command", self.pointer, name.encode())

    def _get(self, kind: str, name: str) -> Any:
        function = f"arv_device_get_{kind}_feature_value"
        return self._library.checked(function, self.pointer, name.encode())

    def _set(self, kind: str, name: str, value: bytes | float) -> None:
        function = f"arv_device_set_{kind}_feature_value"
        self._library.checked(function, self.pointer, name.encode(), value)
