"""Scores by a metric other than accuracy, computed from the logits that every evaluation stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from growlearn.domain.evaluation import Evaluation, TaskScore
from growlearn.domain.lineage import Manifest
from growlearn.domain.metric import METRICS, Metric, MetricName
from growlearn.domain.schema import Label
from growlearn.evaluation.predictions import load_predictions
from growlearn.metrics import ScoredRows, compute_metric
from growlearn.network.router.routed_inference import all_labels
from growlearn.ports import Artifacts, EvalRequest, Evaluator


@dataclass(frozen=True)
class MetricEvaluator:
    """Implements `Evaluator` on another one: each score also has the value of the metric."""

    evaluator: Evaluator
    artifacts: Artifacts
    metric: Metric

    def evaluate(self, manifest: Manifest, requests: Sequence[EvalRequest]) -> Sequence[TaskScore]:
        """One score a request, in order."""
        scores = self.evaluator.evaluate(manifest, requests)
        return [
            score_by_metric(score, request, manifest, self.metric, self.artifacts)
            for score, request in zip(scores, requests, strict=True)
        ]


def make_evaluator(evaluator: Evaluator, artifacts: Artifacts, metric: MetricName) -> Evaluator:
    """The evaluator that scores by a job's metric; the same one for accuracy, which every score has."""
    if METRICS[metric].is_accuracy:
        return evaluator
    return MetricEvaluator(evaluator, artifacts, METRICS[metric])


def score_by_metric(
    score: TaskScore, request: EvalRequest, manifest: Manifest, metric: Metric, artifacts: Artifacts
) -> TaskScore:
    """The score with its value by a metric, from its stored logits."""
    rows = load_scored_rows(score, request, manifest, artifacts)
    value = None if rows is None or metric.is_accuracy else compute_metric(metric, rows)
    return replace(score, metric=metric.name, metric_value=value)


def load_scored_rows(
    score: TaskScore, request: EvalRequest, manifest: Manifest, artifacts: Artifacts
) -> ScoredRows | None:
    """What a model said of a request's rows; None where there were none."""
    if score.logits_sha256 is None:
        return None
    predictions = load_predictions(artifacts.get(score.logits_sha256))
    return predictions.to_scored_rows(_positive_index(request, manifest))


def _positive_index(request: EvalRequest, manifest: Manifest) -> int | None:
    """The index of the positive class among the classes of a request's logits; None where there is none."""
    head = manifest.task(request.task)
    positive = request.positive_class if request.positive_class is not None else head.positive_class
    classes: tuple[Label, ...] = all_labels(manifest) if request.routed else head.classes
    return classes.index(positive) if positive in classes else None


def rescore_evaluation(
    evaluation: Evaluation, manifest: Manifest, metric: MetricName, artifacts: Artifacts
) -> Evaluation:
    """An evaluation of a version with its scores by a metric that its job names now.

    The evaluation itself where it has that metric already. `manifest` is that of the version.
    """
    if all(score.metric is metric for score in (*evaluation.task_scores, *evaluation.routed)):
        return evaluation

    def rescore(scores: Sequence[TaskScore], *, routed: bool) -> tuple[TaskScore, ...]:
        requests = [EvalRequest(task=score.task, rows="", routed=routed) for score in scores]
        return tuple(
            score_by_metric(score, request, manifest, METRICS[metric], artifacts)
            for score, request in zip(scores, requests, strict=True)
        )

    return replace(
        evaluation,
        task_scores=rescore(evaluation.task_scores, routed=False),
        routed=rescore(evaluation.routed, routed=True),
    )
