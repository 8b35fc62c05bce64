"""Runs GrowLearn's migrations on the connection that `growlearn.adapters.db.migrate` hands over."""

from alembic import context

from growlearn.adapters.db.migrate import is_own_table
from growlearn.adapters.db.tables import VERSION_TABLE, Base

# No logging is set up here: the process that upgrades its database keeps its own.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    include_name=lambda name, kind, _parents: kind != "table" or is_own_table(name),
    include_object=lambda _thing, name, kind, _reflected, _other: kind != "table" or is_own_table(name),
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
