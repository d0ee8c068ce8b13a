"""Encoders that the PC reads itself: serial counters and counter registers of remote I/O."""
