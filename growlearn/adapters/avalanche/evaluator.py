"""The `Evaluator` port on Avalanche's accuracy metric."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.lineage import Manifest
from growlearn.evaluation.inference import predict_labelled_rows
from growlearn.evaluation.predictions import Predictions, make_task_score
from growlearn.network.model_cache import ModelCache
from growlearn.ports import EvalRequest


class AvalancheEvaluator:
    """Counts correct predictions with Avalanche: each request is one experience of its own task.

    Avalanche is imported at the first evaluation, which takes a few seconds.
    """

    def __init__(self, models: ModelCache) -> None:
        self._models = models

    def evaluate(self, manifest: Manifest, requests: Sequence[EvalRequest]) -> Sequence[TaskScore]:
        """One score per request, in order; rows without a label are not counted."""
        predictions = [predict_labelled_rows(manifest, request, self._models) for request in requests]
        counts = _count_correct(predictions)
        return [
            make_task_score(task_predictions, request, num_correct, self._models.artifacts.put)
            for request, task_predictions, num_correct in zip(requests, predictions, counts, strict=True)
        ]


def _count_correct(predictions: Sequence[Predictions]) -> list[int]:
    """The correct predictions of each experience, 0 for an empty one.

    Avalanche returns fractions, which determine the counts exactly: for fewer than 2^50 rows the
    rounding error of a float is far below half a row.
    """
    from growlearn.adapters.avalanche.task_accuracy import compute_accuracies  # noqa: PLC0415 - takes seconds

    filled = [index for index, experience in enumerate(predictions) if len(experience.targets)]
    accuracies = compute_accuracies([predictions[index] for index in filled])
    counts = [0] * len(predictions)
    for index, accuracy in zip(filled, accuracies, strict=True):
        counts[index] = round(accuracy * len(predictions[index].targets))
    return counts
