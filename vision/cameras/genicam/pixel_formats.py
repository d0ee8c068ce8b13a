"""GenICam pixel formats as BGR images: a view of the buffer where the format allows, else one pass.

Codes and names: GenICam Pixel Format Naming Convention (PFNC), EMVA, and its 32-bit value list.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vision.errors import CameraError

Bytes = npt.NDArray[np.uint8]
Converter = Callable[[Bytes], Bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFormat:
    """One format on the wire.

    Attributes:
        name: by PFNC.
        code: 32-bit PFNC value.
        bytes_per_px: in the buffer.
        is_view: True if `to_bgr` only looks at the buffer.
        to_bgr: (height, width, bytes_per_px) uint8 buffer to (height, width, 3) uint8 BGR.
    """

    name: str
    code: int
    bytes_per_px: int
    is_view: bool
    to_bgr: Converter


def _mono8(raw: Bytes) -> Bytes:
    # Zero stride along the channels: three equal channels without a copy.
    return np.broadcast_to(raw, (*raw.shape[:2], 3))


def _rgb8(raw: Bytes) -> Bytes:
    return raw[:, :, ::-1]


def _bgr8(raw: Bytes) -> Bytes:
    return raw


def _by(code: int) -> Converter:
    return lambda raw: np.asarray(cv2.cvtColor(raw, code), dtype=np.uint8)


def _eight_of(bits: int, code: int) -> Converter:
    """Unpacked little-endian 10 to 16 bit samples: the upper eight of their bits."""

    def convert(raw: Bytes) -> Bytes:
        words = raw.reshape(raw.shape[0], -1).view(np.dtype("<u2"))
        return np.asarray(
            cv2.cvtColor((words >> (bits - 8)).astype(np.uint8), code), dtype=np.uint8
        )

    return convert


_BAYER: Final = {
    # PFNC names the first two pixels of the first row; OpenCV has names of the same kind.
    "GR": cv2.COLOR_BayerGRBG2BGR,
    "RG": cv2.COLOR_BayerRGGB2BGR,
    "GB": cv2.COLOR_BayerGBRG2BGR,
    "BG": cv2.COLOR_BayerBGGR2BGR,
}


def _one(
    name: str, code: int, size: int, to_bgr: Converter, *, is_view: bool = False
) -> PixelFormat:
    return PixelFormat(name=name, code=code, bytes_per_px=size, is_view=is_view, to_bgr=to_bgr)


FORMATS: Final = {
    entry.name: entry
    for entry in (
        _one("Mono8", 0x01080001, 1, _mono8, is_view=True),
        _one("RGB8", 0x02180014, 3, _rgb8, is_view=True),
        _one("BGR8", 0x02180015, 3, _bgr8, is_view=True),
        _one("RGBa8", 0x02200016, 4, _by(cv2.COLOR_RGBA2BGR)),
        _one("BGRa8", 0x02200017, 4, _by(cv2.COLOR_BGRA2BGR)),
        _one("Mono10", 0x01100003, 2, _eight_of(10, cv2.COLOR_GRAY2BGR)),
        _one("Mono12", 0x01100005, 2, _eight_of(12, cv2.COLOR_GRAY2BGR)),
        _one("Mono16", 0x01100007, 2, _eight_of(16, cv2.COLOR_GRAY2BGR)),
        *(
            _one(f"Bayer{tile}8", code, 1, _by(_BAYER[tile]))
            for tile, code in zip(_BAYER, range(0x01080008, 0x0108000C), strict=True)
        ),
        *(
            _one(f"Bayer{tile}12", code, 2, _eight_of(12, _BAYER[tile]))
            for tile, code in zip(_BAYER, range(0x01100010, 0x01100014), strict=True)
        ),
        _one("YUV422_8", 0x02100032, 2, _by(cv2.COLOR_YUV2BGR_YUY2)),
        _one("YUV422_8_UYVY", 0x0210001F, 2, _by(cv2.COLOR_YUV2BGR_UYVY)),
    )
}
_BY_CODE: Final = {entry.code: entry for entry in FORMATS.values()}


def format_of(code: int, camera: str) -> PixelFormat:
    """Return the format with a PFNC value.

    Raises:
        CameraError: packed or unknown; the message lists what can be used.
    """
    found = _BY_CODE.get(code)
    if found is None:
        msg = (
            f"{camera}: pixel format 0x{code:08X} cannot be used; set camera.pixel_format to one "
            f"of {', '.join(FORMATS)} that the camera has"
        )
        raise CameraError(msg)
    return found
