"""Plain remote I/O without a program: coils, a counter register, a safety input."""
