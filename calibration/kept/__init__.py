"""Calibrations on disk: records with who, when and how well; versions, differences, rollback."""
