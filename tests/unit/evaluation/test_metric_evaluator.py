"""Scores by another metric than accuracy, from stored logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.evaluation import Evaluation, TaskScore
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.metric import METRICS, MetricName
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.evaluation.metric_evaluator import make_evaluator, rescore_evaluation
from growlearn.evaluation.predictions import Predictions, dump_predictions
from growlearn.ports import EvalRequest, Evaluator

HEADS = (
    TaskHead(name="a", classes=("no", "yes"), lineage=("b1",), sha256="0" * 64, positive_class="yes"),
    TaskHead(name="b", classes=("maybe", "no", "yes"), lineage=("b1",), sha256="1" * 64),
)
MANIFEST = Manifest(
    stream="s",
    schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
    model=ModelConfig(),
    branches=(),
    tasks=HEADS,
)
PROBABILITIES = {
    "mixed": ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]),
    "one label": ([0.1, 0.4, 0.35, 0.8], [0, 0, 0, 0]),
    "three": ([0.1, 0.4, 0.35, 0.2], [1, 1, 2, 2]),
}


@dataclass
class Stored:
    """Stores logits of the rows named in a request."""

    artifacts: MemoryArtifacts

    def load(self) -> None: ...

    def evaluate(self, manifest: Manifest, requests: Sequence[EvalRequest]) -> Sequence[TaskScore]:
        return [self._score(request) for request in requests]

    def _score(self, request: EvalRequest) -> TaskScore:
        if request.rows == "no rows":
            return TaskScore(task=request.task, correct=0, rows=0)
        positive, targets = PROBABILITIES[request.rows]
        columns = [1 - np.array(positive), np.array(positive)]
        if request.task == "b" or request.routed:
            columns.insert(0, np.full(len(positive), 1e-6))
        if request.routed:
            columns = [columns[1], columns[2], columns[0]]  # all labels in the order they first occur
        logits = np.log(np.stack(columns, axis=1)).astype(np.float32)
        predictions = Predictions(logits, np.array(targets))
        return TaskScore(
            task=request.task,
            correct=int(predictions.correct.sum()),
            rows=len(targets),
            logits_sha256=self.artifacts.put(dump_predictions(predictions)),
        )


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


def evaluator(artifacts: MemoryArtifacts, metric: MetricName = MetricName.AVERAGE_PRECISION) -> Evaluator:
    return make_evaluator(Stored(artifacts), artifacts, metric)


def score(artifacts: MemoryArtifacts, request: EvalRequest) -> TaskScore:
    (task_score,) = evaluator(artifacts).evaluate(MANIFEST, [request])
    return task_score


def test_a_job_by_accuracy_uses_the_evaluator_itself(artifacts: MemoryArtifacts) -> None:
    stored = Stored(artifacts)
    assert make_evaluator(stored, artifacts, MetricName.ACCURACY) is stored


def test_each_score_has_the_value_of_the_positive_class_beside_its_counts(artifacts: MemoryArtifacts) -> None:
    task_score = score(artifacts, EvalRequest(task="a", rows="mixed"))
    assert (task_score.correct, task_score.rows, task_score.metric) == (3, 4, "average_precision")
    assert task_score.value == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_an_earlier_head_with_more_classes_is_scored_on_the_new_tasks_positive_class(
    artifacts: MemoryArtifacts,
) -> None:
    own = score(artifacts, EvalRequest(task="b", rows="three"))
    asked = score(artifacts, EvalRequest(task="b", rows="three", positive_class="yes"))
    of_yes, of_no = (1 / 2 + 2 / 3) / 2, (1 / 1 + 2 / 4) / 2
    assert asked.value == pytest.approx(of_yes)
    assert own.value == pytest.approx((of_yes + of_no) / 2)


def test_routed_rows_are_scored_over_all_labels(artifacts: MemoryArtifacts) -> None:
    routed = score(artifacts, EvalRequest(task="a", rows="mixed", routed=True))
    assert routed.value == pytest.approx((1 / 1 + 2 / 3) / 2)


@pytest.mark.parametrize("rows", ["one label", "no rows"])
def test_where_the_metric_is_not_defined_there_is_no_value(artifacts: MemoryArtifacts, rows: str) -> None:
    task_score = score(artifacts, EvalRequest(task="a", rows=rows))
    assert (task_score.metric, task_score.value) == ("average_precision", None)


def test_a_version_is_scored_by_a_metric_that_its_job_names_later(artifacts: MemoryArtifacts) -> None:
    request = EvalRequest(task="a", rows="mixed")
    (before,) = evaluator(artifacts, MetricName.ACCURACY).evaluate(MANIFEST, [request])
    (routed,) = evaluator(artifacts, MetricName.ACCURACY).evaluate(MANIFEST, [replace(request, routed=True)])
    evaluation = Evaluation(
        task="a", task_scores=(before,), initial=before, chance_level=0.5, routed=(routed,)
    )
    same = rescore_evaluation(evaluation, MANIFEST, MetricName.ACCURACY, artifacts)
    assert same is evaluation
    now = rescore_evaluation(evaluation, MANIFEST, MetricName.LOG_LOSS, artifacts)
    expected = -np.log([0.9, 0.6, 0.35, 0.8]).mean()
    assert [task_score.value for task_score in (*now.task_scores, *now.routed)] == pytest.approx(
        [expected, expected], abs=1e-4
    )
    assert METRICS[now.task_scores[0].metric].greater_is_better is False
