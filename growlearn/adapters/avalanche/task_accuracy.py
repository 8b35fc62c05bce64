"""Avalanche's accuracy of each task, from predictions that are there already.

Importing this module imports Avalanche, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.evaluation.predictions import Predictions

with patch_avalanche_import():
    from avalanche.evaluation.metrics import TaskAwareAccuracy


def compute_accuracies(experiences: Sequence[Predictions]) -> list[float]:
    """The share of correct predictions of each experience, in order; none may be empty."""
    metric = TaskAwareAccuracy()
    for label, predictions in enumerate(experiences):
        metric.update(torch.tensor(predictions.predicted), torch.tensor(predictions.targets), label)
    accuracies = metric.result()
    return [float(accuracies[label]) for label in range(len(experiences))]
