"""What MLflow has not been told yet, since when, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from growlearn.app.doctor.finding import Finding, counted, ok, warning, wrong
from growlearn.app.doctor.premises import Record

if TYPE_CHECKING:
    from growlearn.adapters.db.condition import Undelivered


def outbox(record: Record) -> Iterator[Finding]:
    """Every stream of which messages wait."""
    from growlearn.adapters.db.condition import undelivered

    yield from _lost_store(record)
    waiting = undelivered(record.engine)
    for each in waiting:
        yield _judged(each, record.clock.now())
    if not waiting:
        yield ok("outbox", "MLflow has been told everything")


def _judged(waiting: Undelivered, now: datetime) -> Finding:
    since = "" if waiting.since is None else f" since {_time(waiting.since)}"
    found = (
        f"{counted(waiting.messages, 'message')} of stream {waiting.stream!r} for MLflow, undelivered{since}"
    )
    again = f"growlearn run {waiting.stream}"
    if waiting.tried_at is not None:
        tried = f"tried {counted(waiting.tries, 'time')}, last at {_time(waiting.tried_at)}: {waiting.reason}"
        return wrong("outbox", f"{found}; {tried}", f"mend what the reason names, then run: {again}")
    if waiting.telling_until is not None and waiting.telling_until > now:
        return ok("outbox", f"{found}; it is being told now")
    return warning("outbox", f"{found}; nobody has tried yet", f"run: growlearn up, or {again}")


def _lost_store(record: Record) -> Iterator[Finding]:
    """A store that is gone although it was told something: nothing else would miss it."""
    from growlearn.adapters.mlflow.client import sqlite_file

    file = sqlite_file(record.settings.mlflow_tracking_uri)
    if file is None or file.exists():
        return
    for stream in record.store.streams():
        if any(version.mlflow_version is not None for version in record.store.versions(stream.name)):
            found = f"versions of stream {stream.name!r} are registered in {file}, which is gone"
            yield wrong("outbox", found, "bring that file back from a backup; the record itself is whole")


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
