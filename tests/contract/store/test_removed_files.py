"""Files that retention removed are noted with their time, by stream."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from growlearn.domain.errors import NotFound
from growlearn.domain.job import Job
from growlearn.ports import Store

DIGESTS = [f"{number:064x}" for number in range(1203)]


def test_each_file_has_the_time_of_its_last_removal(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)
    later = at + timedelta(days=1)
    store.record_removed_files(job.name, DIGESTS, at)
    store.record_removed_files(job.name, DIGESTS[:2], later)
    assert store.removed_files(job.name) == dict.fromkeys(DIGESTS, at) | dict.fromkeys(DIGESTS[:2], later)
    store.record_removed_files(job.name, [], later)


def test_streams_are_told_apart_and_a_deleted_one_forgets(store: Store, job: Job, at: datetime) -> None:
    store.apply(job, at)
    store.apply(replace(job, name="other"), at)
    store.record_removed_files(job.name, DIGESTS[:1], at)
    assert store.removed_files("other") == {}
    store.delete(job.name)
    store.apply(job, at)
    assert store.removed_files(job.name) == {}
    with pytest.raises(NotFound):
        store.record_removed_files("nobody", DIGESTS[:1], at)
