"""Tables of filed reports and their signatures; both only grow."""

import sqlalchemy as sa

from telemetry.database.schema import METADATA, UtcDateTime

REPORTS = sa.Table(
    "reports",
    METADATA,
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
    sa.PrimaryKeyConstraint("uid", "revision"),
)
SIGNATURES = sa.Table(
    "report_signatures",
    METADATA,
    sa.Column("uid", sa.String(36), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("signer", sa.String, nullable=False),
    sa.Column("standing", sa.String(20), nullable=False),
    sa.Column("stored_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("uid", "revision", "digest"),
    sa.ForeignKeyConstraint(["uid", "revision"], ["reports.uid", "reports.revision"]),
)
