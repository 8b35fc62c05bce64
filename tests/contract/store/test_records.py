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
from growlearn.domain.stream import Transition, WindowRecord
from growlearn.domain.window import IngestedFile, Verdict, Window, WindowState
from growlearn.ports import Store

Move = Callable[..., Transition]


@pytest.fixture(autouse=True)
def claimed(store: Store, job: Job, at: datetime, taken: Callable[..., IngestedFile]) -> None:
    store.apply(job, at)
    store.record_ingest(taken())
    store.claim("digits", "ada", at, 60)


def test_a_fresh_window_has_an_empty_record(store: Store) -> None:
    assert store.record("digits", "w1") == WindowRecord()


def test_all_that_is_recorded_comes_back_exactly(store: Store, move: Move, evidence: WindowRecord) -> None:
    store.advance(move(report=evidence.report))
    store.advance(move(WindowState.JUDGED, plan=evidence.plan))
    store.advance(
        move(
            WindowState.GROWING, result=evidence.result, evaluation=evidence.evaluation, worth=evidence.worth
        )
    )
    store.advance(move(WindowState.EVALUATED, target=WindowState.REJECTED, gates=evidence.gates))

    kept = store.record("digits", "w1")

    assert kept == evidence
    assert isinstance(kept.plan, GrowthPlan)
    assert [type(label) for label in kept.plan.classes] == [int, str, str]


def test_a_consolidation_comes_back_exactly(
    store: Store,
    move: Move,
    at: datetime,
    full: Window,
    consolidation: ConsolidationPlan,
    result: GrowthResult,
    evaluation: Evaluation,
) -> None:
    store.open_window(full, consolidation)
    assert store.record("digits", "w3") == WindowRecord(plan=consolidation)
    store.advance(move(target=WindowState.JUDGED))
    store.advance(move(WindowState.JUDGED, target=WindowState.SETTLED))
    assert store.claim("digits", "ada", at, 60) == full
    taught = ConsolidationResult(
        branches=result.branches, branch_parameters=(12345,), heads=consolidation.base.tasks, router=None,
        epochs=result.epochs, best_epoch=1, birth_loss=float("inf"), best_loss=2.25, train_rows=80,
        validation_rows=20, seconds=3.5, peak_memory_bytes=2**33, threads=2, seed=7,
    )  # fmt: skip
    measured = replace(evaluation, alone=None, taught=evaluation.cells)
    store.advance(move(WindowState.GROWING, window="w3", result=taught, evaluation=measured))
    assert store.record("digits", "w3") == WindowRecord(
        plan=consolidation, result=taught, evaluation=measured
    )


def test_the_parts_may_come_in_one_move(
    store: Store, move: Move, report: DriftReport, plan: GrowthPlan, result: GrowthResult
) -> None:
    store.advance(move(report=report, plan=plan, result=result))

    assert store.record("digits", "w1") == WindowRecord(report=report, plan=plan, result=result)


def test_what_is_said_again_replaces_what_was_said(
    store: Store, move: Move, report: DriftReport, evaluation: Evaluation, gates: tuple[GateResult, ...]
) -> None:
    store.advance(move(report=report, evaluation=evaluation, gates=gates))
    shorter = replace(report, verdict=Verdict.STABLE, task=None, scores=report.scores[:1])
    again = replace(evaluation, cells=evaluation.cells[1:], alone=None)

    store.advance(move(WindowState.JUDGED, report=shorter, evaluation=again, gates=gates[1:]))

    expected = WindowRecord(report=shorter, evaluation=again, gates=gates[1:])
    assert store.record("digits", "w1") == expected


def test_an_evaluation_without_cells_and_a_report_without_scores_are_kept(
    store: Store, move: Move, report: DriftReport, evaluation: Evaluation
) -> None:
    bare = WindowRecord(report=replace(report, scores=()), evaluation=replace(evaluation, cells=()))

    store.advance(move(report=bare.report, evaluation=bare.evaluation))

    assert store.record("digits", "w1") == bare


def test_figures_that_are_no_numbers_are_kept(
    store: Store, move: Move, report: DriftReport, result: GrowthResult, gates: tuple[GateResult, ...]
) -> None:
    nan, inf = math.nan, math.inf
    told = replace(report, scores=(replace(report.scores[0], statistic=nan, p_value=nan),))
    diverged = replace(result, best_loss=nan, prefix_losses=(inf, -inf, nan))
    gate = replace(gates[0], figure=nan, bound=inf)

    store.advance(move(report=told, result=diverged, gates=(gate,)))

    kept = store.record("digits", "w1")
    assert repr(kept) == repr(WindowRecord(report=told, result=diverged, gates=(gate,)))  # nan is not nan


def test_records_of_windows_are_kept_apart(
    store: Store, move: Move, report: DriftReport, taken: Callable[..., IngestedFile]
) -> None:
    store.record_ingest(taken(2))

    store.advance(move(report=report))

    assert store.record("digits", "w2") == WindowRecord()
