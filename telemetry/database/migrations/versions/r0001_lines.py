"""Lines and their sessions."""

import sqlalchemy as sa
from alembic import op

from telemetry.database.schema import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "lines",
        sa.Column("line_no", sa.Integer, nullable=False),
        sa.Column("line_id", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("line_no", name="pk_lines"),
        sa.UniqueConstraint("line_id", name="uq_lines_line_id"),
    )
    op.create_table(
        "sessions",
        sa.Column("session_no", sa.Integer, nullable=False),
        sa.Column("line_no", sa.Integer, nullable=False),
        sa.Column("session_id", sa.String(200), nullable=False),
        sa.Column("station_names", sa.String, nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("arrived_seq", sa.BigInteger, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("ending", sa.String(20)),
        sa.PrimaryKeyConstraint("session_no", name="pk_sessions"),
        sa.ForeignKeyConstraint(["line_no"], ["lines.line_no"], name="fk_sessions_line_no_lines"),
        sa.UniqueConstraint("line_no", "session_id", name="uq_sessions_line_no_session_id"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("sessions")
    op.drop_table("lines")
