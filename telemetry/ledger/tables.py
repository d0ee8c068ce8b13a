"""The ledger's tables; their triggers, in the migration, keep them append-only."""

from typing import Final

import sqlalchemy as sa

from telemetry.database.schema import METADATA

HASH_LENGTH: Final = 64

CHAINS = sa.Table(
    "ledger_chains",
    METADATA,
    sa.Column("chain", sa.Integer, primary_key=True),
    sa.Column("bin", sa.String(12), nullable=False),
    sa.Column("facility_id", sa.String(60), nullable=False),
    sa.UniqueConstraint("bin", "facility_id"),
)
ROWS = sa.Table(
    "ledger_rows",
    METADATA,
    sa.Column("chain", sa.Integer, sa.ForeignKey("ledger_chains.chain"), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("uid", sa.String(200), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("action", sa.String(10), nullable=False),
    sa.Column("shift", sa.String(40), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("hash", sa.String(HASH_LENGTH), nullable=False),
    sa.PrimaryKeyConstraint("chain", "seq"),
    sa.UniqueConstraint("chain", "uid", "revision"),
    sa.Index("ix_ledger_rows_chain_day", "chain", "day"),
    sa.Index("ix_ledger_rows_chain_kind_seq", "chain", "kind", "seq"),
)
