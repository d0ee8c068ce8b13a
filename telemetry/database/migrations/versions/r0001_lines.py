"""Lines, their sessions, items in monthly parts, roll-ups and corrections."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from telemetry.database.schema import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ITEMS = """
CREATE TABLE items (
    session_no integer NOT NULL,
    at_us bigint NOT NULL,
    record_seq bigint NOT NULL,
    bundle_no integer NOT NULL,
    mass_mg integer NOT NULL,
    mass_sd_mg integer NOT NULL,
    width_mm real NOT NULL,
    length_mm real NOT NULL,
    confidence real NOT NULL,
    fraction smallint NOT NULL,
    action smallint NOT NULL,
    reason smallint NOT NULL,
    station smallint NOT NULL,
    outcome smallint NOT NULL,
    PRIMARY KEY (session_no, record_seq, at_us)
) PARTITION BY RANGE (at_us)
"""

_NO_ITEMS = """
CREATE VIEW items AS SELECT
    0 AS session_no, 0 AS at_us, 0 AS record_seq, 0 AS bundle_no, 0 AS mass_mg, 0 AS mass_sd_mg,
    0.0 AS width_mm, 0.0 AS length_mm, 0.0 AS confidence, 0 AS fraction, 0 AS action, 0 AS reason,
    0 AS station, 0 AS outcome WHERE 0
"""
"""Redrawn over the months' tables when the first month arrives (telemetry.plant.parts)."""


def _name(column: str, length: int = 200) -> sa.Column[str]:
    return sa.Column(column, sa.String(length), nullable=False)


def _code(column: str) -> sa.Column[int]:
    return sa.Column(column, sa.SmallInteger, nullable=False, autoincrement=False)


def upgrade() -> None:
    """Make the tables."""
    _make_names()
    _make_sessions()
    op.create_table(
        "item_parts",
        _name("month", 7),
        _name("table_name", 50),
        sa.PrimaryKeyConstraint("month", name="pk_item_parts"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_ITEMS)
        op.execute("CREATE INDEX ix_items_at_us ON items USING brin (at_us)")
    else:
        op.execute(_NO_ITEMS)
    _make_corrections()
    _make_rollup("rollup_minute", sa.Column("minute", sa.BigInteger, nullable=False))
    _make_rollup("rollup_hour", sa.Column("hour", sa.BigInteger, nullable=False))
    changed_at = sa.Column("changed_at", UtcDateTime, nullable=False)
    _make_rollup("rollup_day", sa.Column("day", sa.Date, nullable=False), changed_at)


def _make_names() -> None:
    op.create_table(
        "plant_settings",
        _name("name", 50),
        _name("value"),
        sa.PrimaryKeyConstraint("name", name="pk_plant_settings"),
    )
    op.create_table(
        "code_names",
        _name("kind", 20),
        _code("code"),
        _name("word", 50),
        sa.PrimaryKeyConstraint("kind", "code", name="pk_code_names"),
    )
    for table, column in (("lines", "line"), ("bundles", "bundle")):
        op.create_table(
            table,
            sa.Column(f"{column}_no", sa.Integer, nullable=False),
            _name(f"{column}_id"),
            sa.PrimaryKeyConstraint(f"{column}_no", name=f"pk_{table}"),
            sa.UniqueConstraint(f"{column}_id", name=f"uq_{table}_{column}_id"),
        )


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_no", sa.Integer, nullable=False),
        sa.Column("line_no", sa.Integer, nullable=False),
        _name("session_id"),
        sa.Column("station_names", sa.String, nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("arrived_seq", sa.BigInteger, nullable=False),
        sa.Column("arrived_at", UtcDateTime, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("ending", sa.String(20)),
        sa.PrimaryKeyConstraint("session_no", name="pk_sessions"),
        sa.ForeignKeyConstraint(["line_no"], ["lines.line_no"], name="fk_sessions_line_no_lines"),
        sa.UniqueConstraint("line_no", "session_id", name="uq_sessions_line_no_session_id"),
    )


def _make_corrections() -> None:
    op.create_table(
        "item_corrections",
        _name("correction_uid", 36),
        sa.Column("session_no", sa.Integer, nullable=False),
        sa.Column("record_seq", sa.BigInteger, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
        _name("author"),
        sa.Column("why", sa.String, nullable=False),
        _code("fraction"),
        sa.Column("mass_mg", sa.Integer, nullable=False),
        sa.Column("mass_sd_mg", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("correction_uid", name="pk_item_corrections"),
        sa.ForeignKeyConstraint(
            ["session_no"],
            ["sessions.session_no"],
            name="fk_item_corrections_session_no_sessions",
        ),
        sa.UniqueConstraint(
            "session_no",
            "record_seq",
            "revision",
            name="uq_item_corrections_session_no_record_seq_revision",
        ),
    )


def _make_rollup(name: str, bucket: sa.Column[Any], *more: sa.Column[Any]) -> None:
    op.create_table(
        name,
        bucket,
        sa.Column("line_no", sa.Integer, nullable=False),
        *(_code(column) for column in ("fraction", "action", "reason", "station", "outcome")),
        sa.Column("items", sa.BigInteger, nullable=False),
        sa.Column("mass_mg", sa.BigInteger, nullable=False),
        sa.Column("mass_var_g2", sa.Double, nullable=False),
        *more,
        sa.PrimaryKeyConstraint(
            bucket.name,
            "line_no",
            "fraction",
            "action",
            "reason",
            "station",
            "outcome",
            name=f"pk_{name}",
        ),
        sa.ForeignKeyConstraint(["line_no"], ["lines.line_no"], name=f"fk_{name}_line_no_lines"),
    )


def downgrade() -> None:
    """Drop the tables; every item is lost."""
    bind = op.get_bind()
    for (table,) in bind.execute(sa.text("SELECT table_name FROM item_parts")).all():
        op.execute(f"DROP TABLE {table}")
    kind = "TABLE" if bind.dialect.name == "postgresql" else "VIEW"
    op.execute(f"DROP {kind} IF EXISTS items")
    for table in ("rollup_day", "rollup_hour", "rollup_minute", "item_corrections", "item_parts"):
        op.drop_table(table)
    for table in ("sessions", "bundles", "lines", "code_names", "plant_settings"):
        op.drop_table(table)
