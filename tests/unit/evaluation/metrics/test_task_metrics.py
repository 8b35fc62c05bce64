"""The scores and predictions that an evaluation's metrics come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.evaluation import Evaluation, PredictionFlips, TaskScore
from growlearn.domain.schema import Label
from growlearn.evaluation.metrics.task_metrics import TaskMetrics, compute_task_metrics
from growlearn.evaluation.predictions import Predictions, dump_predictions

CLASSES: dict[str, tuple[Label, ...]] = {"a": ("cat", "dog"), "b": (3, 5)}


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


def make_score(task: str, correct: list[bool], artifacts: MemoryArtifacts) -> TaskScore:
    """A score whose rows are all of the first class; wrong predictions are the second."""
    logits = np.array([[1, 0] if row_correct else [0, 1] for row_correct in correct], np.float32)
    stored = artifacts.put(dump_predictions(Predictions(logits, np.zeros(len(correct), np.int64))))
    return TaskScore(task=task, correct=sum(correct), rows=len(correct), logits_sha256=stored)


def grown(artifacts: MemoryArtifacts, best_existing: TaskScore | None = None) -> Evaluation:
    a, b = make_score("a", [True, False], artifacts), make_score("b", [True, True, False], artifacts)
    return Evaluation(task="b", task_scores=(a, b), initial=b, chance_level=0.5, best_existing=best_existing)


def compute(
    evaluation: Evaluation, previous_scores: tuple[TaskScore, ...], artifacts: MemoryArtifacts
) -> list[TaskMetrics]:
    return list(compute_task_metrics(evaluation, previous_scores, CLASSES, artifacts))


def test_flips_are_against_the_version_before_and_none_where_there_was_none(
    artifacts: MemoryArtifacts,
) -> None:
    previous = (make_score("a", [False, True], artifacts),)
    a, b = compute(grown(artifacts), previous, artifacts)
    assert (a.flips, a.previous_score) == (
        PredictionFlips(task="a", negative_count=1, positive_count=1, rows=2),
        previous[0],
    )
    assert (b.flips, b.previous_score) == (None, None)


def test_a_new_task_flips_against_the_best_existing_task(
    artifacts: MemoryArtifacts,
) -> None:
    best_existing = make_score("a", [False, False, True], artifacts)
    _, b = compute(grown(artifacts, best_existing), (), artifacts)
    assert (b.flips, b.previous_score) == (
        PredictionFlips(task="b", negative_count=1, positive_count=2, rows=3),
        best_existing,
    )


def test_a_consolidated_model_flips_against_its_teacher(artifacts: MemoryArtifacts) -> None:
    teacher = (make_score("a", [True, True], artifacts), make_score("b", [True, True, True], artifacts))
    consolidated = replace(grown(artifacts), teacher=teacher)
    metrics = compute(consolidated, (), artifacts)
    assert [item.flips and item.flips.negative_count for item in metrics] == [1, 1]


def test_routed_scores_are_included(artifacts: MemoryArtifacts) -> None:
    routed = make_score("b", [True, False, False], artifacts)
    a, b = compute(replace(grown(artifacts), routed=(routed,)), (), artifacts)
    assert (a.routed_score, b.routed_score) == (None, routed)


def test_classes_carry_their_names(artifacts: MemoryArtifacts) -> None:
    a, b = compute(grown(artifacts), (), artifacts)
    assert a.class_metrics is not None
    assert b.class_metrics is not None
    assert [item.label for item in a.class_metrics] == ["cat", "dog"]
    assert [(item.label, item.rows, item.recall) for item in b.class_metrics] == [(3, 3, 2 / 3), (5, 0, None)]


def test_without_stored_predictions_only_the_counts_are_best_existing(artifacts: MemoryArtifacts) -> None:
    evaluation = grown(artifacts)
    old = replace(
        evaluation, task_scores=tuple(replace(score, logits_sha256=None) for score in evaluation.task_scores)
    )
    a, _ = compute(old, (make_score("a", [True, True], artifacts),), artifacts)
    assert (a.confusion_matrix, a.class_metrics, a.calibration, a.flips) == (None,) * 4
    assert a.task_score.interval.high > a.task_score.accuracy == 0.5


def test_without_previous_predictions_there_are_no_flips(artifacts: MemoryArtifacts) -> None:
    previous = (TaskScore(task="a", correct=2, rows=2),)
    a, _ = compute(grown(artifacts), previous, artifacts)
    assert (a.flips, a.previous_score) == (None, previous[0])
    assert a.calibration is not None
