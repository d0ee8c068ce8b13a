"""Many lines in one database: items, roll-ups, retention, export."""
