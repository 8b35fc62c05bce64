from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.drift import DriftReport
from growlearn.domain.evaluation import Evaluation, GateResult
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import Job
from growlearn.domain.metric import METRICS, MetricName
from growlearn.domain.stream import Transition, WindowRecord
from growlearn.domain.window import IngestResult, Verdict, Window, WindowState
from growlearn.ports import Store

MakeTransition = Callable[..., Transition]


@pytest.fixture(autouse=True)
def claimed(store: Store, job: Job, at: datetime, make_ingest: Callable[..., IngestResult]) -> None:
    store.apply(job, at)
    store.record_ingest(make_ingest())
    store.claim("digits", "ada", at, 60)


def test_a_fresh_window_has_an_empty_record(store: Store) -> None:
    assert store.window_record("digits", "w1") == WindowRecord()


def test_all_that_is_recorded_comes_back_exactly(
    store: Store, make_transition: MakeTransition, window_record: WindowRecord
) -> None:
    store.advance(make_transition(report=window_record.report))
    store.advance(make_transition(WindowState.JUDGED, plan=window_record.plan))
    store.advance(
        make_transition(
            WindowState.GROWING,
            result=window_record.result,
            evaluation=window_record.evaluation,
            model_selection=window_record.model_selection,
        )
    )
    store.advance(
        make_transition(WindowState.EVALUATED, target=WindowState.REJECTED, gates=window_record.gates)
    )

    stored = store.window_record("digits", "w1")

    assert stored == window_record
    assert isinstance(stored.plan, GrowthPlan)
    assert [type(label) for label in stored.plan.classes] == [int, str, str]


def test_reports_of_many_windows_are_read_at_once(
    store: Store, make_transition: MakeTransition, window_record: WindowRecord
) -> None:
    store.advance(make_transition(report=window_record.report))

    assert store.drift_reports("digits", ["w1", "w2", "no window"]) == {"w1": window_record.report}
    assert store.drift_reports("digits", []) == {}
    assert store.drift_reports("nowhere", ["w1"]) == {}


def test_a_consolidation_comes_back_exactly(
    store: Store,
    make_transition: MakeTransition,
    at: datetime,
    full: Window,
    consolidation: ConsolidationPlan,
    result: GrowthResult,
    evaluation: Evaluation,
) -> None:
    store.open_window(full, consolidation)
    assert store.window_record("digits", "w3") == WindowRecord(plan=consolidation)
    store.advance(make_transition(target=WindowState.JUDGED))
    store.advance(make_transition(WindowState.JUDGED, target=WindowState.SKIPPED))
    assert store.claim("digits", "ada", at, 60) == replace(full, claim=1)
    distilled = ConsolidationResult(
        branches=result.branches, branch_parameters=(12345,),
        heads=consolidation.parent_manifest.tasks, router=None, epochs=result.epochs,
        best_epoch=1, initial_loss=float("inf"), best_loss=2.25, train_rows=80,
        validation_rows=20, seconds=3.5, peak_memory_bytes=2**33, threads=2, seed=7,
    )  # fmt: skip
    measured = replace(evaluation, single_task=None, teacher=evaluation.task_scores)
    store.advance(make_transition(WindowState.GROWING, window="w3", result=distilled, evaluation=measured))
    assert store.window_record("digits", "w3") == WindowRecord(
        plan=consolidation, result=distilled, evaluation=measured
    )


def test_the_parts_may_come_in_one_move(
    store: Store, make_transition: MakeTransition, report: DriftReport, plan: GrowthPlan, result: GrowthResult
) -> None:
    store.advance(make_transition(report=report, plan=plan, result=result))

    assert store.window_record("digits", "w1") == WindowRecord(report=report, plan=plan, result=result)


def test_a_later_record_replaces_an_earlier_one(
    store: Store,
    make_transition: MakeTransition,
    report: DriftReport,
    evaluation: Evaluation,
    gates: tuple[GateResult, ...],
) -> None:
    store.advance(make_transition(report=report, evaluation=evaluation, gates=gates))
    shorter = replace(report, verdict=Verdict.STABLE, task=None, test_results=report.test_results[:1])
    again = replace(evaluation, task_scores=evaluation.task_scores[1:], single_task=None)

    store.advance(make_transition(WindowState.JUDGED, report=shorter, evaluation=again, gates=gates[1:]))

    expected = WindowRecord(report=shorter, evaluation=again, gates=gates[1:])
    assert store.window_record("digits", "w1") == expected


def test_an_evaluation_without_cells_and_a_report_without_scores_are_kept(
    store: Store, make_transition: MakeTransition, report: DriftReport, evaluation: Evaluation
) -> None:
    bare = WindowRecord(
        report=replace(report, test_results=()), evaluation=replace(evaluation, task_scores=())
    )

    store.advance(make_transition(report=bare.report, evaluation=bare.evaluation))

    assert store.window_record("digits", "w1") == bare


@pytest.mark.parametrize(
    ("metric", "worst"), [(MetricName.LOG_LOSS, 36.04365338911715), (MetricName.ROC_AUC, 0.0)]
)
def test_a_score_that_is_no_number_is_the_worst_in_every_store(
    store: Store, make_transition: MakeTransition, evaluation: Evaluation, metric: MetricName, worst: float
) -> None:
    """Not "not defined": gates would compare such a score by its accuracy."""
    diverged = replace(evaluation.initial, metric=metric, metric_value=math.nan)
    store.advance(make_transition(evaluation=replace(evaluation, initial=diverged)))
    stored = store.window_record("digits", "w1").evaluation
    assert stored is not None
    assert stored.initial == replace(diverged, metric_value=worst)
    assert stored.initial.value_by(METRICS[metric]) == worst


def test_figures_that_are_no_numbers_are_kept(
    store: Store,
    make_transition: MakeTransition,
    report: DriftReport,
    result: GrowthResult,
    gates: tuple[GateResult, ...],
) -> None:
    nan, inf = math.nan, math.inf
    with_nan = replace(report, test_results=(replace(report.test_results[0], statistic=nan, p_value=nan),))
    diverged = replace(result, best_loss=nan, prefix_losses=(inf, -inf, nan))
    gate = replace(gates[0], value=nan, threshold=inf)

    store.advance(make_transition(report=with_nan, result=diverged, gates=(gate,)))

    stored = store.window_record("digits", "w1")
    assert repr(stored) == repr(
        WindowRecord(report=with_nan, result=diverged, gates=(gate,))
    )  # nan is not nan


def test_records_of_windows_are_kept_apart(
    store: Store,
    make_transition: MakeTransition,
    report: DriftReport,
    make_ingest: Callable[..., IngestResult],
) -> None:
    store.record_ingest(make_ingest(2))

    store.advance(make_transition(report=report))

    assert store.window_record("digits", "w2") == WindowRecord()
