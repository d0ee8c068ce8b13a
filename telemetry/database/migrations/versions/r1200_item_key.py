"""The items' key on PostgreSQL: session and record number, by month, without the instant."""

import sqlalchemy as sa
from alembic import op

revision = "1200"
down_revision = "0160"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give every month the narrow key; the items stay where they are."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE items DROP CONSTRAINT items_pkey")
    for table in _months():
        op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (session_no, record_seq)")


def downgrade() -> None:
    """Go back to the key that includes the instant."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in _months():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    op.execute("ALTER TABLE items ADD PRIMARY KEY (session_no, record_seq, at_us)")


def _months() -> list[str]:
    query = sa.text("SELECT table_name FROM item_parts ORDER BY month")
    return [str(name) for (name,) in op.get_bind().execute(query)]
