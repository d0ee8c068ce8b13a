"""The shelf of a plant's bundles: which one the line loads, since when, by whom, and why."""
