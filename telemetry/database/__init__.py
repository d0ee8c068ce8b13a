"""The plant's database: one engine, shared tables and migrations, on SQLite or PostgreSQL."""
