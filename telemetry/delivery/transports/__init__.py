"""Ways to a receiver."""
