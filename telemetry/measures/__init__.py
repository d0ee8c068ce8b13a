"""Figures the Concept and the Ecological Code speak of: pure functions with unit and source."""
