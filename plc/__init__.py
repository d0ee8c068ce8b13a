"""The PLC's register map, its codec and links, and the tick-to-time fit."""
