"""The PLC program in IEC 61131-3 Structured Text, put together from its sources and the map."""
