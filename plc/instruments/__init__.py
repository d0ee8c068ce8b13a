"""Scales and air sensors beside the line, by Modbus or serial port; nothing here moves anything."""
