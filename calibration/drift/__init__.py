"""Whether a calibration still holds: watched while the line runs, a few times a second."""
