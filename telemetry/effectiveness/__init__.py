"""States, time lost and effectiveness of a line: PackML state times, reasons, OEE by ISO 22400."""
