"""Which GenICam cameras answer: on the network and USB by Aravis, and by a maker's GenTL file."""

from dataclasses import dataclass

from vision.cameras.genicam.aravis_library import aravis


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCamera:
    """A camera that answered.

    Attributes:
        device: identity to open it by.
        vendor: maker.
        model: maker's name of the model.
        serial: serial number.
        address: IP address of a network camera, else the transport's own.
        protocol: GigEVision, USB3Vision, or the GenTL transport's name.
    """

    device: str
    vendor: str
    model: str
    serial: str
    address: str
    protocol: str

    def is_called(self, name: str) -> bool:
        """Whether a config may mean this camera by that name."""
        return name in {self.device, self.serial, self.address}


def aravis_cameras() -> tuple[FoundCamera, ...]:
    """Ask network and USB; takes about a second.

    Raises:
        CameraError: Aravis is not installed.
    """
    library = aravis()
    library.call("arv_update_device_list")

    def text(what: str, index: int) -> str:
        value: bytes | None = library.call(f"arv_get_device_{what}", index)
        return (value or b"").decode(errors="replace")

    return tuple(
        FoundCamera(
            device=text("id", index),
            vendor=text("vendor", index),
            model=text("model", index),
            serial=text("serial_nbr", index),
            address=text("address", index),
            protocol=text("protocol", index),
        )
        for index in range(library.call("arv_get_n_devices"))
        if text("protocol", index) != "Fake"
    )
