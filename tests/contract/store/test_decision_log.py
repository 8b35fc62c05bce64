"""Every decision is written once, with everything it was based on, and never changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from growlearn import __version__
from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.decision_log import LogEntry, LogEntryKind, compute_job_digest
from growlearn.domain.drift import DriftReport
from growlearn.domain.errors import ConcurrentUpdate
from growlearn.domain.growth import BranchInit, GrowthPlan, SearchTrial
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job
from growlearn.domain.lineage import Version
from growlearn.domain.stream import (
    Alias,
    AliasChange,
    Message,
    MessageKind,
    TrackerIds,
    Transition,
    WindowRecord,
)
from growlearn.domain.window import IngestResult, Verdict, Window, WindowState
from growlearn.ports import Store

MakeTransition = Callable[..., Transition]
NEWS = Message(stream="digits", kind=MessageKind.ALIASES)


def _moved(before: int | None, after: int, at: datetime) -> AliasChange:
    return AliasChange(
        stream="digits", alias=Alias.CHAMPION, before=before, after=after, actor="ada", reason="r", at=at
    )


def _steps(store: Store) -> list[LogEntry]:
    return [entry for entry in store.decision_log("digits") if entry.kind is LogEntryKind.TRANSITION]


def test_a_job_is_written_when_it_is_given_and_when_it_changes(store: Store, job: Job, at: datetime) -> None:
    later = at + timedelta(hours=1)
    other = replace(job, growth=GrowthConfig(epochs=9))
    store.apply(job, at, "ada")
    store.apply(job, later, "bob")
    store.apply(other, later, "bob")

    assert store.decision_log("digits") == (
        LogEntry(
            stream="digits", kind=LogEntryKind.JOB, at=at, actor="ada", growlearn_version=__version__,
            job_digest=compute_job_digest(job), job=job,
        ),
        LogEntry(
            stream="digits", kind=LogEntryKind.JOB, at=later, actor="bob", growlearn_version=__version__,
            job_digest=compute_job_digest(other), job=other,
        ),
    )  # fmt: skip


def test_a_step_is_written_with_all_that_it_brought(
    store: Store, promote: Callable[..., Version], window_record: WindowRecord, job: Job, at: datetime
) -> None:
    version = promote(alias_changes=(_moved(None, 1, at),), parent_version=1)

    steps = _steps(store)

    assert [(entry.transition.source, entry.transition.target) for entry in steps if entry.transition] == [
        (WindowState.ACCEPTED, WindowState.JUDGED),
        (WindowState.JUDGED, WindowState.GROWING),
        (WindowState.GROWING, WindowState.EVALUATED),
        (WindowState.EVALUATED, WindowState.PROMOTED),
    ]
    judged, planned, measured, decided = (entry.transition for entry in steps)
    assert judged is not None and judged.report == window_record.report  # noqa: PT018 - for mypy
    assert planned is not None and planned.plan == window_record.plan  # noqa: PT018
    assert measured is not None and measured.model_selection == window_record.model_selection  # noqa: PT018
    assert decided is not None and decided.version == version  # noqa: PT018
    assert decided.gates == window_record.gates
    assert steps[-1].all_alias_changes == (_moved(None, 1, at),)
    assert {(e.actor, e.growlearn_version, e.job_digest, e.window, e.snapshot) for e in steps} == {
        ("ada", __version__, compute_job_digest(job), "w1", "d" * 64)  # as the step read it
    }


@pytest.fixture
def claimed(store: Store, job: Job, at: datetime, make_ingest: Callable[..., IngestResult]) -> None:
    store.apply(job, at)
    store.record_ingest(make_ingest())
    store.claim("digits", "ada", at, 60)


@pytest.mark.usefixtures("claimed")
def test_each_judgement_of_a_window_keeps_its_report(
    store: Store, make_transition: MakeTransition, report: DriftReport, at: datetime
) -> None:
    second = replace(report, verdict=Verdict.STABLE, test_results=report.test_results[:1])
    for number, judged in enumerate((report, second), start=1):
        store.advance(make_transition(report=judged, snapshot=str(number) * 64, claim=number))
        waiting = make_transition(
            WindowState.JUDGED, target=WindowState.AWAITING_LABELS, labels_required=7, judged_by_version=3,
            claim=number,
        )  # fmt: skip
        store.advance(waiting)
        store.requeue("digits", "w1", at)
        store.claim("digits", "ada", at, 60)

    transitions = [entry.transition for entry in _steps(store)]

    assert [step.report for step in transitions if step is not None] == [report, None, second, None]
    assert [step.labels_required for step in transitions if step is not None] == [None, 7, None, 7]
    assert [entry.snapshot for entry in _steps(store)][::2] == ["1" * 64, "2" * 64]
    assert store.window_record("digits", "w1").report == second


@pytest.mark.usefixtures("claimed")
def test_the_planned_and_the_trained_plan_are_kept(
    store: Store, make_transition: MakeTransition, plan: GrowthPlan, window_record: WindowRecord
) -> None:
    trial = SearchTrial(
        learning_rate=0.1 + 0.2, seed=3, init=BranchInit.SCRATCH, parent_task=None, epochs=2, loss=math.inf,
        accuracy=math.nan,
    )  # fmt: skip
    trained = replace(
        plan, growth=replace(plan.growth, learning_rate=0.1 + 0.2), parent_task=None, trials=(trial,)
    )
    store.advance(make_transition())
    store.advance(make_transition(WindowState.JUDGED, plan=plan))
    assert store.window_record("digits", "w1").plan == plan
    store.advance(make_transition(WindowState.GROWING, plan=trained, result=window_record.result))

    _, planned_step, trained_step = (entry.transition for entry in _steps(store))

    assert planned_step is not None and planned_step.plan == plan  # noqa: PT018 - for mypy
    assert trained_step is not None and repr(trained_step.plan) == repr(trained)  # noqa: PT018 - nan
    assert repr(store.window_record("digits", "w1").plan) == repr(trained)


@pytest.mark.usefixtures("claimed")
def test_an_unchanged_plan_is_kept_as_the_trained_one(
    store: Store, make_transition: MakeTransition, plan: GrowthPlan
) -> None:
    store.advance(make_transition())
    store.advance(make_transition(WindowState.JUDGED, plan=plan))
    store.advance(make_transition(WindowState.GROWING, plan=plan))

    assert [entry.transition and entry.transition.plan for entry in _steps(store)] == [None, plan, plan]


def test_a_consolidation_shows_its_plan_once_it_is_trained(
    store: Store,
    job: Job,
    at: datetime,
    make_transition: MakeTransition,
    full: Window,
    consolidation: ConsolidationPlan,
) -> None:
    store.apply(job, at)
    store.open_window(full, consolidation)
    store.claim("digits", "ada", at, 60)
    store.advance(make_transition(WindowState.GROWING, window="w3", plan=consolidation))

    (entry,) = _steps(store)

    assert entry.transition is not None
    assert entry.transition.plan == consolidation


def test_an_entry_stays_as_it_was_decided(
    store: Store, promote: Callable[..., Version], at: datetime
) -> None:
    news = Message(stream="digits", kind=MessageKind.CYCLE, window="w1")
    promote(messages=(news,), alias_changes=(_moved(None, 1, at),), parent_version=1)
    entries = store.decision_log("digits")

    (pending,) = store.outbox.pending("digits")
    store.outbox.record_delivery(pending.id, TrackerIds(run_id="r", model_version="7"), at)
    promote(2, alias_changes=(_moved(1, 2, at),), parent_version=2, parent_version_before=1)

    assert store.decision_log("digits")[: len(entries)] == entries


def test_values_that_are_not_finite_are_stored(
    store: Store,
    job: Job,
    make_ingest: Callable[..., IngestResult],
    make_transition: MakeTransition,
    report: DriftReport,
    at: datetime,
) -> None:
    store.apply(job, at)
    store.record_ingest(make_ingest())
    store.claim("digits", "ada", at, 60)
    with_nan = replace(
        report, test_results=(replace(report.test_results[0], statistic=math.nan, p_value=math.inf),)
    )

    store.advance(make_transition(report=with_nan))

    (entry,) = _steps(store)
    assert entry.transition is not None
    assert repr(entry.transition.report) == repr(with_nan)  # nan is not nan


def test_what_a_person_moves_is_written(
    store: Store, promote: Callable[..., Version], job: Job, at: datetime
) -> None:
    promote()

    store.change_aliases("digits", [_moved(None, 1, at)], 1, NEWS)

    assert store.decision_log("digits")[-1] == LogEntry(
        stream="digits", kind=LogEntryKind.ALIASES, at=at, actor="ada", growlearn_version=__version__,
        job_digest=compute_job_digest(job), alias_changes=(_moved(None, 1, at),),
    )  # fmt: skip


def test_a_lost_race_writes_nothing(store: Store, promote: Callable[..., Version], at: datetime) -> None:
    promote()
    before = store.decision_log("digits")

    with pytest.raises(ConcurrentUpdate):
        store.change_aliases("digits", [_moved(7, 1, at)], 1, NEWS)

    assert store.decision_log("digits") == before


def test_the_decision_log_of_an_unknown_stream_is_empty(store: Store) -> None:
    assert store.decision_log("nobody") == ()


def test_the_entries_of_one_window_are_those_of_the_whole_log(
    store: Store, at: datetime, promote: Callable[..., Version]
) -> None:
    promote(1, alias_changes=(_moved(None, 1, at),))
    promote(2)
    log = store.decision_log("digits")

    for window in ("w1", "w2"):
        expected = tuple(entry for entry in log if entry.window == window)
        assert len(expected) == 4
        assert store.decision_log("digits", window) == expected
    assert store.decision_log("digits", "w3") == ()
