"""Manual samples of products."""

import sqlalchemy as sa
from alembic import op

from telemetry.database.schema import UtcDateTime

revision = "0160"
down_revision = "0152"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit_samples",
        sa.Column("sample_uid", sa.String(36), nullable=False),
        sa.Column("line_id", sa.String(200), nullable=False),
        sa.Column("product", sa.SmallInteger, nullable=False),
        sa.Column("taken_at", UtcDateTime, nullable=False),
        sa.Column("entered_at", UtcDateTime, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("sample_uid", name="pk_audit_samples"),
    )
    op.create_table(
        "audit_sample_parts",
        sa.Column("sample_uid", sa.String(36), nullable=False),
        sa.Column("fraction", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("mass_mg", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sample_uid", "fraction", name="pk_audit_sample_parts"),
        sa.ForeignKeyConstraint(
            ["sample_uid"],
            ["audit_samples.sample_uid"],
            name="fk_audit_sample_parts_sample_uid_audit_samples",
        ),
    )


def downgrade() -> None:
    """Drop the tables; every sample is lost."""
    op.drop_table("audit_sample_parts")
    op.drop_table("audit_samples")
