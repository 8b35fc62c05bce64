"""Estimates of a window's accuracy: the last one stored counts, and a window that is gone has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.errors import NotFound
from growlearn.domain.job import Job
from growlearn.domain.window import IngestResult
from growlearn.ports import Store

ESTIMATE = AccuracyEstimate(window="w2", version=1, rows=240, accuracy=0.1 + 0.2, low=0.25, high=1.0)


@pytest.fixture(autouse=True)
def stream(store: Store, job: Job, at: datetime, make_ingest: Callable[..., IngestResult]) -> None:
    store.apply(job, at)
    for number in range(1, 11):
        store.record_ingest(make_ingest(number))


def test_an_estimate_is_read_back_and_replaced(store: Store, job: Job) -> None:
    assert store.accuracy_estimates(job.name) == {}
    store.record_accuracy_estimate(job.name, ESTIMATE)
    assert store.accuracy_estimates(job.name) == {"w2": ESTIMATE}
    known = replace(ESTIMATE, known_rows=40, known_correct=38, known_low=0.9, known_high=0.99)
    store.record_accuracy_estimate(job.name, known)
    assert store.accuracy_estimates(job.name) == {"w2": known}


def test_estimates_are_in_the_order_of_the_windows(store: Store, job: Job) -> None:
    for window in ("w10", "w9", "w2"):
        store.record_accuracy_estimate(job.name, replace(ESTIMATE, window=window))
    assert [*store.accuracy_estimates(job.name)] == ["w2", "w9", "w10"]


def test_it_is_outdated_while_its_window_has_more_labels_than_it_was_compared_with(
    store: Store, job: Job, make_ingest: Callable[..., IngestResult]
) -> None:
    store.record_ingest(make_ingest(11, labelled=40))
    store.record_accuracy_estimate(job.name, ESTIMATE)  # of w2, which has no labels
    compared = replace(ESTIMATE, window="w11", known_rows=39)
    store.record_accuracy_estimate(job.name, compared)
    assert store.outdated_estimates(job.name, 1000) == (compared,)
    assert store.outdated_estimates(job.name, 39) == ()
    store.record_accuracy_estimate(job.name, replace(compared, known_rows=40))
    assert store.outdated_estimates(job.name, 1000) == ()
    assert store.outdated_estimates("nobody", 1000) == ()


def test_a_deleted_stream_has_none(store: Store, job: Job, at: datetime) -> None:
    store.record_accuracy_estimate(job.name, ESTIMATE)
    store.delete(job.name)
    store.apply(job, at)
    assert store.accuracy_estimates(job.name) == {}
    assert store.accuracy_estimates("nobody") == {}
    with pytest.raises(NotFound):
        store.record_accuracy_estimate("nobody", ESTIMATE)
