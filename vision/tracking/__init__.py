"""The tracker's parts: the track table, motion, association and evidence."""
