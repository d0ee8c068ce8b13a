"""Filed reports and their signatures, append-only by trigger."""

import sqlalchemy as sa
from alembic import op

from telemetry.database.append_only import append_only
from telemetry.database.schema import UtcDateTime

revision = "0151"
down_revision = "0150"
branch_labels = None
depends_on = None

TABLES = ("reports", "report_signatures")


def upgrade() -> None:
    """Make the tables and their triggers."""
    op.create_table(
        "reports",
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("bin", sa.String(12), nullable=False),
        sa.Column("facility_id", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("label", sa.String(40), nullable=False),
        sa.Column("ledger_seq", sa.Integer, nullable=False),
        sa.Column("ledger_hash", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("filed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("uid", "revision", name="pk_reports"),
    )
    op.create_table(
        "report_signatures",
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("signer", sa.String, nullable=False),
        sa.Column("standing", sa.String(20), nullable=False),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("uid", "revision", "digest", name="pk_report_signatures"),
        sa.ForeignKeyConstraint(
            ["uid", "revision"],
            ["reports.uid", "reports.revision"],
            name="fk_report_signatures_uid_revision_reports",
        ),
    )
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
