"""Answers and truth -> a task-incremental benchmark -> Avalanche's eval loop -> accuracies.

Importing this module imports Avalanche, which takes seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from growlearn.adapters.avalanche.importing import avalanche_importable
from growlearn.evaluation.answers import Answers

with avalanche_importable():
    from avalanche.benchmarks import benchmark_from_datasets, task_incremental_benchmark
    from avalanche.benchmarks.utils import as_classification_dataset
    from avalanche.evaluation.metrics import accuracy_metrics
    from avalanche.models import MultiTaskModule
    from avalanche.training.plugins import EvaluationPlugin
    from avalanche.training.templates import SupervisedTemplate

BATCH_ROWS = 4096


class _Lookup(MultiTaskModule):  # type: ignore[misc] # avalanche ships no types
    """Answers row indices of experience t with the stored logits of that experience.

    The model itself answered all rows beforehand, so that how Avalanche batches them changes nothing.
    """

    def __init__(self, logits: Sequence[Tensor]) -> None:
        super().__init__()
        self.logits = logits

    def adaptation(self, experience: object) -> None:
        """Nothing grows while answers are counted."""

    def forward(self, x: Tensor, task_labels: Tensor) -> Tensor:
        """Row indices [B], all of one experience -> logits [B, C]."""
        return self.logits[int(task_labels[0])][x]


def accuracies(experiences: Sequence[Answers]) -> list[float]:
    """Avalanche's accuracy of each experience, in order; none may be empty."""
    if not experiences:
        return []
    benchmark = task_incremental_benchmark(
        benchmark_from_datasets(test=[_dataset(experience) for experience in experiences])
    )
    strategy = _strategy(_Lookup([torch.tensor(experience.logits) for experience in experiences]))
    results = strategy.eval(benchmark.streams["test"])
    return [
        float(results[f"Top1_Acc_Exp/eval_phase/test_stream/Task{t:03d}/Exp{t:03d}"])
        for t in range(len(experiences))
    ]


def _dataset(experience: Answers) -> object:
    targets = torch.tensor(experience.truth)
    dataset = TensorDataset(torch.arange(len(targets)), targets)
    dataset.targets = targets.tolist()  # type: ignore[attr-defined] # where Avalanche looks for them
    return as_classification_dataset(dataset)


def _strategy(model: _Lookup) -> SupervisedTemplate:
    with warnings.catch_warnings():
        # The figures are read from the returned results; loggers would print them.
        warnings.filterwarnings("ignore", "No loggers specified", UserWarning)
        plugin = EvaluationPlugin(accuracy_metrics(experience=True), loggers=[])
    return SupervisedTemplate(
        model=model,
        optimizer=torch.optim.SGD([torch.zeros(1)]),  # asked for, never stepped
        criterion=_no_loss,
        eval_mb_size=BATCH_ROWS,
        evaluator=plugin,
    )


def _no_loss(*_: Tensor) -> Tensor:
    """Targets outside the head's classes have no cross-entropy, and none is reported."""
    return torch.zeros(())
