"""All tables of the record, as the first release has them.

Revision: 0001, the first. The next one is 0007: commits before the first release used 0002 to 0006.
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
ENUM = sa.String(16)

# Parents before children; dropped in the opposite order.
TABLES = (
    "streams",
    "source_files",
    "windows",
    "quarantined_rows",
    "late_labels",
    "drift_reports",
    "drift_test_results",
    "accuracy_estimates",
    "growths",
    "evaluations",
    "task_scores",
    "gates",
    "versions",
    "branches",
    "tasks",
    "canaries",
    "canary_answers",
    "decision_log",
    "alias_changes",
    "outbox",
    "alerts",
    "ticks",
    "processes",
    "removed_files",
    "api_keys",
    "api_requests",
)


def upgrade() -> None:
    _create_streams_and_files()
    _create_windows()
    _create_late_labels()
    _create_drift_reports_and_growths()
    _create_evaluations()
    _create_versions_and_branches()
    _create_tasks()
    _create_canaries()
    _create_decision_log_and_alias_changes()
    _create_outbox_and_ticks()
    _create_alerts()
    _create_processes()
    _create_api_tables()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(f"growlearn_{name}")


def _create_table(name: str, *parts: Any, key: tuple[str, ...], **options: Any) -> None:
    table = f"growlearn_{name}"
    op.create_table(table, *parts, sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"), **options)


def _create_index(name: str, *columns: str) -> None:
    op.create_index(f"ix_growlearn_{name}_{'_'.join(columns)}", f"growlearn_{name}", list(columns))


def _make_unique(name: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_growlearn_{name}_{'_'.join(columns)}")


def _make_foreign_key(
    name: str, columns: tuple[str, ...], other: str, keys: tuple[str, ...]
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        list(columns),
        [f"growlearn_{other}.{key}" for key in keys],
        name=f"fk_growlearn_{name}_{'_'.join(columns)}",
        ondelete="CASCADE",
    )


def _make_stream_key(name: str) -> sa.ForeignKeyConstraint:
    return _make_foreign_key(name, ("stream",), "streams", ("name",))


def _make_window_key(name: str) -> sa.ForeignKeyConstraint:
    return _make_foreign_key(name, ("stream", "window"), "windows", ("stream", "number"))


def _make_version_key(name: str, column: str) -> sa.ForeignKeyConstraint:
    return _make_foreign_key(name, ("stream", column), "versions", ("stream", "number"))


def _make_column(name: str, kind: Any, *, null: bool = False) -> sa.Column[Any]:
    # autoincrement would make PostgreSQL count up numbers that we give ourselves
    return sa.Column(name, kind, nullable=null, autoincrement=name in ("id", "serial") and kind is SERIAL)


def _create_streams_and_files() -> None:
    _create_table(
        "streams",
        _make_column("name", sa.Text()),
        _make_column("job", sa.Text()),
        _make_column("created_at", TIME),
        _make_column("champion", sa.Integer(), null=True),
        _make_column("challenger", sa.Integer(), null=True),
        _make_column("parent_version", sa.Integer(), null=True),
        _make_column("paused_at", TIME, null=True),
        _make_column("outbox_owner", sa.Text(), null=True),
        _make_column("outbox_until", TIME, null=True),
        _make_column("looked_at", TIME, null=True),
        key=("name",),
    )
    _create_table(
        "source_files",
        _make_column("id", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("url", sa.Text()),
        _make_column("fingerprint", sa.Text()),
        _make_column("sha256", SHA256, null=True),
        _make_column("schema", ENUM),
        _make_column("rows", sa.Integer()),
        _make_column("windows", sa.Text()),
        _make_column("at", TIME),
        _make_stream_key("source_files"),
        key=("id",),
    )
    _create_index("source_files", "stream", "url")
    _create_index("source_files", "stream", "at")


def _create_windows() -> None:
    _create_table(
        "windows",
        _make_column("stream", sa.Text()),
        _make_column("number", sa.Integer()),
        _make_column("state", ENUM),
        _make_column("source", sa.Text()),
        _make_column("discovered_at", TIME),
        _make_column("updated_at", TIME),
        _make_column("rows", sa.Integer()),
        _make_column("quarantined_rows", sa.Integer()),
        _make_column("snapshot", SHA256, null=True),
        _make_column("task", sa.Text(), null=True),
        _make_column("verdict", ENUM, null=True),
        _make_column("reason", sa.Text(), null=True),
        _make_column("lease_owner", sa.Text(), null=True),
        _make_column("lease_until", TIME, null=True),
        _make_column("progress", sa.Text(), null=True),
        _make_column("claim", sa.Integer()),
        _make_column("failures", sa.Integer()),
        _make_column("labelled", sa.Integer(), null=True),
        _make_column("labels_required", sa.Integer(), null=True),
        _make_column("judged_by_version", sa.Integer(), null=True),
        _make_stream_key("windows"),
        key=("stream", "number"),
    )
    _create_index("windows", "stream", "state")
    _create_table(
        "quarantined_rows",
        _make_column("id", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("file", SERIAL),
        _make_column("window", sa.Integer(), null=True),
        _make_column("row", sa.Integer()),
        _make_column("reason", sa.Text()),
        _make_stream_key("quarantined_rows"),
        _make_window_key("quarantined_rows"),
        _make_foreign_key("quarantined_rows", ("file",), "source_files", ("id",)),
        key=("id",),
    )
    _create_index("quarantined_rows", "stream", "window")
    _create_index("quarantined_rows", "file")


def _create_late_labels() -> None:
    _create_table(
        "late_labels",
        _make_column("id", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("window", sa.Integer(), null=True),
        _make_column("source", sa.Text()),
        _make_column("content", SHA256, null=True),
        _make_column("labels", sa.Integer()),
        _make_column("at", TIME),
        _make_stream_key("late_labels"),
        _make_window_key("late_labels"),
        key=("id",),
    )
    _create_index("late_labels", "stream")


def _create_drift_reports_and_growths() -> None:
    judgement_key = ("stream", "window", "judgement")
    _create_table(
        "drift_reports",
        _make_column("stream", sa.Text()),
        _make_column("window", sa.Integer()),
        _make_column("judgement", sa.Integer()),
        _make_column("verdict", ENUM),
        _make_column("task", sa.Text(), null=True),
        _make_column("reason", sa.Text()),
        _make_column("alpha", sa.Double()),
        _make_column("kind", ENUM, null=True),
        _make_column("monitor_state", sa.Text(), null=True),
        _make_column("correct", sa.Integer(), null=True),
        _make_column("labelled_rows", sa.Integer(), null=True),
        _make_window_key("drift_reports"),
        key=judgement_key,
    )
    _create_table(
        "drift_test_results",
        _make_column("stream", sa.Text()),
        _make_column("window", sa.Integer()),
        _make_column("judgement", sa.Integer()),
        _make_column("position", sa.Integer()),
        _make_column("detector", sa.Text()),
        _make_column("task", sa.Text()),
        _make_column("name", sa.Text()),
        _make_column("statistic", sa.Double(), null=True),
        _make_column("p_value", sa.Double(), null=True),
        _make_column("threshold", sa.Double()),
        _make_column("reference_rows", sa.Integer()),
        _make_column("window_rows", sa.Integer()),
        _make_column("effect_size", sa.Double(), null=True),
        _make_foreign_key("drift_test_results", judgement_key, "drift_reports", judgement_key),
        key=(*judgement_key, "position"),
    )
    _create_table(
        "accuracy_estimates",
        _make_column("stream", sa.Text()),
        _make_column("window", sa.Integer()),
        _make_column("version", sa.Integer()),
        _make_column("rows", sa.Integer()),
        _make_column("accuracy", sa.Double()),
        _make_column("low", sa.Double()),
        _make_column("high", sa.Double()),
        _make_column("known_rows", sa.Integer()),
        _make_column("known_correct", sa.Integer()),
        _make_column("known_low", sa.Double(), null=True),
        _make_column("known_high", sa.Double(), null=True),
        _make_window_key("accuracy_estimates"),
        key=("stream", "window"),
    )
    _create_table(
        "growths",
        _make_column("stream", sa.Text()),
        _make_column("window", sa.Integer()),
        _make_column("plan", sa.Text(), null=True),
        _make_column("trained_plan", sa.Text(), null=True),
        _make_column("result", sa.Text(), null=True),
        _make_window_key("growths"),
        key=("stream", "window"),
    )


def _create_evaluations() -> None:
    _create_table(
        "evaluations",
        _make_column("stream", sa.Text()),
        _make_column("window", sa.Integer()),
        _make_column("task", sa.Text()),
        _make_column("chance_level", sa.Double()),
        _make_column("metric_chance_level", sa.Double(), null=True),
        _make_column("changed_tasks", sa.Text()),
        _make_column("model_selection", sa.Text(), null=True),
        _make_column("replacement", sa.Text(), null=True),
        _make_column("refinement", sa.Text(), null=True),
        _make_window_key("evaluations"),
        key=("stream", "window"),
    )
    _create_table(
        "task_scores",
        _make_column("stream", sa.Text()),
        _make_column("window", sa.Integer()),
        _make_column("kind", ENUM),
        _make_column("position", sa.Integer()),
        _make_column("task", sa.Text()),
        _make_column("correct", sa.Integer()),
        _make_column("rows", sa.Integer()),
        _make_column("logits_sha256", SHA256, null=True),
        _make_column("metric", sa.String(32)),
        _make_column("metric_value", sa.Double(), null=True),
        _make_foreign_key("task_scores", ("stream", "window"), "evaluations", ("stream", "window")),
        key=("stream", "window", "kind", "position"),
    )
    _create_table(
        "gates",
        _make_column("stream", sa.Text()),
        _make_column("window", sa.Integer()),
        _make_column("position", sa.Integer()),
        _make_column("gate", sa.Text()),
        _make_column("value", sa.Double(), null=True),
        _make_column("threshold", sa.Double()),
        _make_column("passed", sa.Boolean()),
        _make_column("reason", sa.Text()),
        _make_window_key("gates"),
        key=("stream", "window", "position"),
    )


def _create_versions_and_branches() -> None:
    _create_table(
        "versions",
        _make_column("stream", sa.Text()),
        _make_column("number", sa.Integer()),
        _make_column("parent", sa.Integer(), null=True),
        _make_column("window", sa.Integer()),
        _make_column("branches", sa.Text()),
        _make_column("tasks", sa.Text()),
        _make_column("parameters", sa.BigInteger()),
        _make_column("average_accuracy", sa.Double()),
        _make_column("manifest", sa.Text()),
        _make_column("manifest_sha256", sa.String(64)),
        _make_column("created_at", TIME),
        _make_column("mlflow_version", sa.Text(), null=True),
        _make_column("mlflow_run", sa.Text(), null=True),
        _make_window_key("versions"),
        _make_version_key("versions", "parent"),
        _make_unique("versions", "stream", "window"),
        key=("stream", "number"),
    )
    _create_table(
        "branches",
        _make_column("serial", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("id", sa.Text()),
        _make_column("parent", sa.Text(), null=True),
        _make_column("stem", sa.Text()),
        _make_column("task", sa.Text()),
        _make_column("window", sa.Integer()),
        _make_column("version", sa.Integer(), null=True),
        _make_column("parameters", sa.BigInteger()),
        _make_column("sha256", SHA256),
        _make_column("state", ENUM),
        _make_column("created_at", TIME),
        _make_window_key("branches"),
        _make_version_key("branches", "version"),
        _make_unique("branches", "stream", "id"),
        _make_foreign_key("branches", ("stream", "parent"), "branches", ("stream", "id")),
        _make_foreign_key("branches", ("stream", "stem"), "branches", ("stream", "id")),
        key=("serial",),
    )


def _create_tasks() -> None:
    _create_table(
        "tasks",
        _make_column("serial", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("name", sa.Text()),
        _make_column("classes", sa.Text()),
        _make_column("lineage", sa.Text()),
        _make_column("head", SHA256),
        _make_column("holdout", SHA256),
        _make_column("reference_rows", SHA256),
        _make_column("window", sa.Integer()),
        _make_column("version", sa.Integer()),
        _make_window_key("tasks"),
        _make_version_key("tasks", "version"),
        _make_unique("tasks", "stream", "name", "version"),
        key=("serial",),
    )


def _create_canaries() -> None:
    _create_table(
        "canaries",
        _make_column("stream", sa.Text()),
        _make_column("number", sa.Integer()),
        _make_column("version", sa.Integer()),
        _make_column("champion", sa.Integer()),
        _make_column("share_percent", sa.Double()),
        _make_column("alpha", sa.Double()),
        _make_column("follows_challenger", sa.Boolean()),
        _make_column("started_at", TIME),
        _make_column("started_by", sa.Text()),
        _make_column("stopped_at", TIME, null=True),
        _make_column("stopped_by", sa.Text(), null=True),
        _make_column("stop_reason", sa.Text(), null=True),
        _make_column("answered", sa.BigInteger()),
        _make_column("compared", sa.BigInteger()),
        _make_column("agreed", sa.BigInteger()),
        _make_column("dropped", sa.BigInteger()),
        _make_column("failed", sa.BigInteger()),
        _make_column("timed_pairs", sa.BigInteger()),
        _make_column("slower_pairs", sa.BigInteger()),
        _make_column("labelled", sa.BigInteger()),
        _make_column("champion_correct", sa.BigInteger()),
        _make_column("version_correct", sa.BigInteger()),
        _make_column("only_champion_correct", sa.BigInteger()),
        _make_stream_key("canaries"),
        _make_version_key("canaries", "version"),
        _make_version_key("canaries", "champion"),
        key=("stream", "number"),
    )
    _create_table(
        "canary_answers",
        _make_column("stream", sa.Text()),
        _make_column("row_id", sa.Text()),
        _make_column("canary", sa.Integer()),
        _make_column("champion", sa.Text(), null=True),
        _make_column("version", sa.Text(), null=True),
        _make_column("at", TIME),
        _make_foreign_key("canary_answers", ("stream", "canary"), "canaries", ("stream", "number")),
        key=("stream", "row_id", "canary"),
    )
    _create_index("canary_answers", "stream", "at")


def _create_decision_log_and_alias_changes() -> None:
    _create_table(
        "decision_log",
        _make_column("serial", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("kind", ENUM),
        _make_column("at", TIME),
        _make_column("actor", sa.Text()),
        _make_column("growlearn_version", sa.Text()),
        _make_column("job_digest", sa.String(16)),
        _make_column("window", sa.Integer(), null=True),
        _make_column("snapshot", SHA256, null=True),
        _make_column("source", ENUM, null=True),
        _make_column("target", ENUM, null=True),
        _make_column("verdict", ENUM, null=True),
        _make_column("task", sa.Text(), null=True),
        _make_column("reason", sa.Text(), null=True),
        _make_column("remaining_budget", sa.Text(), null=True),
        _make_column("parent_version", sa.Integer(), null=True),
        _make_column("parent_version_before", sa.Integer(), null=True),
        _make_column("labels_required", sa.Integer(), null=True),
        _make_column("judged_by_version", sa.Integer(), null=True),
        _make_column("job", sa.Text(), null=True),
        _make_column("canary", sa.Integer(), null=True),
        _make_stream_key("decision_log"),
        _make_window_key("decision_log"),
        _make_foreign_key("decision_log", ("stream", "canary"), "canaries", ("stream", "number")),
        key=("serial",),
    )
    _create_index("decision_log", "stream", "window")
    _create_table(
        "alias_changes",
        _make_column("serial", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("alias", ENUM),
        _make_column("before", sa.Integer(), null=True),
        _make_column("after", sa.Integer(), null=True),
        _make_column("actor", sa.Text()),
        _make_column("reason", sa.Text()),
        _make_column("at", TIME),
        _make_column("decision", SERIAL),
        _make_stream_key("alias_changes"),
        _make_version_key("alias_changes", "before"),
        _make_version_key("alias_changes", "after"),
        _make_foreign_key("alias_changes", ("decision",), "decision_log", ("serial",)),
        key=("serial",),
    )
    _create_index("alias_changes", "stream")
    _create_index("alias_changes", "decision")


def _create_outbox_and_ticks() -> None:
    _create_table(
        "outbox",
        _make_column("id", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("kind", ENUM),
        _make_column("window", sa.Integer(), null=True),
        _make_column("attempts", sa.Integer()),
        _make_column("reason", sa.Text(), null=True),
        _make_column("attempted_at", TIME, null=True),
        _make_column("delivered_at", TIME, null=True),
        _make_column("undeliverable_at", TIME, null=True),
        _make_stream_key("outbox"),
        _make_window_key("outbox"),
        key=("id",),
        sqlite_autoincrement=True,
    )
    _create_index("outbox", "stream", "delivered_at")
    _create_table(
        "ticks",
        _make_column("stream", sa.Text()),
        _make_column("due_at", TIME),
        _make_stream_key("ticks"),
        key=("stream", "due_at"),
    )
    _create_table(
        "removed_files",
        _make_column("stream", sa.Text()),
        _make_column("sha256", sa.String(64)),
        _make_column("at", TIME),
        _make_stream_key("removed_files"),
        key=("stream", "sha256"),
    )


def _create_alerts() -> None:
    _create_table(
        "alerts",
        _make_column("id", SERIAL),
        _make_column("stream", sa.Text()),
        _make_column("kind", ENUM),
        _make_column("at", TIME),
        _make_column("text", sa.Text()),
        _make_column("window", sa.Integer(), null=True),
        _make_column("version", sa.Integer(), null=True),
        _make_column("attempts", sa.Integer()),
        _make_column("reason", sa.Text(), null=True),
        _make_column("attempted_at", TIME, null=True),
        _make_column("claimed_until", TIME, null=True),
        _make_column("sent_at", TIME, null=True),
        _make_stream_key("alerts"),
        key=("id",),
        sqlite_autoincrement=True,
    )
    _create_index("alerts", "stream", "kind", "sent_at")
    _create_index("alerts", "sent_at", "at")


def _create_processes() -> None:
    _create_table(
        "processes",
        _make_column("id", sa.Text()),
        _make_column("kind", ENUM),
        _make_column("host", sa.Text()),
        _make_column("pid", sa.Integer()),
        _make_column("version", sa.Text()),
        _make_column("started_at", TIME),
        _make_column("heartbeat_at", TIME),
        _make_column("next_look_at", TIME, null=True),
        key=("id",),
    )


def _create_api_tables() -> None:
    _create_table(
        "api_keys",
        _make_column("id", sa.Text()),
        _make_column("name", sa.Text()),
        _make_column("role", ENUM),
        _make_column("token_sha256", SHA256),
        _make_column("created_at", TIME),
        _make_column("expires_at", TIME, null=True),
        _make_column("revoked_at", TIME, null=True),
        _make_unique("api_keys", "token_sha256"),
        key=("id",),
    )
    _create_table(
        "api_requests",
        _make_column("key", SHA256),
        _make_column("request_sha256", SHA256),
        _make_column("started_at", TIME),
        _make_column("status", sa.Integer(), null=True),
        _make_column("body", sa.Text(), null=True),
        key=("key",),
    )
    _create_index("api_requests", "started_at")
