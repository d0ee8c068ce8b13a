"""Implementations of the camera port: recordings, V4L2 devices and network streams."""
