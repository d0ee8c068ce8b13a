"""Runs revisions on the connection that `telemetry.database.migration` hands over."""

from alembic import context

from telemetry.database.migration import VERSION_TABLE
from telemetry.database.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
