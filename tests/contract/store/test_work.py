from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import GrowLearnError, IllegalTransition, LostRace, UnknownName
from growlearn.domain.job import Job
from growlearn.domain.lineage import Branch, Task, Version
from growlearn.domain.stream import Message, MessageKind, Transition, WindowRecord
from growlearn.domain.window import PENDING, TRANSITIONS, IngestedFile, Verdict, Window, WindowState
from growlearn.ports import Store

Taken = Callable[..., IngestedFile]
Move = Callable[..., Transition]
MINUTE = timedelta(seconds=60)


@pytest.fixture(autouse=True)
def two_windows(store: Store, job: Job, at: datetime, taken: Taken) -> None:
    store.apply(job, at)
    store.record_ingest(taken(1))
    store.record_ingest(taken(2))


def _claimed(store: Store, worker: str, now: datetime) -> str | None:
    window = store.claim("digits", worker, now, 60)
    return None if window is None else window.id


# Claims -------------------------------------------------------------------------------------------


def test_the_oldest_pending_window_is_claimed(store: Store, at: datetime) -> None:
    assert store.claim("digits", "ada", at, 60) == store.window("digits", "w1")


def test_numbers_decide_what_is_oldest(store: Store, at: datetime, taken: Taken, move: Move) -> None:
    store.record_ingest(taken(10))
    for window in ("w1", "w2"):
        _claimed(store, "ada", at)
        store.advance(move(window=window))
        store.advance(move(WindowState.JUDGED, window=window, target=WindowState.SETTLED))

    assert _claimed(store, "ada", at) == "w10"


def test_a_window_that_makes_room_goes_before_those_that_wait(
    store: Store, at: datetime, full: Window, consolidation: ConsolidationPlan, move: Move
) -> None:
    assert store.open_window(full, consolidation)
    assert store.window("digits", "w3") == full
    assert store.count_pending("digits") == 3
    assert store.claim("digits", "ada", at, 60) == full
    assert _claimed(store, "bob", at) is None
    store.advance(move(WindowState.GROWING, window="w3", target=WindowState.REJECTED))
    assert _claimed(store, "ada", at) == "w1"


def test_a_window_is_not_opened_over_another(
    store: Store, full: Window, consolidation: ConsolidationPlan, taken: Taken
) -> None:
    store.record_ingest(taken(3))
    taken_in = store.window("digits", "w3")
    assert not store.open_window(full, consolidation)
    assert store.window("digits", "w3") == taken_in
    assert store.record("digits", "w3") == WindowRecord()
    with pytest.raises(UnknownName):
        store.open_window(replace(full, stream="letters"), consolidation)


def test_one_window_of_a_stream_at_a_time(store: Store, at: datetime) -> None:
    assert _claimed(store, "ada", at) == "w1"
    assert _claimed(store, "bob", at) is None
    assert _claimed(store, "bob", at + MINUTE - timedelta(microseconds=1)) is None


def test_a_lease_runs_out_to_the_microsecond(store: Store, at: datetime) -> None:
    _claimed(store, "ada", at)

    assert _claimed(store, "bob", at + MINUTE) == "w1"
    assert _claimed(store, "ada", at + MINUTE) is None


def test_the_same_worker_may_claim_again(store: Store, at: datetime) -> None:
    _claimed(store, "ada", at)

    assert _claimed(store, "ada", at + MINUTE / 2) == "w1"
    assert _claimed(store, "bob", at + MINUTE) is None  # the second claim lengthened the lease


def test_a_window_left_anywhere_is_taken_up_where_it_stood(store: Store, at: datetime, move: Move) -> None:
    _claimed(store, "ada", at)
    store.advance(move())
    store.advance(move(WindowState.JUDGED))

    taken_up = store.claim("digits", "bob", at + MINUTE, 60)

    assert taken_up is not None
    assert taken_up.state is WindowState.GROWING


def test_a_lease_on_a_later_window_holds_up_an_earlier_one(
    store: Store, at: datetime, job: Job, taken: Taken
) -> None:
    store.delete("digits")
    store.apply(job, at)
    store.record_ingest(taken(1, state=WindowState.DISCOVERED))
    store.record_ingest(taken(2))
    assert _claimed(store, "ada", at) == "w2"

    store.record_ingest(replace(taken(3), windows=taken(1).windows))

    assert _claimed(store, "bob", at) is None
    assert _claimed(store, "bob", at + MINUTE) == "w1"


def test_a_window_that_is_begun_goes_before_an_earlier_one_that_was_woken(
    store: Store, at: datetime, taken: Taken, move: Move
) -> None:
    store.record_ingest(taken(2))
    assert _claimed(store, "ada", at) == "w1"
    store.advance(move())
    store.advance(move(WindowState.JUDGED, target=WindowState.WAITING))
    for source in (WindowState.ACCEPTED, WindowState.JUDGED):
        assert _claimed(store, "ada", at) == "w2"
        store.advance(move(source, window="w2"))

    assert store.wake("digits", "w1", at)

    assert _claimed(store, "bob", at + MINUTE) == "w2"
    store.advance(move(WindowState.GROWING, window="w2", worker="bob", target=WindowState.REJECTED))
    assert _claimed(store, "bob", at + MINUTE) == "w1"


def test_only_pending_windows_are_claimed(store: Store, at: datetime, job: Job, taken: Taken) -> None:
    store.apply(replace(job, name="other"), at)
    for number, state in enumerate(set(WindowState) - set(PENDING), start=1):
        store.record_ingest(replace(taken(number, state=state, stream="other"), stream="other"))

    assert store.claim("other", "ada", at, 60) is None


def test_streams_are_claimed_apart(store: Store, at: datetime, job: Job, taken: Taken) -> None:
    store.apply(replace(job, name="other"), at)
    store.record_ingest(replace(taken(1, stream="other"), stream="other"))
    _claimed(store, "ada", at)

    assert store.claim("other", "bob", at, 60) is not None


def test_an_unknown_stream_has_nothing_to_claim(store: Store, at: datetime) -> None:
    assert store.claim("nowhere", "ada", at, 60) is None


def test_a_claim_leaves_the_window_as_it_is(store: Store, at: datetime) -> None:
    before = store.window("digits", "w1")

    store.claim("digits", "ada", at + MINUTE, 60)

    assert store.window("digits", "w1") == before


def test_a_claim_needs_an_aware_time(store: Store, at: datetime) -> None:
    with pytest.raises(GrowLearnError, match="has no zone"):
        store.claim("digits", "ada", at.replace(tzinfo=None), 60)


# Leases -------------------------------------------------------------------------------------------


def test_a_renewed_lease_holds_longer(store: Store, at: datetime) -> None:
    _claimed(store, "ada", at)

    assert store.renew("digits", "w1", "ada", at + MINUTE / 2, 60)
    assert _claimed(store, "bob", at + MINUTE) is None


def test_a_lease_that_ran_out_may_be_renewed_until_another_takes_it(store: Store, at: datetime) -> None:
    _claimed(store, "ada", at)
    assert store.renew("digits", "w1", "ada", at + 2 * MINUTE, 60)

    assert _claimed(store, "bob", at + 3 * MINUTE) == "w1"
    assert not store.renew("digits", "w1", "ada", at + 3 * MINUTE, 60)


@pytest.mark.parametrize(
    ("stream", "window", "worker"),
    [
        ("digits", "w2", "ada"),
        ("digits", "w1", "bob"),
        ("digits", "nonsense", "ada"),
        ("nowhere", "w1", "ada"),
    ],
)
def test_nobody_renews_or_releases_what_they_do_not_hold(
    store: Store, at: datetime, stream: str, window: str, worker: str
) -> None:
    _claimed(store, "ada", at)

    assert not store.renew(stream, window, worker, at, 600)
    store.release(stream, window, worker)

    assert _claimed(store, "bob", at) is None
    assert _claimed(store, "bob", at + MINUTE) == "w1"


def test_a_released_window_is_free_at_once(store: Store, at: datetime) -> None:
    _claimed(store, "ada", at)

    store.release("digits", "w1", "ada")

    assert not store.renew("digits", "w1", "ada", at, 60)
    assert _claimed(store, "bob", at) == "w1"


# Moves --------------------------------------------------------------------------------------------


def test_a_move_says_what_changed_and_leaves_the_rest(store: Store, at: datetime, move: Move) -> None:
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

    told = {"verdict": Verdict.DRIFT, "task": "task-2", "reason": "moved"}
    assert store.advance(move(at=at + MINUTE, **told)) == judged
    assert store.window("digits", "w1") == judged

    growing = replace(judged, state=WindowState.GROWING, updated_at=at)
    assert store.advance(move(WindowState.JUDGED)) == growing


def test_an_empty_reason_is_said_and_none_is_not(store: Store, at: datetime, move: Move) -> None:
    _claimed(store, "ada", at)
    store.advance(move(reason="first", task="t"))

    assert store.advance(move(WindowState.JUDGED, reason="")).reason == ""


def test_only_moves_of_the_table_are_made(store: Store, at: datetime, move: Move) -> None:
    _claimed(store, "ada", at)

    for source, target in product(WindowState, WindowState):
        if target not in TRANSITIONS[source]:
            with pytest.raises(IllegalTransition, match=f"from {source} to {target}"):
                store.advance(move(source, target=target))

    assert store.window("digits", "w1").state is WindowState.ACCEPTED


def test_a_window_that_has_moved_on_is_a_lost_race(store: Store, at: datetime, move: Move) -> None:
    _claimed(store, "ada", at)
    store.advance(move())

    with pytest.raises(
        LostRace, match="w1 of stream 'digits' is judged and leased to 'ada'; it was to be accepted"
    ):
        store.advance(move())


def test_a_window_nobody_leased_does_not_move(store: Store, move: Move) -> None:
    with pytest.raises(LostRace, match="accepted and not leased"):
        store.advance(move())


def test_a_window_taken_over_does_not_move_for_its_old_worker(store: Store, at: datetime, move: Move) -> None:
    _claimed(store, "ada", at)
    _claimed(store, "bob", at + MINUTE)

    with pytest.raises(LostRace, match="leased to 'bob'"):
        store.advance(move())
    assert store.advance(move(worker="bob")).state is WindowState.JUDGED


def test_a_lease_that_ran_out_but_was_not_taken_still_moves(store: Store, at: datetime, move: Move) -> None:
    _claimed(store, "ada", at)

    assert store.advance(move(at=at + 10 * MINUTE)).state is WindowState.JUDGED


@pytest.mark.parametrize("gone", [{"window": "w9"}, {"window": "x"}, {"stream": "nowhere"}])
def test_a_window_that_is_gone_is_a_lost_race(store: Store, move: Move, gone: dict[str, str]) -> None:
    with pytest.raises(LostRace, match="is gone"):
        store.advance(move(**gone))


def test_the_last_move_gives_the_lease_back(store: Store, at: datetime, move: Move) -> None:
    _claimed(store, "ada", at)
    store.advance(move())
    store.advance(move(WindowState.JUDGED, target=WindowState.SETTLED))

    assert not store.renew("digits", "w1", "ada", at, 60)
    assert _claimed(store, "bob", at) == "w2"


def test_a_lost_race_writes_nothing_of_the_move(
    store: Store, at: datetime, move: Move, version: Version, branch: Branch, task: Task
) -> None:
    _claimed(store, "ada", at)
    for source in (WindowState.ACCEPTED, WindowState.JUDGED, WindowState.GROWING):
        store.advance(move(source))
    before = (store.stream("digits"), store.window("digits", "w1"))
    told = move(
        WindowState.EVALUATED, version=version, branches=(branch,), opened=task, base=1, worker="bob",
        messages=(Message(stream="digits", kind=MessageKind.CYCLE, window="w1"),),
    )  # fmt: skip

    with pytest.raises(LostRace):
        store.advance(told)

    assert (store.stream("digits"), store.window("digits", "w1")) == before
    assert store.record("digits", "w1") == WindowRecord()
    assert (*store.versions("digits"), *store.branches("digits"), *store.tasks("digits")) == ()
    assert store.pending_messages() == ()


# Failures and what is pending ---------------------------------------------------------------------


def test_failures_are_counted_for_the_worker_that_leads_and_their_reason_is_kept(
    store: Store, at: datetime, move: Move
) -> None:
    _claimed(store, "ada", at)
    assert [store.failed("digits", "w1", "ada", f"out of memory {n}", at + MINUTE) for n in (1, 2)] == [1, 2]
    window = store.window("digits", "w1")
    assert (window.reason, window.updated_at, window.state) == (
        "out of memory 2",
        at + MINUTE,
        WindowState.ACCEPTED,
    )
    store.advance(move(window="w1"))
    assert store.failed("digits", "w1", "ada", "again", at) == 3


@pytest.mark.parametrize(("window", "worker"), [("w1", "bob"), ("w2", "ada"), ("w9", "ada")])
def test_a_failure_of_a_window_another_leads_is_not_counted(
    store: Store, at: datetime, window: str, worker: str
) -> None:
    _claimed(store, "ada", at)
    with pytest.raises(LostRace, match=f"{window} of stream 'digits' is not leased to '{worker}'"):
        store.failed("digits", window, worker, "r", at)


def test_pending_windows_are_counted(store: Store, at: datetime, move: Move) -> None:
    assert store.count_pending("digits") == 2
    _claimed(store, "ada", at)
    store.advance(move(window="w1"))
    assert store.count_pending("digits") == 2
    store.advance(move(WindowState.JUDGED, window="w1", target=WindowState.SETTLED))
    assert store.count_pending("digits") == 1
    assert store.count_pending("nowhere") == 0


def test_a_stream_is_led_while_a_lease_runs(store: Store, at: datetime) -> None:
    assert not store.is_led("digits", at)
    _claimed(store, "ada", at)
    assert store.is_led("digits", at + MINUTE - timedelta(microseconds=1))
    assert not store.is_led("digits", at + MINUTE)
    store.release("digits", "w1", "ada")
    assert not store.is_led("digits", at)
    assert not store.is_led("nowhere", at)
