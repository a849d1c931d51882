"""Alembic's entry: runs the migrations on the connection that `migrate` hands over, or writes them down as SQL."""

from alembic import context

from pipelines.engine.ledger.schema import VERSION_TABLE, metadata

given = context.config.attributes
if context.is_offline_mode():
    context.configure(dialect_name=given["dialect"], target_metadata=metadata, version_table=VERSION_TABLE)
else:
    context.configure(connection=given["connection"], target_metadata=metadata, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
