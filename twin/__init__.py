"""The world the line runs in when there is no plant: belt, items, optics, air, PLC."""
