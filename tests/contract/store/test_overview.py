"""Looks over all streams: what they say, and that their cost in statements does not grow with the streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from growlearn.adapters.db.store import DbStore, open_db_store
from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.scheduler.scheduler import Scheduler
from growlearn.app.outages import Outages
from growlearn.app.views import status_view
from growlearn.app.worker import Worker
from growlearn.domain.delayed_labels import LabelJoinResult, PendingLabels
from growlearn.domain.errors import NotFound
from growlearn.domain.job import Job, Schedule
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind
from growlearn.domain.stream_overview import LatestVerdict, StreamSchedule, StreamStatus, StreamWork
from growlearn.domain.window import IngestResult, Verdict, WindowState
from growlearn.ports import Store

MINUTE = timedelta(minutes=1)
MakeIngest = Callable[..., IngestResult]


def test_schedules_come_by_name_with_the_last_tick(store: Store, job: Job, at: datetime) -> None:
    store.apply(replace(job, name="b"), at)
    store.apply(replace(job, name="a", schedule=Schedule(every="5m")), at + MINUTE)
    store.claim_ticks({"b": at + MINUTE})
    store.claim_ticks({"b": at})

    assert store.stream_schedules() == (
        StreamSchedule(name="a", created_at=at + MINUTE, schedule=Schedule(every="5m"), last_tick=None),
        StreamSchedule(name="b", created_at=at, schedule=job.schedule, last_tick=at + MINUTE),
    )


def test_what_calls_a_worker_to_a_stream(
    store: Store, job: Job, at: datetime, make_ingest: MakeIngest
) -> None:
    for name in ("digits", "news", "quiet"):
        store.apply(replace(job, name=name), at)
    store.record_ingest(make_ingest())
    store.outbox.enqueue([Message(stream="news", kind=MessageKind.ALIASES)])
    store.claim_ticks({"quiet": at})

    def work(name: str, **changes: Any) -> StreamWork:
        nothing = StreamWork(name=name, last_tick=None, has_pending_windows=False)
        return replace(nothing, **changes)

    assert store.stream_work() == (
        work("digits", has_pending_windows=True),
        work("news"),
        work("quiet", last_tick=at),
    )
    assert store.outbox.streams() == ("news",)


@pytest.mark.parametrize("state", WindowState)
def test_a_window_calls_a_worker_in_the_states_in_which_there_is_something_to_do(
    store: Store, job: Job, at: datetime, make_ingest: MakeIngest, state: WindowState
) -> None:
    store.apply(job, at)
    store.record_ingest(make_ingest(state=state))
    (work,) = store.stream_work()

    assert work.has_pending_windows == bool(store.count_pending("digits"))


def test_delivered_and_undeliverable_messages_call_nobody(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)
    store.outbox.enqueue([Message(stream="digits", kind=MessageKind.ALIASES)])
    (pending,) = store.outbox.pending()
    store.outbox.record_undeliverable(pending.id, "refused", at)

    assert store.outbox.streams() == ()


def test_the_status_of_a_new_stream(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)

    assert store.stream_statuses(at) == (make_status(),)


def make_status(**changes: Any) -> StreamStatus:
    new = StreamStatus(
        name="digits", schedule=Schedule(cron="0 3 * * 0"), looked_at=None, champion=None, challenger=None,
        has_id_column=False, has_windows=False, has_active_lease=False, pending=0, awaiting_labels=0,
        labels_missing=0, pending_labels=0,
    )  # fmt: skip
    return replace(new, **changes)


def test_the_status_counts_windows_that_are_pending_and_those_that_await_labels(
    store: Store, job: Job, at: datetime, make_ingest: MakeIngest
) -> None:
    store.apply(replace(job, schema=replace(job.schema, id_column="id")), at)
    awaiting: dict[str, Any] = {"state": WindowState.AWAITING_LABELS, "labels_required": 50}
    changed: list[dict[str, Any]] = [
        {"state": WindowState.SKIPPED},
        {"state": WindowState.ACCEPTED},
        {**awaiting, "labelled": 20},
        {**awaiting, "labelled": 70},  # more than enough: they do not make up for another window's
        {**awaiting, "labelled": None},
    ]
    for number, changes in enumerate(changed, start=1):
        store.record_ingest(make_ingest(number, **changes))
    labels = PendingLabels(source="/data/l.csv", content="6" * 64, labels=7, at=at)
    joined = LabelJoinResult(
        label_updates=(), pending=(labels, replace(labels, labels=4)), pending_before=(), last_window=5
    )
    store.record_ingest(
        replace(make_ingest(6), windows=(), label_join=joined, file=replace(make_ingest(6).file, url="l"))
    )

    assert store.stream_statuses(at) == (
        make_status(
            has_id_column=True, has_windows=True, pending=1, awaiting_labels=3, labels_missing=80,
            pending_labels=11,
        ),
    )  # fmt: skip


def test_the_status_says_whether_a_worker_holds_a_window(
    store: Store, job: Job, at: datetime, make_ingest: MakeIngest
) -> None:
    store.apply(job, at)
    store.record_ingest(make_ingest())
    store.claim("digits", "ada", at, 60)
    moments = (at, at + MINUTE)

    assert [status.has_active_lease for now in moments for status in store.stream_statuses(now)] == [
        True,
        False,
    ]


def test_the_status_of_one_stream_names_its_aliases(
    store: Store, job: Job, at: datetime, promote: Callable[..., Version]
) -> None:
    promote()
    store.apply(replace(job, name="other"), at)
    stream = store.stream("digits")
    (status,) = store.stream_statuses(at, "digits")

    assert (status.champion, status.challenger) == (stream.champion, stream.challenger)
    with pytest.raises(NotFound, match=r"no stream 'nowhere' \(known streams: digits, other\)"):
        store.stream_statuses(at, "nowhere")


def test_the_status_names_the_champions_accuracy(
    store: Store, job: Job, at: datetime, promote: Callable[..., Version]
) -> None:
    promote()
    assert [status.accuracy for status in store.stream_statuses(at)] == [None]

    moved = AliasChange(
        stream="digits", alias=Alias.CHAMPION, before=None, after=2, actor="ada", reason="why not", at=at
    )
    version = promote(2, alias_changes=(moved,))
    (status,) = store.stream_statuses(at)
    assert (status.champion, status.accuracy) == (version.number, version.average_accuracy)


def test_the_status_has_the_newest_verdict(
    store: Store, job: Job, at: datetime, make_ingest: MakeIngest
) -> None:
    store.apply(job, at)
    store.apply(replace(job, name="other"), at)
    judged: dict[str, Any] = {"state": WindowState.SKIPPED, "verdict": Verdict.STABLE}
    rejected: dict[str, Any] = {"state": WindowState.REJECTED, "verdict": Verdict.DRIFT}
    for number, changes in enumerate((judged, rejected, {"state": WindowState.ACCEPTED}), start=1):
        store.record_ingest(make_ingest(number, **changes))

    assert [status.latest for status in store.stream_statuses(at)] == [
        LatestVerdict(window="w2", verdict=Verdict.DRIFT, state=WindowState.REJECTED),
        None,
    ]


def test_ticks_of_many_streams_are_claimed_once(store: Store, job: Job, at: datetime) -> None:
    for name in ("a", "b", "c"):
        store.apply(replace(job, name=name), at)
    store.claim_ticks({"b": at})

    assert store.claim_ticks({"c": at, "b": at, "a": at, "gone": at}) == {"a", "c"}
    assert store.claim_ticks({"a": at, "b": at, "c": at + MINUTE}) == {"c"}
    assert store.claim_ticks({}) == frozenset()
    assert [store.last_tick(name) for name in ("a", "b", "c", "gone")] == [at, at, at + MINUTE, None]


def test_more_ticks_than_one_statement_takes(url: str, job: Job, at: datetime) -> None:
    with open_db_store(url) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr("growlearn.adapters.db.streams._TICKS_A_STATEMENT", 2)
        names = {f"s{number}" for number in range(5)}
        for name in names:
            store.apply(replace(job, name=name), at)

        assert store.claim_ticks(dict.fromkeys(names, at)) == names
        assert store.claim_ticks(dict.fromkeys(names, at)) == frozenset()


def test_old_ticks_are_deleted_with_a_new_one(url: str, job: Job, at: datetime) -> None:
    with open_db_store(url) as store:
        store.apply(job, at)
        for days in (0, 6, 8):
            store.claim_ticks({"digits": at + timedelta(days=days)})
        with store._engine.connect() as connection:
            kept = connection.exec_driver_sql("SELECT count(*) FROM growlearn_ticks").scalar_one()

    assert kept == 2


# Statements -----------------------------------------------------------------------------------------


@contextmanager
def counted(store: DbStore) -> Iterator[list[str]]:
    """The statements that are sent meanwhile, but for the beginning of transactions."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(store._engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(store._engine, "before_cursor_execute", note)


def fail(*what: object) -> None:
    raise AssertionError(what)


@pytest.fixture(params=[1, 40])
def many(request: pytest.FixtureRequest, url: str, job: Job, at: datetime) -> Iterator[DbStore]:
    """A store of so many streams."""
    with open_db_store(url) as opened:
        for number in range(request.param):
            opened.apply(replace(job, name=f"s{number}", schedule=Schedule(every="5m")), at)
        yield opened


def test_the_status_of_all_streams_is_three_statements(many: DbStore, at: datetime) -> None:
    with counted(many) as statements:
        status_view(many, None, at)

    assert len(statements) == 3  # streams, their canaries, and the processes that serve them


def test_a_schedulers_look_is_one_statement_and_four_where_streams_are_due(
    many: DbStore, at: datetime
) -> None:
    dispatched: list[str] = []
    clock = ManualClock(at)
    scheduler = Scheduler(many, clock, dispatched.append, poll_s=60, on_error=fail)
    with counted(many) as statements:
        scheduler.sync()
    due = len(statements)
    with counted(many) as statements:
        scheduler.sync()

    assert (due, len(statements)) == (4, 1)
    assert dispatched == sorted(stream.name for stream in many.streams())


def test_a_workers_idle_look_is_one_statement(many: DbStore, at: datetime) -> None:
    started: list[str] = []
    clock = ManualClock(at)
    worker = Worker(many, clock, fail, Outages(clock, fail, fail), poll_s=60, parallel=1, retry_s=60)
    with counted(many) as statements:
        worker.start_due(started.append)

    assert (len(statements), started) == (1, [])


def test_no_look_over_all_streams_reads_their_whole_history(sqlite_url: str, at: datetime) -> None:
    """As SQLite plans it, every subquery searches an index, and only the streams are scanned."""
    with open_db_store(sqlite_url) as store:
        with counted(store) as statements:
            store.stream_statuses(at)
            store.stream_schedules()
            store.stream_work()
        with store._engine.connect() as connection:
            for statement in statements:
                parameters = tuple("x" for _ in range(statement.count("?")))
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                scans = [step.detail.split()[1] for step in plan if step.detail.startswith("SCAN")]
                assert scans == ["growlearn_streams"]
