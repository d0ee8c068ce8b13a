"""Procedural item renderer: height fields and paint become sprites of waste items at true scale."""
