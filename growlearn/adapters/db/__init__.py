"""The Store port on SQLAlchemy, for SQLite and PostgreSQL: see `store.open_store` and `migrate.upgrade`."""
