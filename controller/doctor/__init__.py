"""A line's examination: every part asked in turn whether it could sort now, and what to do."""
