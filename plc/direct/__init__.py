"""Direct mode: the PC times the coil writes of plain remote I/O in a process of its own."""
