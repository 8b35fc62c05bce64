"""A window moves from state to state only as the table allows, for the worker that holds its lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from growlearn.domain.errors import ConcurrentUpdate, IllegalTransition, LeaseLost
from growlearn.domain.lineage import BranchRecord, Task, Version
from growlearn.domain.stream import Message, MessageKind, Transition, WindowRecord
from growlearn.domain.window import TRANSITIONS, Verdict, WindowState
from growlearn.ports import Store
from tests.contract.store.examples import ADA

MakeTransition = Callable[..., Transition]
MINUTE = timedelta(seconds=60)

pytestmark = pytest.mark.usefixtures("two_windows")


def test_a_move_says_what_changed_and_leaves_the_rest(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    before = store.claim("digits", "ada", at, 60)
    assert before is not None
    judged = replace(
        before,
        state=WindowState.JUDGED,
        updated_at=at + MINUTE,
        verdict=Verdict.DRIFT,
        task="task-2",
        reason="moved",
    )

    outcome = {"verdict": Verdict.DRIFT, "task": "task-2", "reason": "moved"}
    assert store.advance(make_transition(at=at + MINUTE, **outcome)) == judged
    assert store.window("digits", "w1") == judged

    growing = replace(judged, state=WindowState.GROWING, updated_at=at)
    assert store.advance(make_transition(WindowState.JUDGED)) == growing


def test_an_empty_reason_is_said_and_none_is_not(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    store.claim("digits", "ada", at, 60)
    store.advance(make_transition(reason="first", task="t"))

    assert store.advance(make_transition(WindowState.JUDGED, reason="")).reason == ""


def test_only_moves_of_the_table_are_made(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    store.claim("digits", "ada", at, 60)

    for source, target in product(WindowState, WindowState):
        if target not in TRANSITIONS[source]:
            with pytest.raises(IllegalTransition, match=f"from {source} to {target}"):
                store.advance(make_transition(source, target=target))

    assert store.window("digits", "w1").state is WindowState.ACCEPTED


def test_a_window_that_has_moved_on_is_a_lost_race(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    store.claim("digits", "ada", at, 60)
    store.advance(make_transition())

    with pytest.raises(
        ConcurrentUpdate, match="w1 of stream 'digits' is judged and leased to 'ada'; it was to be accepted"
    ):
        store.advance(make_transition())


def test_a_window_nobody_leased_does_not_move(store: Store, make_transition: MakeTransition) -> None:
    with pytest.raises(ConcurrentUpdate, match="accepted and not leased"):
        store.advance(make_transition())


def test_a_window_taken_over_does_not_move_for_its_old_worker(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    store.claim("digits", "ada", at, 60)
    store.claim("digits", "bob", at + MINUTE, 60)

    with pytest.raises(ConcurrentUpdate, match="leased to 'bob'"):
        store.advance(make_transition())
    assert store.advance(make_transition(worker="bob", claim=2)).state is WindowState.JUDGED


def test_a_worker_of_the_same_name_that_was_thought_dead_can_write_nothing(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    """Two processes may be called alike: the claim tells them apart, not the name."""
    store.claim("digits", "ada", at, 60)
    store.claim("digits", "ada", at + MINUTE, 60)
    before = store.window("digits", "w1")

    assert not store.renew(ADA, at + MINUTE, 600)
    store.release(ADA)
    with pytest.raises(LeaseLost, match="by its claim 2, no longer 1"):
        store.advance(make_transition())
    with pytest.raises(LeaseLost):
        store.record_failure(ADA, "out of memory", at)

    assert store.window("digits", "w1") == before
    assert store.claim("digits", "bob", at + MINUTE, 60) is None  # the second claim still holds its lease
    assert store.advance(make_transition(claim=2)).state is WindowState.JUDGED


def test_a_lease_that_ran_out_but_was_not_taken_still_moves(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    store.claim("digits", "ada", at, 60)

    assert store.advance(make_transition(at=at + 10 * MINUTE)).state is WindowState.JUDGED


@pytest.mark.parametrize("gone", [{"window": "w9"}, {"window": "x"}, {"stream": "nowhere"}])
def test_a_window_that_is_gone_is_a_lost_race(
    store: Store, make_transition: MakeTransition, gone: dict[str, str]
) -> None:
    with pytest.raises(ConcurrentUpdate, match="is gone"):
        store.advance(make_transition(**gone))


def test_the_last_move_gives_the_lease_back(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    store.claim("digits", "ada", at, 60)
    store.advance(make_transition())
    store.advance(make_transition(WindowState.JUDGED, target=WindowState.SKIPPED))

    assert not store.renew(ADA, at, 60)
    claimed = store.claim("digits", "bob", at, 60)
    assert claimed is not None
    assert claimed.id == "w2"


def test_a_lost_race_writes_nothing_of_the_move(
    store: Store,
    at: datetime,
    make_transition: MakeTransition,
    version: Version,
    branch: BranchRecord,
    task: Task,
) -> None:
    store.claim("digits", "ada", at, 60)
    for source in (WindowState.ACCEPTED, WindowState.JUDGED, WindowState.GROWING):
        store.advance(make_transition(source))
    before = (store.stream("digits"), store.window("digits", "w1"))
    last = make_transition(
        WindowState.EVALUATED, version=version, branches=(branch,), new_task=task, parent_version=1,
        worker="bob", messages=(Message(stream="digits", kind=MessageKind.CYCLE, window="w1"),),
    )  # fmt: skip

    with pytest.raises(ConcurrentUpdate):
        store.advance(last)

    assert (store.stream("digits"), store.window("digits", "w1")) == before
    assert store.window_record("digits", "w1") == WindowRecord()
    assert (*store.versions("digits"), *store.branches("digits"), *store.tasks("digits")) == ()
    assert store.outbox.pending() == ()
