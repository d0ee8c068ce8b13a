"""Tracks in, decisions and pulses out; the line's state machine and threads."""
