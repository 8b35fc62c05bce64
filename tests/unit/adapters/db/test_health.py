"""What SQLite and PostgreSQL tell of their own condition, alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.health import (
    find_integrity_error,
    find_latest_timestamp,
    get_server_time,
    list_outbox_backlogs,
    list_stuck_windows,
    list_tables,
)
from growlearn.adapters.db.store import DbStore, open_db_store
from growlearn.adapters.db.tables import Base
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind, Transition
from growlearn.domain.window import Claim, IngestResult, SourceFile, Window, WindowState

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
CLAIM = Claim(stream="a", window="w1", worker="ada", number=1)
JOB = Job(
    name="a",
    source=SourceConfig(url="/data"),
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
)
ALIASES = Message(stream="a", kind=MessageKind.ALIASES)


@pytest.fixture
def store(url: str) -> Iterator[DbStore]:
    """One stream with one accepted window."""
    with open_db_store(url) as store:
        store.apply(JOB, AT)
        window = Window(
            stream="a", number=1, state=WindowState.ACCEPTED, source="f", discovered_at=AT, updated_at=AT
        )
        file = SourceFile(url="f", fingerprint="1", size_bytes=1)
        store.record_ingest(
            IngestResult(
                stream="a", file=file, sha256=None, schema="0" * 16, rows=1, windows=(window,),
                bad_rows=(), at=AT,
            )
        )  # fmt: skip
        yield store


def skip_window(store: DbStore, at: datetime) -> None:
    """Lead the window to its end, with a message about it."""
    claimed = store.claim("a", "ada", at, 60)
    assert claimed is not None
    step = Transition(
        stream="a", window="w1", source=WindowState.ACCEPTED, target=WindowState.JUDGED, worker="ada", at=at,
        claim=claimed.claim,
    )  # fmt: skip
    store.advance(step)
    message = Message(stream="a", kind=MessageKind.CYCLE, window="w1")
    store.advance(
        replace(step, source=WindowState.JUDGED, target=WindowState.SKIPPED, messages=(message, ALIASES))
    )


def test_tables_are_told_apart_by_whose_they_are(url: str, readonly_engine: Engine) -> None:
    assert list_tables(readonly_engine).ours == frozenset(Base.metadata.tables)
    engine = connect(url)
    with engine.begin() as connection:
        for name in ("growlearn_plans", "runs", "alembic_version"):
            connection.execute(text(f"CREATE TABLE {name} (x INTEGER)"))
    engine.dispose()

    tables = list_tables(readonly_engine)

    assert tables.ours == frozenset(Base.metadata.tables)
    assert tables.unexpected == frozenset({"growlearn_plans"})
    assert tables.foreign == frozenset({"runs", "alembic_version"})


def test_a_sound_database_has_no_damage(readonly_engine: Engine) -> None:
    assert find_integrity_error(readonly_engine) is None


def test_the_newest_record_is_found_in_any_table_and_is_no_lease(
    store: DbStore, readonly_engine: Engine
) -> None:
    assert find_latest_timestamp(readonly_engine) == (AT, "growlearn_windows.updated_at")
    store.claim("a", "ada", AT, 3600)
    store.outbox.claim("a", "ada", AT, 3600)
    assert find_latest_timestamp(readonly_engine) == (AT, "growlearn_windows.updated_at")
    store.claim_ticks({"a": LATER})
    assert find_latest_timestamp(readonly_engine) == (LATER, "growlearn_ticks.due_at")


def test_an_empty_record_has_no_newest_time(readonly_engine: Engine) -> None:
    assert find_latest_timestamp(readonly_engine) is None


def test_only_a_server_has_a_clock_of_its_own(readonly_engine: Engine) -> None:
    server_time = get_server_time(readonly_engine)
    if readonly_engine.dialect.name == "sqlite":
        assert server_time is None
    else:
        assert server_time is not None
        assert abs(datetime.now(UTC) - server_time) < timedelta(minutes=1)


def test_undelivered_messages_tell_since_when_and_why(store: DbStore, readonly_engine: Engine) -> None:
    assert list_outbox_backlogs(readonly_engine) == ()
    skip_window(store, AT)
    [backlog] = list_outbox_backlogs(readonly_engine)
    assert (backlog.stream, backlog.messages, backlog.since, backlog.attempts) == ("a", 2, AT, 0)
    assert (backlog.attempted_at, backlog.reason, backlog.lease_until) == (None, None, None)

    store.outbox.claim("a", "ada", LATER, 60)
    store.outbox.record_failure(store.outbox.pending()[0].id, "no route", LATER)

    [backlog] = list_outbox_backlogs(readonly_engine)
    assert (backlog.attempts, backlog.attempted_at, backlog.reason) == (1, LATER, "no route")
    assert backlog.lease_until == LATER + timedelta(seconds=60)


def test_messages_about_aliases_wait_since_these_moved(store: DbStore, readonly_engine: Engine) -> None:
    move = AliasChange(
        stream="a", alias=Alias.CHAMPION, before=None, after=None, actor="me", reason="r", at=LATER
    )
    store.change_aliases("a", [move], None, ALIASES)
    assert [backlog.since for backlog in list_outbox_backlogs(readonly_engine)] == [LATER]


def test_streams_wait_apart(store: DbStore, readonly_engine: Engine) -> None:
    store.apply(replace(JOB, name="b"), AT)
    for name in ("b", "a", "b"):
        store.change_aliases(name, (), None, replace(ALIASES, stream=name))
    assert [(backlog.stream, backlog.messages) for backlog in list_outbox_backlogs(readonly_engine)] == [
        ("a", 1),
        ("b", 2),
    ]


def test_a_window_is_halted_once_its_lease_has_run_out(store: DbStore, readonly_engine: Engine) -> None:
    store.claim("a", "ada", AT, 60)
    assert list_stuck_windows(readonly_engine, AT) == ()
    [window] = list_stuck_windows(readonly_engine, LATER)
    assert (window.window, window.owner, window.failures) == ("w1", "ada", 0)
    assert (window.state, window.lease_until) == (WindowState.ACCEPTED, AT + timedelta(seconds=60))

    store.release(CLAIM)
    assert list_stuck_windows(readonly_engine, LATER) == ()


def test_a_window_that_failed_is_halted_until_it_ends(store: DbStore, readonly_engine: Engine) -> None:
    store.claim("a", "ada", AT, 60)
    store.record_failure(CLAIM, "out of memory", AT)
    store.release(CLAIM)
    [window] = list_stuck_windows(readonly_engine, AT)
    assert (window.failures, window.reason, window.lease_until) == (1, "out of memory", None)

    skip_window(store, AT)
    assert list_stuck_windows(readonly_engine, LATER) == ()
