"""A GenICam camera's features by name, whatever transport reaches them."""

from typing import Protocol

Value = bool | int | float | str


class FeatureNodes(Protocol):
    """The features of one opened camera, by their SFNC names. Used from one thread."""

    def has(self, name: str) -> bool:
        """Whether the camera has this feature and it can be used now."""
        ...

    def read(self, name: str, kind: type[Value]) -> Value:
        """Return a feature's value as a bool, int, float or (enumerations too) str.

        Raises:
            CameraError: it cannot be read.
        """
        ...

    def write(self, name: str, value: Value) -> None:
        """Write a feature.

        Raises:
            CameraError: it cannot be written, or the value is out of its range.
        """
        ...

    def execute(self, name: str) -> None:
        """Run a command feature.

        Raises:
            CameraError: it does not run.
        """
        ...
