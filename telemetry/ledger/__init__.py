"""The plant's ledger: what came in, what left, what was taken off, chained row to row."""
