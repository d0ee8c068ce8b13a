"""A line to be calibrated, whose true parameters nobody sees but the judge."""
