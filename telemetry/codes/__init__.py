"""Waste codes: a dated table, and the codes a plant has chosen for its streams."""
