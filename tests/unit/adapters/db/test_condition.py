"""What SQLite and PostgreSQL tell of their own condition, alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from growlearn.adapters.db.condition import (
    damage,
    halted,
    newest_record,
    server_time,
    tables_in,
    undelivered,
)
from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.store import DbStore, open_store
from growlearn.adapters.db.tables import Base
from growlearn.domain.job import Job, SourceSpec
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.stream import Alias, AliasMove, Message, MessageKind, Transition
from growlearn.domain.window import IngestedFile, SourceFile, Window, WindowState

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
JOB = Job(name="a", source=SourceSpec(url="/data"), schema=Schema(inputs={"x": Input(type=InputType.NUMBER)}))
ALIASES = Message(stream="a", kind=MessageKind.ALIASES)


@pytest.fixture
def store(url: str) -> Iterator[DbStore]:
    """One stream with one accepted window."""
    with open_store(url) as store:
        store.apply(JOB, AT)
        window = Window(
            stream="a", number=1, state=WindowState.ACCEPTED, source="f", discovered_at=AT, updated_at=AT
        )
        file = SourceFile(url="f", fingerprint="1", size_bytes=1)
        store.record_ingest(
            IngestedFile(
                stream="a", file=file, sha256=None, schema="0" * 16, rows=1, windows=(window,),
                bad_rows=(), at=AT,
            )
        )  # fmt: skip
        yield store


def settle(store: DbStore, at: datetime) -> None:
    """Lead the window to its end, with a message about it."""
    store.claim("a", "ada", at, 60)
    step = Transition(
        stream="a", window="w1", source=WindowState.ACCEPTED, target=WindowState.JUDGED, worker="ada", at=at
    )
    store.advance(step)
    told = Message(stream="a", kind=MessageKind.CYCLE, window="w1")
    store.advance(
        replace(step, source=WindowState.JUDGED, target=WindowState.SETTLED, messages=(told, ALIASES))
    )


def test_tables_are_told_apart_by_whose_they_are(url: str, looking: Engine) -> None:
    assert tables_in(looking).ours == frozenset(Base.metadata.tables)
    engine = connect(url)
    with engine.begin() as connection:
        for name in ("growlearn_plans", "runs", "alembic_version"):
            connection.execute(text(f"CREATE TABLE {name} (x INTEGER)"))
    engine.dispose()

    found = tables_in(looking)

    assert found.ours == frozenset(Base.metadata.tables)
    assert found.intruding == frozenset({"growlearn_plans"})
    assert found.foreign == frozenset({"runs", "alembic_version"})


def test_a_sound_database_has_no_damage(looking: Engine) -> None:
    assert damage(looking) is None


def test_the_newest_record_is_found_in_any_table_and_is_no_lease(store: DbStore, looking: Engine) -> None:
    assert newest_record(looking) == (AT, "growlearn_windows.updated_at")
    store.claim("a", "ada", AT, 3600)
    store.claim_outbox("a", "ada", AT, 3600)
    assert newest_record(looking) == (AT, "growlearn_windows.updated_at")
    store.claim_tick("a", LATER, "scheduler")
    assert newest_record(looking) == (LATER, "growlearn_ticks.due_at")


def test_an_empty_record_has_no_newest_time(looking: Engine) -> None:
    assert newest_record(looking) is None


def test_only_a_server_has_a_clock_of_its_own(looking: Engine) -> None:
    theirs = server_time(looking)
    if looking.dialect.name == "sqlite":
        assert theirs is None
    else:
        assert theirs is not None
        assert abs(datetime.now(UTC) - theirs) < timedelta(minutes=1)


def test_undelivered_messages_tell_since_when_and_why(store: DbStore, looking: Engine) -> None:
    assert undelivered(looking) == ()
    settle(store, AT)
    [waiting] = undelivered(looking)
    assert (waiting.stream, waiting.messages, waiting.since, waiting.tries) == ("a", 2, AT, 0)
    assert (waiting.tried_at, waiting.reason, waiting.telling_until) == (None, None, None)

    store.claim_outbox("a", "ada", LATER, 60)
    store.undelivered(store.pending_messages()[0].id, "no route", LATER)

    [waiting] = undelivered(looking)
    assert (waiting.tries, waiting.tried_at, waiting.reason) == (1, LATER, "no route")
    assert waiting.telling_until == LATER + timedelta(seconds=60)


def test_messages_about_aliases_wait_since_these_moved(store: DbStore, looking: Engine) -> None:
    move = AliasMove(
        stream="a", alias=Alias.CHAMPION, before=None, after=None, actor="me", reason="r", at=LATER
    )
    store.move_aliases("a", [move], None, ALIASES)
    assert [each.since for each in undelivered(looking)] == [LATER]


def test_streams_wait_apart(store: DbStore, looking: Engine) -> None:
    store.apply(replace(JOB, name="b"), AT)
    for name in ("b", "a", "b"):
        store.move_aliases(name, (), None, replace(ALIASES, stream=name))
    assert [(each.stream, each.messages) for each in undelivered(looking)] == [("a", 1), ("b", 2)]


def test_a_window_is_halted_once_its_lease_has_run_out(store: DbStore, looking: Engine) -> None:
    store.claim("a", "ada", AT, 60)
    assert halted(looking, AT) == ()
    [window] = halted(looking, LATER)
    assert (window.window, window.owner, window.failures) == ("w1", "ada", 0)
    assert (window.state, window.lease_until) == (WindowState.ACCEPTED, AT + timedelta(seconds=60))

    store.release("a", "w1", "ada")
    assert halted(looking, LATER) == ()


def test_a_window_that_failed_is_halted_until_it_ends(store: DbStore, looking: Engine) -> None:
    store.claim("a", "ada", AT, 60)
    store.failed("a", "w1", "ada", "out of memory", AT)
    store.release("a", "w1", "ada")
    [window] = halted(looking, AT)
    assert (window.failures, window.reason, window.lease_until) == (1, "out of memory", None)

    settle(store, AT)
    assert halted(looking, LATER) == ()
