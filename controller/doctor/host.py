"""The computer beside the belt: disk, wall clock, processor."""

import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

from controller.doctor.time_source import time_source
from controller.doctor.verdict import Check, failed, passed, warned

_GB: Final = 1e9
_LEAST_FREE_GB: Final = 1.0
_LITTLE_FREE_GB: Final = 10.0
"""A busy line writes about a gigabyte of records a month; recordings for replay far more."""
_BUILT_YEAR: Final = 2026
_BUSY: Final = 0.8
_FULL: Final = 1.5


def check_disk(folder: Path) -> Check:
    """Look whether records can be written and for how long."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_gb = shutil.disk_usage(there).free / _GB
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"0" * 65536)
    except OSError as error:
        return failed(
            "disk",
            f"{there} cannot be written: {error.strerror}",
            "free space, or correct the owner of the folder or telemetry.store_path",
        )
    words = f"{free_gb:.0f} GB free under {there}"
    if free_gb < _LEAST_FREE_GB:
        return failed("disk", words, "free space: records are held back without it")
    if free_gb < _LITTLE_FREE_GB:
        return warned("disk", words, "free space, or move telemetry.store_path to a larger disk")
    return passed("disk", words)


def check_wall_clock(now_utc: datetime) -> Check:
    """Look whether records will carry the right time; sorting does not depend on it."""
    words = f"{now_utc:%Y-%m-%d %H:%M} UTC"
    if now_utc.year < _BUILT_YEAR:
        return failed("clock", f"{words}: before this program was made", "set the computer's clock")
    source = time_source()
    if source is None:
        return warned(
            "clock",
            f"{words}; nothing says that it is synchronised",
            "let the computer follow a time server (chrony, systemd-timesyncd or ntpd)",
        )
    return passed("clock", f"{words}, synchronised by {source}")


def check_processor(
    *, inference_ms: float, inference_limit_ms: float, frame_period_ms: float
) -> Check:
    """Compare the detector's time here with what is allowed and with the time between frames.

    Args:
        inference_ms: 95th percentile, measured.
        inference_limit_ms: `limits.inference_ms`.
        frame_period_ms: `limits.frame_period_ms`.
    """
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0] / cores
    words = (
        f"detector {inference_ms:.1f} ms of {inference_limit_ms:g} ms allowed, every "
        f"{frame_period_ms:g} ms; load {load:.0%} of {cores} cores"
    )
    if inference_ms > inference_limit_ms:
        return failed(
            "processor",
            words,
            "end other programs, lower detector.input_px, or raise limits.inference_ms as far as "
            "the latency budget lets you",
        )
    if load > _FULL or inference_ms > _BUSY * inference_limit_ms:
        return warned("processor", words, "end other programs; nothing may run beside the line")
    return passed("processor", words)
