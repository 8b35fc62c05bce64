from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.errors import ConcurrentUpdate, GrowLearnError, NotFound
from growlearn.domain.growth import Progress
from growlearn.domain.job import Job
from growlearn.domain.stream import Transition, WindowRecord
from growlearn.domain.window import PENDING, IngestResult, Window, WindowState
from growlearn.domain.window_progress import WindowProgress
from growlearn.ports import Store
from tests.contract.store.examples import ADA

MakeIngest = Callable[..., IngestResult]
MakeTransition = Callable[..., Transition]
MINUTE = timedelta(seconds=60)

pytestmark = pytest.mark.usefixtures("two_windows")


def _claimed(store: Store, worker: str, now: datetime) -> str | None:
    window = store.claim("digits", worker, now, 60)
    return None if window is None else window.id


# Claims -------------------------------------------------------------------------------------------


def test_the_oldest_pending_window_is_claimed(store: Store, at: datetime) -> None:
    assert store.claim("digits", "ada", at, 60) == store.window("digits", "w1")


def test_no_more_windows_are_leased_than_are_allowed(
    store: Store, job: Job, at: datetime, make_ingest: MakeIngest
) -> None:
    names = [f"other-{number}" for number in range(4)]
    for name in names:
        store.apply(replace(job, name=name), at)
        ingested = make_ingest(1)
        windows = tuple(replace(window, stream=name) for window in ingested.windows)
        store.record_ingest(replace(ingested, stream=name, windows=windows))

    with ThreadPoolExecutor(8) as pool:
        claims = pool.map(lambda name: store.claim(name, f"worker of {name}", at, 60, 2), names * 4)
    leased = {window.stream for window in claims if window is not None}
    assert len(leased) == 2
    assert store.claim("digits", "ada", at, 60, 2) is None
    for name in leased:  # their own lease stands in nobody's way
        assert store.claim(name, f"worker of {name}", at, 60, 2) is not None
    assert store.claim("digits", "ada", at, 60, 3) is not None
    assert store.claim("digits", "ada", at + MINUTE, 60, 1) is not None  # those of the others have run out


def test_numbers_decide_what_is_oldest(
    store: Store, at: datetime, make_ingest: MakeIngest, make_transition: MakeTransition
) -> None:
    store.record_ingest(make_ingest(10))
    for window in ("w1", "w2"):
        _claimed(store, "ada", at)
        store.advance(make_transition(window=window))
        store.advance(make_transition(WindowState.JUDGED, window=window, target=WindowState.SKIPPED))

    assert _claimed(store, "ada", at) == "w10"


def test_a_window_that_makes_room_goes_before_those_that_wait(
    store: Store,
    at: datetime,
    full: Window,
    consolidation: ConsolidationPlan,
    make_transition: MakeTransition,
) -> None:
    assert store.open_window(full, consolidation)
    assert store.window("digits", "w3") == full
    assert store.count_pending("digits") == 3
    assert store.claim("digits", "ada", at, 60) == replace(full, claim=1)
    assert _claimed(store, "bob", at) is None
    store.advance(make_transition(WindowState.GROWING, window="w3", target=WindowState.REJECTED))
    assert _claimed(store, "ada", at) == "w1"


def test_a_window_is_not_opened_over_another(
    store: Store, full: Window, consolidation: ConsolidationPlan, make_ingest: MakeIngest
) -> None:
    store.record_ingest(make_ingest(3))
    taken_in = store.window("digits", "w3")
    assert not store.open_window(full, consolidation)
    assert store.window("digits", "w3") == taken_in
    assert store.window_record("digits", "w3") == WindowRecord()
    with pytest.raises(NotFound):
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


def test_a_window_left_anywhere_is_taken_up_where_it_stood(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    _claimed(store, "ada", at)
    store.advance(make_transition())
    store.advance(make_transition(WindowState.JUDGED))

    taken_up = store.claim("digits", "bob", at + MINUTE, 60)

    assert taken_up is not None
    assert taken_up.state is WindowState.GROWING


def test_a_lease_on_a_later_window_holds_up_an_earlier_one(
    store: Store, at: datetime, job: Job, make_ingest: MakeIngest
) -> None:
    store.delete("digits")
    store.apply(job, at)
    store.record_ingest(make_ingest(1, state=WindowState.OPEN))
    store.record_ingest(make_ingest(2))
    assert _claimed(store, "ada", at) == "w2"

    store.record_ingest(replace(make_ingest(3), windows=make_ingest(1).windows))

    assert _claimed(store, "bob", at) is None
    assert _claimed(store, "bob", at + MINUTE) == "w1"


def test_a_window_that_is_begun_goes_before_an_earlier_one_that_was_woken(
    store: Store, at: datetime, make_ingest: MakeIngest, make_transition: MakeTransition
) -> None:
    store.record_ingest(make_ingest(2))
    assert _claimed(store, "ada", at) == "w1"
    store.advance(make_transition())
    store.advance(make_transition(WindowState.JUDGED, target=WindowState.AWAITING_LABELS))
    for claim, source in enumerate((WindowState.ACCEPTED, WindowState.JUDGED), start=1):
        assert _claimed(store, "ada", at) == "w2"
        store.advance(make_transition(source, window="w2", claim=claim))

    assert store.requeue("digits", "w1", at)

    assert _claimed(store, "bob", at + MINUTE) == "w2"
    store.advance(
        make_transition(WindowState.GROWING, window="w2", worker="bob", claim=3, target=WindowState.REJECTED)
    )
    assert _claimed(store, "bob", at + MINUTE) == "w1"


def test_only_pending_windows_are_claimed(
    store: Store, at: datetime, job: Job, make_ingest: MakeIngest
) -> None:
    store.apply(replace(job, name="other"), at)
    for number, state in enumerate(set(WindowState) - set(PENDING), start=1):
        store.record_ingest(replace(make_ingest(number, state=state, stream="other"), stream="other"))

    assert store.claim("other", "ada", at, 60) is None


def test_streams_are_claimed_apart(store: Store, at: datetime, job: Job, make_ingest: MakeIngest) -> None:
    store.apply(replace(job, name="other"), at)
    store.record_ingest(replace(make_ingest(1, stream="other"), stream="other"))
    _claimed(store, "ada", at)

    assert store.claim("other", "bob", at, 60) is not None


def test_an_unknown_stream_has_nothing_to_claim(store: Store, at: datetime) -> None:
    assert store.claim("nowhere", "ada", at, 60) is None


def test_a_claim_leaves_the_window_as_it_is_and_counts_itself(store: Store, at: datetime) -> None:
    before = store.window("digits", "w1")

    for number in (1, 2, 3):
        claimed = store.claim("digits", "ada", at + number * MINUTE, 60)
        assert claimed == store.window("digits", "w1") == replace(before, claim=number)


def test_a_claim_needs_an_aware_time(store: Store, at: datetime) -> None:
    with pytest.raises(GrowLearnError, match="has no zone"):
        store.claim("digits", "ada", at.replace(tzinfo=None), 60)


# Leases -------------------------------------------------------------------------------------------


def test_a_renewed_lease_holds_longer(store: Store, at: datetime) -> None:
    _claimed(store, "ada", at)

    assert store.renew(ADA, at + MINUTE / 2, 60)
    assert _claimed(store, "bob", at + MINUTE) is None


def test_a_lease_that_ran_out_may_be_renewed_until_another_takes_it(store: Store, at: datetime) -> None:
    _claimed(store, "ada", at)
    assert store.renew(ADA, at + 2 * MINUTE, 60)

    assert _claimed(store, "bob", at + 3 * MINUTE) == "w1"
    assert not store.renew(ADA, at + 3 * MINUTE, 60)


@pytest.mark.parametrize(
    "change",
    [
        {"window": "w2"},
        {"worker": "bob"},
        {"window": "nonsense"},
        {"stream": "nowhere"},
        {"number": 0},
        {"number": 2},
    ],
)
def test_nobody_renews_or_releases_what_they_do_not_hold(
    store: Store, at: datetime, change: dict[str, Any]
) -> None:
    claim = replace(ADA, **change)
    _claimed(store, "ada", at)

    assert not store.renew(claim, at, 600)
    store.release(claim)

    assert _claimed(store, "bob", at) is None
    assert _claimed(store, "bob", at + MINUTE) == "w1"


def test_a_released_window_is_free_at_once(store: Store, at: datetime) -> None:
    _claimed(store, "ada", at)

    store.release(ADA)

    assert not store.renew(ADA, at, 60)
    assert _claimed(store, "bob", at) == "w1"


# Failures and what is pending ---------------------------------------------------------------------


def test_failures_are_counted_for_the_worker_that_leads_and_their_reason_is_kept(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    _claimed(store, "ada", at)
    assert [store.record_failure(ADA, f"out of memory {n}", at + MINUTE) for n in (1, 2)] == [1, 2]
    window = store.window("digits", "w1")
    assert (window.reason, window.updated_at, window.state) == (
        "out of memory 2",
        at + MINUTE,
        WindowState.ACCEPTED,
    )
    store.advance(make_transition(window="w1"))
    assert store.record_failure(ADA, "out of memory", at) == 1  # of the next step


@pytest.mark.parametrize(("window", "worker"), [("w1", "bob"), ("w2", "ada"), ("w9", "ada")])
def test_a_failure_of_a_window_another_leads_is_not_counted(
    store: Store, at: datetime, window: str, worker: str
) -> None:
    _claimed(store, "ada", at)
    with pytest.raises(ConcurrentUpdate, match=f"{window} of stream 'digits' is not leased to '{worker}'"):
        store.record_failure(replace(ADA, window=window, worker=worker), "r", at)


def test_pending_windows_are_counted(store: Store, at: datetime, make_transition: MakeTransition) -> None:
    assert store.count_pending("digits") == 2
    _claimed(store, "ada", at)
    store.advance(make_transition(window="w1"))
    assert store.count_pending("digits") == 2
    store.advance(make_transition(WindowState.JUDGED, window="w1", target=WindowState.SKIPPED))
    assert store.count_pending("digits") == 1
    assert store.count_pending("nowhere") == 0


def test_a_stream_is_led_while_a_lease_runs(store: Store, at: datetime) -> None:
    assert not store.has_active_lease("digits", at)
    _claimed(store, "ada", at)
    assert store.has_active_lease("digits", at + MINUTE - timedelta(microseconds=1))
    assert not store.has_active_lease("digits", at + MINUTE)
    store.release(ADA)
    assert not store.has_active_lease("digits", at)
    assert not store.has_active_lease("nowhere", at)


# Progress -----------------------------------------------------------------------------------------


def test_windows_in_progress_are_those_under_a_lease(
    store: Store, at: datetime, job: Job, make_ingest: MakeIngest, make_transition: MakeTransition
) -> None:
    store.apply(replace(job, name="another"), at)
    store.record_ingest(replace(make_ingest(1, stream="another"), stream="another"))
    assert store.windows_in_progress(at) == ()

    _claimed(store, "ada", at)
    store.advance(make_transition())
    store.claim("another", "bob", at, 30)

    state, since = store.window("digits", "w1").state, store.window("digits", "w1").updated_at
    in_progress = WindowProgress(
        stream="digits", window="w1", state=state, since=since, worker="ada", progress=None
    )
    other = store.window("another", "w1")
    assert store.windows_in_progress(at) == (
        replace(in_progress, stream="another", state=other.state, since=other.updated_at, worker="bob"),
        in_progress,
    )
    assert store.windows_in_progress(at + MINUTE / 2) == (in_progress,)
    store.release(ADA)
    assert store.windows_in_progress(at + MINUTE / 2) == ()


def test_progress_is_of_the_step_that_goes_on(
    store: Store, at: datetime, make_transition: MakeTransition
) -> None:
    def progress() -> Progress | None:
        (found,) = store.windows_in_progress(at)
        return found.progress

    epoch = Progress(stage="training, model 1 of 2", done=1, total=6, note="loss 0.31, 1 µs")
    _claimed(store, "ada", at)
    assert store.renew(ADA, at, 60, epoch)
    assert progress() == epoch
    assert store.renew(ADA, at, 60)  # nothing new
    assert progress() == epoch
    assert store.renew(ADA, at, 60, replace(epoch, done=2, note=""))
    assert progress() == replace(epoch, done=2, note="")
    assert not store.renew(replace(ADA, number=2), at, 60, epoch)
    assert progress() == replace(epoch, done=2, note="")

    store.advance(make_transition())
    assert progress() is None
    assert store.renew(ADA, at, 60, epoch)
    _claimed(store, "ada", at)
    assert progress() is None
