"""Labels joined to windows by key, and windows that wait for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from growlearn.domain.delayed_labels import LabelJoinRecord, LabelJoinResult, LabelUpdate, PendingLabels
from growlearn.domain.errors import ConcurrentUpdate
from growlearn.domain.job import Job
from growlearn.domain.stream import Transition
from growlearn.domain.window import IngestResult, WindowState
from growlearn.ports import Store

MakeIngest = Callable[..., IngestResult]
BEFORE, AFTER = "5" * 64, "6" * 64


@pytest.fixture(autouse=True)
def stream(store: Store, job: Job, at: datetime, make_ingest: MakeIngest) -> None:
    store.apply(job, at)
    store.record_ingest(make_ingest(1, labelled=1))
    store.record_ingest(make_ingest(2))


@pytest.fixture
def waiting(at: datetime) -> PendingLabels:
    return PendingLabels(source="/data/é.csv", content="7" * 64, labels=3, at=at)


@pytest.fixture
def labels(make_ingest: MakeIngest, at: datetime) -> Callable[..., IngestResult]:
    """A label file that joined labels to w1; keywords change the joining."""

    def make(number: int = 9, **changes: object) -> IngestResult:
        joined = LabelUpdate(window="w1", before=BEFORE, after=AFTER, labels=30, labelled=31)
        joining = replace(LabelJoinResult(last_window=2, label_updates=(joined,)), **changes)  # type: ignore[arg-type]
        later = at + timedelta(hours=number)
        return replace(make_ingest(number), windows=(), label_join=joining, at=later)

    return make


def wait(store: Store, at: datetime, make_transition: Callable[..., Transition]) -> None:
    """Bring w1 to waiting."""
    assert store.claim("digits", "ada", at, 60)
    store.advance(make_transition())
    store.advance(
        make_transition(
            WindowState.JUDGED, target=WindowState.AWAITING_LABELS, labels_required=59, judged_by_version=7
        )
    )


def test_a_window_gets_its_new_snapshot_and_nothing_else_of_it_changes(
    store: Store, at: datetime, labels: MakeIngest
) -> None:
    before = store.window("digits", "w1")
    assert store.record_ingest(labels())
    later = at + timedelta(hours=9)
    assert store.window("digits", "w1") == replace(before, snapshot=AFTER, labelled=31)
    assert store.label_joins("digits") == (
        LabelJoinRecord(window="w1", source="/data/9.parquet", labels=30, at=later),
    )
    assert store.ingested_files("digits")[-1].windows == ()


def test_a_label_file_is_taken_in_once(store: Store, labels: MakeIngest) -> None:
    assert store.record_ingest(labels())
    assert not store.record_ingest(labels())
    assert len(store.label_joins("digits")) == 1


def test_labels_are_joined_whatever_a_worker_does_with_the_window(
    store: Store, at: datetime, labels: MakeIngest, make_transition: Callable[..., Transition]
) -> None:
    store.claim("digits", "ada", at, 60)
    store.record_ingest(labels())
    judged = store.advance(make_transition())
    assert (judged.state, judged.snapshot, judged.labelled) == (WindowState.JUDGED, AFTER, 31)


def test_early_labels_are_kept_in_order_and_replaced(
    store: Store, labels: MakeIngest, waiting: PendingLabels
) -> None:
    both = (waiting, replace(waiting, source="/data/a.csv", at=waiting.at + timedelta(seconds=1)))
    store.record_ingest(labels(8, pending=both, label_updates=()))
    assert store.pending_labels("digits") == both
    fewer = (replace(waiting, content="8" * 64, labels=1),)
    store.record_ingest(labels(9, pending_before=both, pending=fewer))
    assert store.pending_labels("digits") == fewer
    assert len(store.label_joins("digits")) == 1
    store.record_ingest(labels(10, pending_before=fewer, label_updates=()))
    assert store.pending_labels("digits") == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"last_window": 1},
        {"last_window": 3},
        {
            "pending_before": (
                PendingLabels(source="f", content="1" * 64, labels=1, at=datetime(2026, 1, 1, tzinfo=UTC)),
            )
        },
        {"label_updates": (LabelUpdate(window="w1", before=AFTER, after=BEFORE, labels=1, labelled=1),)},
        {"label_updates": (LabelUpdate(window="w7", before=BEFORE, after=AFTER, labels=1, labelled=1),)},
    ],
)
def test_what_was_worked_out_from_what_does_not_hold_any_more_is_a_lost_race_that_writes_nothing(
    store: Store, labels: MakeIngest, waiting: PendingLabels, changes: dict[str, object]
) -> None:
    before = store.windows("digits")
    with pytest.raises(ConcurrentUpdate, match=r"of stream 'digits' .* by another process meanwhile"):
        store.record_ingest(labels(**{"pending": (waiting,), **changes}))
    assert store.windows("digits") == before
    assert len(store.ingested_files("digits")) == 2
    assert store.pending_labels("digits") == ()
    assert store.label_joins("digits") == ()


def test_rows_that_take_early_labels_are_written_with_what_is_left_of_them(
    store: Store, make_ingest: MakeIngest, labels: MakeIngest, waiting: PendingLabels
) -> None:
    store.record_ingest(labels(8, pending=(waiting,), label_updates=()))
    left = (replace(waiting, labels=1),)
    met = LabelJoinResult(last_window=2, pending_before=(waiting,), pending=left)
    assert store.record_ingest(replace(make_ingest(3), label_join=met))
    assert store.pending_labels("digits") == left
    with pytest.raises(ConcurrentUpdate):
        store.record_ingest(replace(make_ingest(4), label_join=replace(met, pending=())))


def test_a_waiting_window_is_let_go_and_holds_up_nobody(
    store: Store, at: datetime, make_transition: Callable[..., Transition]
) -> None:
    wait(store, at, make_transition)
    window = store.window("digits", "w1")
    assert (window.state, window.labels_required, window.judged_by_version, window.labels_missing) == (
        WindowState.AWAITING_LABELS, 59, 7, 58,
    )  # fmt: skip
    assert store.count_pending("digits") == 1
    claimed = store.claim("digits", "bob", at, 60)
    assert claimed is not None
    assert claimed.id == "w2"


def test_a_waiting_window_is_woken_once_and_goes_before_those_behind_it(
    store: Store, at: datetime, make_transition: Callable[..., Transition]
) -> None:
    wait(store, at, make_transition)
    later = at + timedelta(hours=1)
    assert [store.requeue("digits", "w1", later) for _ in range(2)] == [True, False]
    window = store.window("digits", "w1")
    assert (window.state, window.updated_at) == (WindowState.ACCEPTED, later)
    claimed = store.claim("digits", "bob", later, 60)
    assert claimed is not None
    assert claimed.id == "w1"


@pytest.mark.parametrize(("name", "window"), [("digits", "w2"), ("digits", "w9"), ("nowhere", "w1")])
def test_what_does_not_wait_is_not_woken(store: Store, at: datetime, name: str, window: str) -> None:
    before = store.windows("digits")
    assert not store.requeue(name, window, at)
    assert store.windows("digits") == before


def test_a_woken_window_may_be_judged_and_wait_again(
    store: Store, at: datetime, make_transition: Callable[..., Transition], report: object
) -> None:
    wait(store, at, make_transition)
    store.requeue("digits", "w1", at)
    store.claim("digits", "ada", at, 60)
    store.advance(make_transition(report=report, claim=2))
    waits = store.advance(
        make_transition(WindowState.JUDGED, target=WindowState.AWAITING_LABELS, labels_required=66, claim=2)
    )
    assert (waits.labels_required, waits.judged_by_version) == (66, 7)
    assert store.window_record("digits", "w1").report == report


def test_labels_of_an_unknown_or_deleted_stream_are_none(
    store: Store, labels: MakeIngest, waiting: PendingLabels
) -> None:
    store.record_ingest(labels(pending=(waiting,)))
    store.delete("digits")
    for name in ("digits", "nowhere"):
        assert (store.pending_labels(name), store.label_joins(name)) == ((), ())
