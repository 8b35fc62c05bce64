from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from growlearn.domain.errors import GrowLearnError, NotFound
from growlearn.domain.job import HoldoutFraction, Job
from growlearn.domain.lineage import Version
from growlearn.domain.sql_source import SqlQuery, SqlSourceConfig
from growlearn.domain.stream import Stream
from growlearn.domain.window import IngestResult
from growlearn.ports import Store

LATER = timedelta(hours=1)


def test_a_stream_comes_back_as_it_was_applied(store: Store, job: Job, at: datetime) -> None:
    expected = Stream(job=job, created_at=at)

    assert store.apply(job, at) == expected
    assert store.stream("digits") == expected


def test_a_stream_of_a_query_comes_back(store: Store, job: Job, at: datetime) -> None:
    query = SqlQuery(connection="warehouse", query="SELECT * FROM orders", key="id", lag="5m")
    of_query = replace(job, source=SqlSourceConfig(sql=query))
    store.apply(of_query, at)
    assert store.stream("digits").job == of_query


def test_the_order_of_inputs_survives(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)

    assert list(store.stream("digits").job.schema.inputs) == ["z", "image", "a"]


def test_applying_again_changes_the_job_and_nothing_else(
    store: Store, job: Job, at: datetime, promote: Callable[..., Version]
) -> None:
    promote()
    before = store.stream("digits")
    changed = replace(job, holdout=HoldoutFraction(fraction=0.5), retain="all")

    assert store.apply(changed, at + LATER) == replace(before, job=changed)
    assert len(store.windows("digits")) == 1


def test_streams_are_listed_by_name(store: Store, job: Job, at: datetime) -> None:
    for name in ("b", "c", "a"):
        store.apply(replace(job, name=name), at)

    assert [stream.name for stream in store.streams()] == ["a", "b", "c"]


def test_no_streams_at_first(store: Store) -> None:
    assert store.streams() == ()


@pytest.mark.parametrize("ask", ["stream", "delete"])
def test_an_unknown_stream_is_named_with_those_there_are(
    store: Store, job: Job, at: datetime, ask: str
) -> None:
    store.apply(replace(job, name="b"), at)
    store.apply(replace(job, name="a"), at)

    with pytest.raises(NotFound, match=r"'digit' \(known streams: a, b\)"):
        getattr(store, ask)("digit")


def test_an_unknown_stream_where_there_are_none(store: Store) -> None:
    with pytest.raises(NotFound, match="known streams: none"):
        store.stream("digits")


def test_deleting_forgets_every_row_and_leaves_other_streams(
    store: Store,
    job: Job,
    at: datetime,
    promote: Callable[..., Version],
    make_ingest: Callable[..., IngestResult],
) -> None:
    other = replace(job, name="other")
    store.apply(other, at)
    store.record_ingest(replace(make_ingest(1, stream="other"), stream="other"))
    store.claim_ticks({"other": at})
    promote()
    store.claim_ticks({"digits": at})

    store.delete("digits")

    listings = (store.windows, store.branches, store.tasks, store.versions, store.alias_changes)
    assert [tuple(listing("digits")) for listing in listings] == [()] * 5
    assert store.ingested_files("digits") == ()
    assert store.outbox.pending() == ()
    assert store.last_tick("digits") is None
    assert [stream.name for stream in store.streams()] == ["other"]
    assert len(store.windows("other")) == 1
    assert store.last_tick("other") == at


def test_a_deleted_stream_may_be_applied_afresh(
    store: Store, job: Job, at: datetime, promote: Callable[..., Version]
) -> None:
    promote()
    store.delete("digits")

    assert store.apply(job, at + LATER) == Stream(job=job, created_at=at + LATER)
    assert store.windows("digits") == ()


def test_times_come_back_in_utc_whatever_zone_they_were_given_in(
    store: Store, job: Job, at: datetime
) -> None:
    india = at.astimezone(timezone(timedelta(hours=5, minutes=30)))

    store.apply(job, india)

    kept = store.stream("digits").created_at
    assert kept == at
    assert kept.utcoffset() is not None


def test_a_time_without_zone_is_refused(store: Store, job: Job, at: datetime) -> None:
    with pytest.raises(GrowLearnError, match="has no zone"):
        store.apply(job, at.replace(tzinfo=None))

    assert store.streams() == ()


def test_a_tick_is_claimed_once(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)
    store.apply(replace(job, name="other"), at)

    assert store.claim_ticks({"digits": at}) == {"digits"}
    assert store.claim_ticks({"digits": at}) == frozenset()
    assert store.claim_ticks({"digits": at}) == frozenset()
    assert store.claim_ticks({"other": at}) == {"other"}


def test_the_same_moment_in_another_zone_is_the_same_tick(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)
    store.claim_ticks({"digits": at})

    assert store.claim_ticks({"digits": at.astimezone(timezone(LATER))}) == frozenset()


def test_the_last_tick_is_the_latest_due_not_the_latest_claimed(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)
    assert store.last_tick("digits") is None

    store.claim_ticks({"digits": at + LATER})
    store.claim_ticks({"digits": at})

    assert store.last_tick("digits") == at + LATER


def test_no_tick_of_an_unknown_stream_is_claimed(store: Store, at: datetime) -> None:
    assert store.claim_ticks({"digits": at}) == frozenset()
    assert store.last_tick("digits") is None


def test_a_stream_is_paused_and_resumed_once_by_somebody(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)

    assert store.set_paused("digits", True, at, "ada")
    assert not store.set_paused("digits", True, at, "bob")
    assert store.stream("digits").paused_at == store.streams()[0].paused_at == at
    assert store.set_paused("digits", False, at, "eve")
    assert not store.set_paused("digits", False, at, "bob")
    assert store.stream("digits").paused_at is None
    entries = [(entry.kind.value, entry.actor) for entry in store.decision_log("digits")[1:]]
    assert entries == [("paused", "ada"), ("resumed", "eve")]
    with pytest.raises(NotFound):
        store.set_paused("letters", True, at, "ada")
