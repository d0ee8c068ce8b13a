"""Alarms as people deal with them (ISA-18.2): states, requests, journal, flood figures."""
