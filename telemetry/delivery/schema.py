"""Tables of the delivery queue: parcels, whose state changes, and receipts, which only grow."""

import sqlalchemy as sa

from telemetry.database.schema import METADATA, UtcDateTime

PARCELS = sa.Table(
    "delivery_parcels",
    METADATA,
    sa.Column("parcel_id", sa.Integer, primary_key=True),
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
    sa.UniqueConstraint("destination", "key"),
    sa.Index("ix_delivery_parcels_state", "state", "destination", "facility"),
)
RECEIPTS = sa.Table(
    "delivery_receipts",
    METADATA,
    sa.Column("parcel_id", sa.Integer, sa.ForeignKey("delivery_parcels.parcel_id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("parcel_id", "number"),
)
