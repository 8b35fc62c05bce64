"""Correct predictions counted with numpy alone: the in-memory counterpart of Avalanche's evaluator."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.lineage import Manifest
from growlearn.evaluation.inference import predict_labelled_rows
from growlearn.evaluation.predictions import make_task_score
from growlearn.network.model_cache import ModelCache
from growlearn.ports import EvalRequest


class NumpyEvaluator:
    """Implements `Evaluator`; a prediction is the class of the largest logit, the first of equals."""

    def __init__(self, models: ModelCache) -> None:
        self._models = models

    def evaluate(self, manifest: Manifest, requests: Sequence[EvalRequest]) -> Sequence[TaskScore]:
        """One score per request, in order; rows without a label are not counted."""
        scores = []
        for request in requests:
            predictions = predict_labelled_rows(manifest, request, self._models)
            num_correct = int(predictions.correct.sum())
            scores.append(make_task_score(predictions, request, num_correct, self._models.artifacts.put))
        return scores
