from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from growlearn.domain.job import Job
from growlearn.domain.process import LOST_AFTER, PROCESS_RETENTION, ProcessKind, ProcessRecord, is_any_alive
from growlearn.ports import Store


@pytest.fixture
def process(store: Store, at: datetime) -> ProcessRecord:
    for left in store.processes():
        store.remove_process(left.id)
    return ProcessRecord(
        id="worker-1", kind=ProcessKind.WORKER, host="häuschen", pid=2**31 - 1, version="0.1", started_at=at,
        heartbeat_at=at, next_look_at=at + timedelta(seconds=2),
    )  # fmt: skip


def test_a_process_is_known_from_its_first_heartbeat_on(store: Store, process: ProcessRecord) -> None:
    store.record_heartbeat(process)
    assert store.processes() == (process,)
    later = replace(process, heartbeat_at=process.started_at + timedelta(seconds=5), next_look_at=None)
    store.record_heartbeat(later)
    assert store.processes() == (later,)
    store.remove_process("worker-2")
    assert store.processes() == (later,)
    store.remove_process(process.id)
    assert store.processes() == ()


def test_processes_are_listed_as_they_started(store: Store, process: ProcessRecord) -> None:
    earlier = replace(process, id="z", started_at=process.started_at - timedelta(microseconds=1))
    for each in (process, earlier):
        store.record_heartbeat(each)
    assert store.processes() == (earlier, process)


def test_a_process_that_was_killed_is_forgotten_after_a_day(store: Store, process: ProcessRecord) -> None:
    store.record_heartbeat(process)
    other = replace(process, id="worker-2", heartbeat_at=process.heartbeat_at + PROCESS_RETENTION)
    store.record_heartbeat(other)
    assert [each.id for each in store.processes()] == ["worker-1", "worker-2"]
    store.record_heartbeat(replace(other, heartbeat_at=other.heartbeat_at + timedelta(microseconds=1)))
    assert [each.id for each in store.processes()] == ["worker-2"]


def test_a_silent_process_is_not_alive_and_up_is_scheduler_and_worker(process: ProcessRecord) -> None:
    at = process.heartbeat_at
    up = replace(process, kind=ProcessKind.UP)
    assert [is_any_alive([process], kind, at) for kind in ProcessKind] == [False, True, False, False]
    assert [is_any_alive([up], kind, at) for kind in ProcessKind] == [True, True, True, True]
    assert not is_any_alive([up], ProcessKind.WORKER, at + LOST_AFTER)


def test_the_last_look_at_a_source_is_kept(store: Store, job: Job, at: datetime) -> None:
    assert store.apply(job, at).looked_at is None
    store.record_look("digits", at + timedelta(seconds=1))
    assert store.stream("digits").looked_at == at + timedelta(seconds=1)
    store.record_look("nowhere", at)
    assert [stream.name for stream in store.streams()] == ["digits"]
