"""The C library Aravis (GigE Vision and USB3 Vision) through ctypes: the calls the line makes.

Not through its Python binding: that copies each frame into a bytes object, and is bound to the
system's Python. Debian: `apt-get install libaravis-0.8-0`. API: Aravis 0.8 reference manual.
"""

import ctypes
from ctypes import (
    POINTER,
    byref,
    c_char_p,
    c_double,
    c_int,
    c_int64,
    c_size_t,
    c_uint,
    c_uint32,
    c_uint64,
    c_void_p,
)
from functools import cache
from typing import Any, Final

from vision.errors import CameraError

LIBRARIES: Final = ("libaravis-0.8.so.0", "libgobject-2.0.so.0", "libglib-2.0.so.0")
STATUS_SUCCESS: Final = 0
"""ARV_BUFFER_STATUS_SUCCESS."""
NO_PACKET_SOCKET: Final = 1
"""ARV_GV_STREAM_OPTION_PACKET_SOCKET_DISABLED."""
SOCKET_BUFFER_AUTO: Final = 1
"""ARV_GV_STREAM_SOCKET_BUFFER_AUTO."""


class _Error(ctypes.Structure):
    """GError."""

    _fields_ = (("domain", c_uint32), ("code", c_int), ("message", c_char_p))


_CHECKED: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    # name: result, arguments before the GError that ends each of them
    "arv_camera_new": (c_void_p, (c_char_p,)),
    "arv_camera_create_stream": (c_void_p, (c_void_p, c_void_p, c_void_p)),
    "arv_camera_get_payload": (c_uint, (c_void_p,)),
    "arv_camera_start_acquisition": (None, (c_void_p,)),
    "arv_camera_stop_acquisition": (None, (c_void_p,)),
    "arv_camera_gv_set_packet_size": (None, (c_void_p, c_int)),
    "arv_device_is_feature_available": (c_int, (c_void_p, c_char_p)),
    "arv_device_get_string_feature_value": (c_char_p, (c_void_p, c_char_p)),
    "arv_device_set_string_feature_value": (None, (c_void_p, c_char_p, c_char_p)),
    "arv_device_get_integer_feature_value": (c_int64, (c_void_p, c_char_p)),
    "arv_device_set_integer_feature_value": (None, (c_void_p, c_char_p, c_int64)),
    "arv_device_get_float_feature_value": (c_double, (c_void_p, c_char_p)),
    "arv_device_set_float_feature_value": (None, (c_void_p, c_char_p, c_double)),
    "arv_device_set_boolean_feature_value": (None, (c_void_p, c_char_p, c_int)),
    "arv_device_execute_command": (None, (c_void_p, c_char_p)),
}
_PLAIN: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "arv_update_device_list": (None, ()),
    "arv_get_n_devices": (c_uint, ()),
    "arv_get_device_id": (c_char_p, (c_uint,)),
    "arv_get_device_address": (c_char_p, (c_uint,)),
    "arv_get_device_vendor": (c_char_p, (c_uint,)),
    "arv_get_device_model": (c_char_p, (c_uint,)),
    "arv_get_device_serial_nbr": (c_char_p, (c_uint,)),
    "arv_get_device_protocol": (c_char_p, (c_uint,)),
    "arv_camera_get_device": (c_void_p, (c_void_p,)),
    "arv_camera_is_gv_device": (c_int, (c_void_p,)),
    "arv_camera_gv_set_stream_options": (None, (c_void_p, c_int)),
    "arv_gv_device_is_controller": (c_int, (c_void_p,)),
    "arv_buffer_new_allocate": (c_void_p, (c_size_t,)),
    "arv_buffer_get_status": (c_int, (c_void_p,)),
    "arv_buffer_get_data": (c_void_p, (c_void_p, POINTER(c_size_t))),
    "arv_buffer_get_image_data": (c_void_p, (c_void_p, POINTER(c_size_t))),
    "arv_buffer_get_image_width": (c_int, (c_void_p,)),
    "arv_buffer_get_image_height": (c_int, (c_void_p,)),
    "arv_buffer_get_image_pixel_format": (c_uint32, (c_void_p,)),
    "arv_buffer_get_image_padding": (None, (c_void_p, POINTER(c_int), POINTER(c_int))),
    "arv_buffer_get_frame_id": (c_uint64, (c_void_p,)),
    "arv_buffer_get_timestamp": (c_uint64, (c_void_p,)),
    "arv_stream_push_buffer": (None, (c_void_p, c_void_p)),
    "arv_stream_timeout_pop_buffer": (c_void_p, (c_void_p, c_uint64)),
    "arv_stream_get_statistics": (
        None,
        (c_void_p, POINTER(c_uint64), POINTER(c_uint64), POINTER(c_uint64)),
    ),
}


class Aravis:
    """The loaded library. Calls that can fail raise what Aravis says."""

    def __init__(self) -> None:
        """Load the libraries and declare the calls.

        Raises:
            CameraError: Aravis is not installed.
        """
        try:
            self._aravis, self._gobject, self._glib = map(ctypes.CDLL, LIBRARIES)
        except OSError as error:
            msg = (
                f"GigE Vision and USB3 Vision need Aravis ({error}); on Debian: "
                "apt-get install libaravis-0.8-0"
            )
            raise CameraError(msg) from error
        for name, (result, arguments) in _PLAIN.items():
            self._declare(name, result, arguments)
        for name, (result, arguments) in _CHECKED.items():
            self._declare(name, result, (*arguments, POINTER(c_void_p)))
        self._glib.g_error_free.argtypes = (c_void_p,)
        self._gobject.g_object_unref.argtypes = (c_void_p,)

    @property
    def raw(self) -> ctypes.CDLL:
        """The library itself, for calls that are not declared here."""
        return self._aravis

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function that cannot fail."""
        return getattr(self._aravis, name)(*arguments)

    def checked(self, name: str, *arguments: Any) -> Any:
        """Call a function that can fail.

        Raises:
            CameraError: with Aravis' own words.
        """
        place = c_void_p()
        result = getattr(self._aravis, name)(*arguments, byref(place))
        if place.value is not None:
            error = _Error.from_address(place.value)
            words = (error.message or b"").decode(errors="replace")
            self._glib.g_error_free(place)
            raise CameraError(words)
        return result

    def unref(self, thing: int) -> None:
        """Give up one reference to a GObject."""
        self._gobject.g_object_unref(thing)

    def set_int_property(self, thing: int, name: str, value: int) -> None:
        """Set an integer or enumeration property of a GObject."""
        self._gobject.g_object_set(c_void_p(thing), name.encode(), c_int(value), None)

    def _declare(self, name: str, result: Any, arguments: tuple[Any, ...]) -> None:
        function = getattr(self._aravis, name)
        function.restype, function.argtypes = result, arguments


@cache
def aravis() -> Aravis:
    """Return the library, loaded once.

    Raises:
        CameraError: Aravis is not installed.
    """
    return Aravis()
