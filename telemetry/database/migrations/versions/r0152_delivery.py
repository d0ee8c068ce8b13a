"""The delivery queue and its receipts; receipts are append-only by trigger."""

import sqlalchemy as sa
from alembic import op

from telemetry.database.append_only import append_only
from telemetry.database.schema import UtcDateTime

revision = "0152"
down_revision = "0151"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "delivery_parcels",
        sa.Column("parcel_id", sa.Integer, nullable=False),
        sa.Column("destination", sa.String(40), nullable=False),
        sa.Column("facility", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("queued_at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("leased_until", UtcDateTime),
        sa.Column("last_error", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("parcel_id", name="pk_delivery_parcels"),
        sa.UniqueConstraint("destination", "key", name="uq_delivery_parcels_destination_key"),
    )
    op.create_index(
        "ix_delivery_parcels_state", "delivery_parcels", ["state", "destination", "facility"]
    )
    op.create_table(
        "delivery_receipts",
        sa.Column("parcel_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("parcel_id", "number", name="pk_delivery_receipts"),
        sa.ForeignKeyConstraint(
            ["parcel_id"],
            ["delivery_parcels.parcel_id"],
            name="fk_delivery_receipts_parcel_id_delivery_parcels",
        ),
    )
    for statement in append_only("delivery_receipts", op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables; the trigger goes with them."""
    op.drop_table("delivery_receipts")
    op.drop_table("delivery_parcels")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION delivery_receipts_refuse()")
