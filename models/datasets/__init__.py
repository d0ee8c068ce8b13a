"""Labelled pictures from elsewhere: read, mapped onto the fractions, checked, written."""
