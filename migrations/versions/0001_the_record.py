"""The record: one table a word.

Revision: 0001, the first.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
SHA256 = sa.String(64)
WORD = sa.String(16)

# Parents before children; dropped in the opposite order.
TABLES = (
    "streams",
    "source_files",
    "windows",
    "quarantined_rows",
    "drift_reports",
    "drift_scores",
    "growths",
    "evaluations",
    "cells",
    "gates",
    "versions",
    "branches",
    "tasks",
    "alias_moves",
    "outbox",
    "ticks",
)


def upgrade() -> None:
    _streams_and_files()
    _windows()
    _judgement()
    _evaluation()
    _versions_and_branches()
    _tasks_and_aliases()
    _outbox_and_ticks()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(f"growlearn_{name}")


def _table(name: str, *parts: Any, key: tuple[str, ...], **options: Any) -> None:
    table = f"growlearn_{name}"
    op.create_table(table, *parts, sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"), **options)


def _index(name: str, *columns: str) -> None:
    op.create_index(f"ix_growlearn_{name}_{'_'.join(columns)}", f"growlearn_{name}", list(columns))


def _unique(name: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_growlearn_{name}_{'_'.join(columns)}")


def _refers(
    name: str, columns: tuple[str, ...], other: str, keys: tuple[str, ...]
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        list(columns),
        [f"growlearn_{other}.{key}" for key in keys],
        name=f"fk_growlearn_{name}_{'_'.join(columns)}",
        ondelete="CASCADE",
    )


def _of_stream(name: str) -> sa.ForeignKeyConstraint:
    return _refers(name, ("stream",), "streams", ("name",))


def _of_window(name: str) -> sa.ForeignKeyConstraint:
    return _refers(name, ("stream", "window"), "windows", ("stream", "number"))


def _of_version(name: str, column: str) -> sa.ForeignKeyConstraint:
    return _refers(name, ("stream", column), "versions", ("stream", "number"))


def _column(name: str, kind: Any, *, null: bool = False) -> sa.Column[Any]:
    # autoincrement would make PostgreSQL count up numbers that we give ourselves
    return sa.Column(name, kind, nullable=null, autoincrement=name in ("id", "serial") and kind is SERIAL)


def _streams_and_files() -> None:
    _table(
        "streams",
        _column("name", sa.Text()),
        _column("job", sa.Text()),
        _column("created_at", TIME),
        _column("updated_at", TIME),
        _column("champion", sa.Integer(), null=True),
        _column("challenger", sa.Integer(), null=True),
        _column("base", sa.Integer(), null=True),
        _column("outbox_owner", sa.Text(), null=True),
        _column("outbox_until", TIME, null=True),
        key=("name",),
    )
    _table(
        "source_files",
        _column("id", SERIAL),
        _column("stream", sa.Text()),
        _column("url", sa.Text()),
        _column("fingerprint", sa.Text()),
        _column("size_bytes", sa.BigInteger()),
        _column("refused", sa.Text(), null=True),
        _column("sha256", SHA256, null=True),
        _column("schema", WORD),
        _column("rows", sa.Integer()),
        _column("windows", sa.Text()),
        _column("at", TIME),
        _of_stream("source_files"),
        key=("id",),
    )
    _index("source_files", "stream", "url")


def _windows() -> None:
    _table(
        "windows",
        _column("stream", sa.Text()),
        _column("number", sa.Integer()),
        _column("state", WORD),
        _column("source", sa.Text()),
        _column("discovered_at", TIME),
        _column("updated_at", TIME),
        _column("rows", sa.Integer()),
        _column("quarantined_rows", sa.Integer()),
        _column("snapshot", SHA256, null=True),
        _column("task", sa.Text(), null=True),
        _column("verdict", WORD, null=True),
        _column("reason", sa.Text(), null=True),
        _column("lease_owner", sa.Text(), null=True),
        _column("lease_until", TIME, null=True),
        _column("failures", sa.Integer()),
        _of_stream("windows"),
        key=("stream", "number"),
    )
    _index("windows", "stream", "state")
    _table(
        "quarantined_rows",
        _column("id", SERIAL),
        _column("stream", sa.Text()),
        _column("file", SERIAL),
        _column("window", sa.Integer(), null=True),
        _column("row", sa.Integer()),
        _column("reason", sa.Text()),
        _of_stream("quarantined_rows"),
        _of_window("quarantined_rows"),
        _refers("quarantined_rows", ("file",), "source_files", ("id",)),
        key=("id",),
    )
    _index("quarantined_rows", "stream", "window")
    _index("quarantined_rows", "file")


def _judgement() -> None:
    _table(
        "drift_reports",
        _column("stream", sa.Text()),
        _column("window", sa.Integer()),
        _column("verdict", WORD),
        _column("task", sa.Text(), null=True),
        _column("reason", sa.Text()),
        _column("alpha", sa.Double()),
        _of_window("drift_reports"),
        key=("stream", "window"),
    )
    _table(
        "drift_scores",
        _column("stream", sa.Text()),
        _column("window", sa.Integer()),
        _column("position", sa.Integer()),
        _column("detector", sa.Text()),
        _column("task", sa.Text()),
        _column("name", sa.Text()),
        _column("statistic", sa.Double(), null=True),
        _column("p_value", sa.Double(), null=True),
        _column("threshold", sa.Double()),
        _column("reference_rows", sa.Integer()),
        _column("window_rows", sa.Integer()),
        _refers("drift_scores", ("stream", "window"), "drift_reports", ("stream", "window")),
        key=("stream", "window", "position"),
    )
    _table(
        "growths",
        _column("stream", sa.Text()),
        _column("window", sa.Integer()),
        _column("task", sa.Text(), null=True),
        _column("parent", sa.Text(), null=True),
        _column("seed", sa.BigInteger(), null=True),
        _column("birth_loss", sa.Double(), null=True),
        _column("best_loss", sa.Double(), null=True),
        _column("seconds", sa.Double(), null=True),
        _column("plan", sa.Text(), null=True),
        _column("result", sa.Text(), null=True),
        _of_window("growths"),
        key=("stream", "window"),
    )


def _evaluation() -> None:
    _table(
        "evaluations",
        _column("stream", sa.Text()),
        _column("window", sa.Integer()),
        _column("task", sa.Text()),
        _column("chance", sa.Double()),
        _column("changed", sa.Text()),
        _of_window("evaluations"),
        key=("stream", "window"),
    )
    _table(
        "cells",
        _column("stream", sa.Text()),
        _column("window", sa.Integer()),
        _column("kind", sa.String(8)),
        _column("position", sa.Integer()),
        _column("task", sa.Text()),
        _column("correct", sa.Integer()),
        _column("rows", sa.Integer()),
        _refers("cells", ("stream", "window"), "evaluations", ("stream", "window")),
        key=("stream", "window", "kind", "position"),
    )
    _table(
        "gates",
        _column("stream", sa.Text()),
        _column("window", sa.Integer()),
        _column("position", sa.Integer()),
        _column("gate", sa.Text()),
        _column("figure", sa.Double(), null=True),
        _column("bound", sa.Double()),
        _column("passed", sa.Boolean()),
        _column("reason", sa.Text()),
        _of_window("gates"),
        key=("stream", "window", "position"),
    )


def _versions_and_branches() -> None:
    _table(
        "versions",
        _column("stream", sa.Text()),
        _column("number", sa.Integer()),
        _column("parent", sa.Integer(), null=True),
        _column("window", sa.Integer()),
        _column("branches", sa.Text()),
        _column("tasks", sa.Text()),
        _column("parameters", sa.BigInteger()),
        _column("average_accuracy", sa.Double()),
        _column("manifest", sa.Text()),
        _column("created_at", TIME),
        _column("mlflow_version", sa.Text(), null=True),
        _column("mlflow_run", sa.Text(), null=True),
        _of_window("versions"),
        _of_version("versions", "parent"),
        _unique("versions", "stream", "window"),
        key=("stream", "number"),
    )
    _table(
        "branches",
        _column("serial", SERIAL),
        _column("stream", sa.Text()),
        _column("id", sa.Text()),
        _column("parent", sa.Text(), null=True),
        _column("stem", sa.Text()),
        _column("task", sa.Text()),
        _column("window", sa.Integer()),
        _column("version", sa.Integer(), null=True),
        _column("parameters", sa.BigInteger()),
        _column("sha256", SHA256),
        _column("state", WORD),
        _column("created_at", TIME),
        _of_window("branches"),
        _of_version("branches", "version"),
        _unique("branches", "stream", "id"),
        _refers("branches", ("stream", "parent"), "branches", ("stream", "id")),
        _refers("branches", ("stream", "stem"), "branches", ("stream", "id")),
        key=("serial",),
    )


def _tasks_and_aliases() -> None:
    _table(
        "tasks",
        _column("serial", SERIAL),
        _column("stream", sa.Text()),
        _column("name", sa.Text()),
        _column("classes", sa.Text()),
        _column("lineage", sa.Text()),
        _column("head", SHA256),
        _column("holdout", SHA256),
        _column("reference", SHA256),
        _column("window", sa.Integer()),
        _column("version", sa.Integer()),
        _column("opened_at", TIME),
        _of_window("tasks"),
        _of_version("tasks", "version"),
        _unique("tasks", "stream", "name", "version"),
        key=("serial",),
    )
    _table(
        "alias_moves",
        _column("serial", SERIAL),
        _column("stream", sa.Text()),
        _column("alias", WORD),
        _column("before", sa.Integer(), null=True),
        _column("after", sa.Integer(), null=True),
        _column("actor", sa.Text()),
        _column("reason", sa.Text()),
        _column("at", TIME),
        _of_stream("alias_moves"),
        _of_version("alias_moves", "before"),
        _of_version("alias_moves", "after"),
        key=("serial",),
    )
    _index("alias_moves", "stream")


def _outbox_and_ticks() -> None:
    _table(
        "outbox",
        _column("id", SERIAL),
        _column("stream", sa.Text()),
        _column("kind", WORD),
        _column("window", sa.Integer(), null=True),
        _column("attempts", sa.Integer()),
        _column("reason", sa.Text(), null=True),
        _column("attempted_at", TIME, null=True),
        _column("delivered_at", TIME, null=True),
        _of_stream("outbox"),
        _of_window("outbox"),
        key=("id",),
        sqlite_autoincrement=True,
    )
    _index("outbox", "stream", "delivered_at")
    _table(
        "ticks",
        _column("stream", sa.Text()),
        _column("due_at", TIME),
        _column("scheduler", sa.Text()),
        _of_stream("ticks"),
        key=("stream", "due_at"),
    )
