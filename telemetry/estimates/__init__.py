"""Purity, recovery, composition and mass with intervals: what is claimed, and how surely."""
