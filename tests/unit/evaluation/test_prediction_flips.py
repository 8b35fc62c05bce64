from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.evaluation import Evaluation, PredictionFlips, TaskScore
from growlearn.evaluation.prediction_flips import count_candidate_flips, count_flips
from growlearn.evaluation.predictions import Predictions, dump_predictions


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


def make_score(artifacts: MemoryArtifacts, task: str, correct: Sequence[int]) -> TaskScore:
    """Predictions of rows of class 1 of two, correct where `correct` is 1."""
    logits = np.array([[1 - row_correct, row_correct] for row_correct in correct], dtype=np.float32)
    stored = artifacts.put(dump_predictions(Predictions(logits, np.ones(len(correct), dtype=np.int64))))
    return TaskScore(task=task, correct=sum(correct), rows=len(correct), logits_sha256=stored)


def evaluation(
    *task_scores: TaskScore, best_existing: TaskScore | None = None, teacher: tuple[TaskScore, ...] = ()
) -> Evaluation:
    return Evaluation(
        task=task_scores[-1].task,
        task_scores=task_scores,
        initial=task_scores[-1],
        chance_level=0.5,
        best_existing=best_existing,
        teacher=teacher,
    )


def test_negative_and_positive_flips_are_counted(artifacts: MemoryArtifacts) -> None:
    old, new = make_score(artifacts, "a", [1, 1, 1, 0, 0]), make_score(artifacts, "a", [1, 0, 0, 1, 0])
    flips = count_flips(old, new, artifacts)
    assert flips == PredictionFlips(task="a", negative_count=2, positive_count=1, rows=5)
    assert flips.negative_rate == 0.4


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=50))
def test_the_accuracy_gain_is_the_difference_of_the_two_rates(pairs: list[tuple[int, int]]) -> None:
    artifacts = MemoryArtifacts()
    old, new = (make_score(artifacts, "a", side) for side in zip(*pairs, strict=True))
    flips = count_flips(old, new, artifacts)
    assert flips is not None
    assert flips.positive_rate - flips.negative_rate == pytest.approx(new.accuracy - old.accuracy)
    assert 0 <= flips.negative_rate <= old.accuracy


def test_without_stored_predictions_there_are_no_flips(artifacts: MemoryArtifacts) -> None:
    stored = make_score(artifacts, "a", [1, 0])
    assert count_flips(replace(stored, logits_sha256=None), stored, artifacts) is None
    assert count_flips(stored, replace(stored, logits_sha256=None), artifacts) is None


def test_other_rows_give_no_flips(artifacts: MemoryArtifacts) -> None:
    assert (
        count_flips(make_score(artifacts, "a", [1, 0]), make_score(artifacts, "a", [1, 0, 1]), artifacts)
        is None
    )


def test_a_candidate_is_compared_with_its_parent(artifacts: MemoryArtifacts) -> None:
    first = evaluation(make_score(artifacts, "a", [1, 1, 0]))
    known = make_score(artifacts, "a", [1, 1, 1, 0])
    second = evaluation(
        make_score(artifacts, "a", [1, 1, 0]), make_score(artifacts, "b", [0, 1, 1, 1]), best_existing=known
    )
    assert count_candidate_flips(second, (first,), artifacts) == (
        PredictionFlips(task="a", negative_count=0, positive_count=0, rows=3),
        PredictionFlips(task="b", negative_count=1, positive_count=1, rows=4),
    )


def test_a_new_task_without_a_best_existing_task_has_no_flips(artifacts: MemoryArtifacts) -> None:
    assert count_candidate_flips(evaluation(make_score(artifacts, "a", [1, 0])), (), artifacts) == ()


def test_a_consolidation_is_compared_with_its_teacher(artifacts: MemoryArtifacts) -> None:
    past = evaluation(make_score(artifacts, "a", [0, 0, 0]))
    after = evaluation(
        make_score(artifacts, "a", [1, 0, 0]), teacher=(make_score(artifacts, "a", [0, 1, 0]),)
    )
    assert count_candidate_flips(after, (past,), artifacts) == (
        PredictionFlips(task="a", negative_count=1, positive_count=1, rows=3),
    )
