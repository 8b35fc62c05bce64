"""Two at once: one wins, many times over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import TypeVar

import pytest

from growlearn.adapters.db.store import open_db_store
from growlearn.domain.delayed_labels import LabelJoinResult, PendingLabels
from growlearn.domain.errors import ConcurrentUpdate
from growlearn.domain.job import Job
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, AliasChange, Message, MessageKind, Stream, Transition
from growlearn.domain.window import IngestResult, Window, WindowState
from growlearn.ports import Store

T = TypeVar("T")
MakeIngest = Callable[..., IngestResult]
HOUR = timedelta(hours=1)
ROUNDS = 25
NEWS = Message(stream="digits", kind=MessageKind.ALIASES)


def _at_once(*calls: Callable[[], T]) -> list[T]:
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _wins(call: Callable[[], object]) -> bool:
    try:
        return bool(call())
    except ConcurrentUpdate:
        return False


@pytest.fixture
def ready(store: Store, job: Job, at: datetime, make_ingest: MakeIngest) -> Store:
    store.apply(job, at)
    store.record_ingest(make_ingest(1))
    store.record_ingest(make_ingest(2))
    return store


def _claims(first: Store, second: Store, now: datetime) -> list[Window | None]:
    return _at_once(
        partial(first.claim, "digits", "ann", now, 60), partial(second.claim, "digits", "bob", now, 60)
    )


def test_one_worker_claims(ready: Store, at: datetime) -> None:
    for round_ in range(ROUNDS):
        ann, bob = _claims(ready, ready, at + round_ * HOUR)
        assert (ann is None) != (bob is None)
        claimed = ann or bob
        assert claimed is not None
        ready.release(claimed.claimed_by("ann" if bob is None else "bob"))


def test_two_stores_on_one_database_see_one_lease(
    url: str, job: Job, at: datetime, make_ingest: MakeIngest
) -> None:
    with open_db_store(url) as first, open_db_store(url) as second:
        first.apply(job, at)
        first.record_ingest(make_ingest(1))
        for round_ in range(ROUNDS):
            ann, bob = _claims(first, second, at + round_ * HOUR)
            assert (ann is None) != (bob is None)


def test_one_worker_takes_over_a_lease_that_ran_out(ready: Store, at: datetime) -> None:
    ready.claim("digits", "killed", at, 60)

    claims = _at_once(*(partial(ready.claim, "digits", worker, at + HOUR, 60) for worker in "abcd"))

    assert sum(window is not None for window in claims) == 1


def test_one_scheduler_claims_a_tick(ready: Store, at: datetime) -> None:
    for round_ in range(ROUNDS):
        due = at + round_ * HOUR
        claims = _at_once(*[partial(ready.claim_ticks, {"digits": due})] * 2)
        assert sorted(claims, key=len) == [frozenset(), {"digits"}]


def test_a_file_is_taken_in_by_one(ready: Store, make_ingest: MakeIngest) -> None:
    for number in range(3, 3 + ROUNDS):
        both = _at_once(*[partial(ready.record_ingest, make_ingest(number))] * 2)
        assert sorted(both) == [False, True]

    assert len(ready.windows("digits")) == 2 + ROUNDS


def test_a_window_number_is_given_once(ready: Store, make_ingest: MakeIngest) -> None:
    for number in range(3, 3 + ROUNDS):
        files = [
            replace(make_ingest(number), file=replace(make_ingest(number).file, url=url))
            for url in (f"x{number}", f"y{number}")
        ]
        wins = _at_once(*(partial(_wins, partial(ready.record_ingest, file)) for file in files))
        assert sorted(wins) == [False, True]


def test_a_window_moves_once(ready: Store, at: datetime, make_transition: Callable[..., Transition]) -> None:
    ready.claim("digits", "ada", at, 60)

    wins = _at_once(*[partial(_wins, partial(ready.advance, make_transition()))] * 4)

    assert sum(wins) == 1
    assert ready.window("digits", "w1").state is WindowState.JUDGED


def test_of_rows_and_labels_worked_out_from_the_same_past_one_is_written(
    ready: Store, make_ingest: MakeIngest
) -> None:
    """The other is worked out anew, and finds them."""
    for round_ in range(ROUNDS):
        last, early = ready.windows("digits")[-1].number, tuple(ready.pending_labels("digits"))
        joining = LabelJoinResult(last_window=last, pending_before=early, pending=early)
        rows = replace(make_ingest(last + 1), label_join=joining)
        one = PendingLabels(source="f", content=f"{round_:064}", labels=1, at=rows.at)
        labels = replace(
            rows, windows=(), file=replace(rows.file, url=f"labels {round_}"),
            label_join=replace(joining, pending=(*early, one)),
        )  # fmt: skip
        wins = _at_once(*(partial(_wins, partial(ready.record_ingest, file)) for file in (rows, labels)))
        assert sorted(wins) == [False, True]


def test_a_waiting_window_is_woken_by_one(
    ready: Store, at: datetime, make_transition: Callable[..., Transition]
) -> None:
    for round_ in range(ROUNDS):
        now = at + round_ * HOUR
        ready.claim("digits", "ada", now, 60)
        claim = ready.window("digits", "w1").claim
        ready.advance(make_transition(claim=claim))
        ready.advance(make_transition(WindowState.JUDGED, target=WindowState.AWAITING_LABELS, claim=claim))
        woken = _at_once(*[partial(ready.requeue, "digits", "w1", now)] * 3)
        assert sorted(woken) == [False, False, True]


def test_a_stream_applied_by_two_is_one_stream(store: Store, job: Job, at: datetime) -> None:
    for round_ in range(ROUNDS):
        _at_once(*[partial(store.apply, replace(job, name=f"s{round_}"), at)] * 2)

    assert len(store.streams()) == ROUNDS


def test_a_window_filled_at_the_moment_of_a_claim_is_not_worked_on_beside_a_later_one(
    store: Store, job: Job, at: datetime, make_ingest: MakeIngest
) -> None:
    def fill_and_claim(name: str, full: IngestResult) -> Window | None:
        store.record_ingest(full)
        return store.claim(name, "bob", at, 60)

    for round_ in range(ROUNDS):
        name = f"s{round_}"
        store.apply(replace(job, name=name), at)
        store.record_ingest(replace(make_ingest(1, stream=name, state=WindowState.OPEN), stream=name))
        store.record_ingest(replace(make_ingest(2, stream=name), stream=name))
        full = replace(make_ingest(3), stream=name, windows=make_ingest(1, stream=name).windows)

        claims = _at_once(partial(store.claim, name, "ann", at, 60), partial(fill_and_claim, name, full))

        assert sum(claim is not None for claim in claims) == 1


def test_of_two_promotions_at_one_moment_one_wins_and_the_history_is_a_chain(
    store: Store, promote: Callable[..., Version], at: datetime
) -> None:
    for number in (1, 2, 3):
        promote(number)
    store.change_aliases("digits", [_crown(None, 1, at)], 1, NEWS)
    for _ in range(ROUNDS):
        stream = store.stream("digits")
        others = [number for number in (1, 2, 3) if number != stream.champion]
        calls = [partial(_promote, store, stream, number, at) for number in others]
        assert sorted(_at_once(*(partial(_wins, call) for call in calls))) == [False, True]

    moves = store.alias_changes("digits")
    assert len(moves) == 1 + ROUNDS
    assert [move.before for move in moves] == [None, *(move.after for move in moves[:-1])]
    stream = store.stream("digits")
    assert (stream.champion, stream.parent_version) == (moves[-1].after, moves[-1].after)


def test_of_a_promotion_and_going_back_to_the_base_at_one_moment_one_wins(
    store: Store, promote: Callable[..., Version], at: datetime
) -> None:
    """Going back to the champion itself moves no alias, only the base."""
    promote(1)
    promote(2)
    promote(3)
    store.change_aliases("digits", [_crown(None, 1, at)], 1, NEWS)
    for _ in range(ROUNDS):
        store.change_aliases("digits", [], 2, NEWS)
        stream = store.stream("digits")
        target = 3 if stream.champion == 1 else 1
        calls = [partial(_promote, store, stream, target, at), partial(_decline, store, stream)]
        wins = _at_once(*(partial(_wins, call) for call in calls))
        assert sorted(wins) == [False, True]
        now = store.stream("digits")
        assert now.parent_version == now.champion


def _crown(before: int | None, after: int, at: datetime) -> AliasChange:
    return AliasChange(
        stream="digits",
        alias=Alias.CHAMPION,
        before=before,
        after=after,
        actor="ada",
        reason="why not",
        at=at,
    )


def _promote(store: Store, stream: Stream, number: int, at: datetime) -> bool:
    """Of a stream as it was found, as a person's command does."""
    moves = [_crown(stream.champion, number, at)]
    store.change_aliases("digits", moves, number, NEWS, parent_version_before=stream.parent_version)
    return True


def _decline(store: Store, stream: Stream) -> bool:
    """Go back to the champion itself."""
    store.change_aliases("digits", [], stream.champion, NEWS, parent_version_before=stream.parent_version)
    return True
