"""Cameras, detectors, belt location and tracking."""
