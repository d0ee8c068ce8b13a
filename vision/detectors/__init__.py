"""Implementations of the detector port, one per inference library."""
