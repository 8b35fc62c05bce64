"""Checks the outbox: messages not yet delivered to MLflow, since when, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize, warning_finding

if TYPE_CHECKING:
    from growlearn.adapters.db.health import OutboxBacklog
    from growlearn.domain.stream import UndeliverableMessage


def outbox(context: StoreContext) -> Iterator[Finding]:
    """Every stream with undelivered messages."""
    from growlearn.adapters.db.health import list_outbox_backlogs

    yield from _check_lost_store(context)
    backlogs = list_outbox_backlogs(context.engine)
    for backlog in backlogs:
        yield _backlog_finding(backlog, context.clock.now())
    undeliverable = [
        message
        for stream in context.store.streams()
        for message in context.store.outbox.undeliverable(stream.name)
    ]
    for message in undeliverable:
        yield _undeliverable_finding(message)
    if not backlogs and not undeliverable:
        yield ok_finding("outbox", "all messages to MLflow were delivered")


def _backlog_finding(backlog: OutboxBacklog, now: datetime) -> Finding:
    since = "" if backlog.since is None else f" since {_format_time(backlog.since)}"
    count = pluralize(backlog.messages, "message")
    message = f"{count} of stream {backlog.stream!r} for MLflow, undelivered{since}"
    retry_command = f"growlearn run {backlog.stream}"
    if backlog.attempted_at is not None:
        last = f"last at {_format_time(backlog.attempted_at)}: {backlog.reason}"
        attempts = f"tried {pluralize(backlog.attempts, 'time')}, {last}"
        return error_finding(
            "outbox", f"{message}; {attempts}", f"fix what the reason names, then run: {retry_command}"
        )
    if backlog.lease_until is not None and backlog.lease_until > now:
        return ok_finding("outbox", f"{message}; delivery is in progress")
    return warning_finding("outbox", f"{message}; not tried yet", f"run: growlearn up, or {retry_command}")


def _undeliverable_finding(undeliverable: UndeliverableMessage) -> Finding:
    message = undeliverable.message
    subject = "the aliases" if message.window is None else f"window {message.window}"
    text = f"MLflow cannot be told about {subject} of stream {message.stream!r}: {undeliverable.reason}"
    hint = f"no worker tries again; fix what the reason names, then run: growlearn run {message.stream}"
    return error_finding("outbox", text, hint)


def _check_lost_store(context: StoreContext) -> Iterator[Finding]:
    """A missing MLflow store that versions are registered in; no other check would notice."""
    from growlearn.adapters.mlflow.client import get_tracking_sqlite_path

    file = get_tracking_sqlite_path(context.settings.mlflow_tracking_uri)
    if file is None or file.exists():
        return
    for stream in context.store.streams():
        if any(version.mlflow_version is not None for version in context.store.versions(stream.name)):
            message = f"versions of stream {stream.name!r} are registered in {file}, which is missing"
            yield error_finding(
                "outbox", message, "restore that file from a backup; the database is complete"
            )


def _format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
