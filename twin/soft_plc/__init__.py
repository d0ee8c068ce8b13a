"""A PLC in software: the pure program, and the processes that run it against a real clock."""
