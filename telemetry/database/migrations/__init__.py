"""Alembic environment of the plant's database; shipped with the package."""
