"""Solvers: from what was photographed and counted to a calibration with its uncertainty."""
