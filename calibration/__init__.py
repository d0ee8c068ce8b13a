"""Units, geometry, ticks, clocks and solvers; imports no other package of the project."""
