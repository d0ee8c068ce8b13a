"""Filed reports on their way to whoever is to receive them: queue, transports, receipts."""
