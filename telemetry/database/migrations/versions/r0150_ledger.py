"""The ledger: chains and their rows, append-only by trigger."""

import sqlalchemy as sa
from alembic import op

from telemetry.database.append_only import append_only

revision = "0150"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("ledger_chains", "ledger_rows")


def upgrade() -> None:
    """Make the tables and their triggers."""
    op.create_table(
        "ledger_chains",
        sa.Column("chain", sa.Integer, nullable=False),
        sa.Column("bin", sa.String(12), nullable=False),
        sa.Column("facility_id", sa.String(60), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_ledger_chains"),
        sa.UniqueConstraint("bin", "facility_id", name="uq_ledger_chains_bin_facility_id"),
    )
    op.create_table(
        "ledger_rows",
        sa.Column("chain", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("uid", sa.String(200), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("shift", sa.String(40), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("chain", "seq", name="pk_ledger_rows"),
        sa.UniqueConstraint("chain", "uid", "revision", name="uq_ledger_rows_chain_uid_revision"),
        sa.ForeignKeyConstraint(
            ["chain"], ["ledger_chains.chain"], name="fk_ledger_rows_chain_ledger_chains"
        ),
    )
    op.create_index("ix_ledger_rows_chain_day", "ledger_rows", ["chain", "day"])
    op.create_index("ix_ledger_rows_chain_kind_seq", "ledger_rows", ["chain", "kind", "seq"])
    for table in TABLES:
        for statement in append_only(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    """Drop the tables; their triggers go with them."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(f"DROP FUNCTION {table}_refuse()")
