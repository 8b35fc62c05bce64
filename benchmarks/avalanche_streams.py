"""Split Fashion-MNIST as an Avalanche benchmark: five tasks of two classes each."""

from __future__ import annotations

from typing import Any

import fashion_mnist
import numpy as np
import torch
from torch.utils.data import TensorDataset

from growlearn.adapters.avalanche.importing import patch_avalanche_import

with patch_avalanche_import():
    from avalanche.benchmarks import benchmark_from_datasets, with_classes_timeline, with_task_labels
    from avalanche.benchmarks.utils.classification_dataset import _make_taskaware_classification_dataset

NUM_TASKS = 5
ALL_ROWS = 12_000  # of the training rows, for each task
STOP_FRACTION = 0.1  # of them, to see when a training has converged; growth puts as many aside itself
CHOICE_ROWS = 1_000  # further training rows of each task, for the choice of hyper-parameters


def make_streams(*, ids: bool, seed: int, rows: int) -> dict[str, Any]:
    """Streams of five experiences; without ids every row has the task label 0.

    `train` has so many rows of each task, `fit` and `stop` are its two parts; `choice` has training rows that
    `train` leaves over, and `test` the data set's own test rows.
    """
    images, labels = fashion_mnist.load("train")
    test_images, test_labels = fashion_mnist.load("t10k")
    order = np.random.default_rng(seed).permutation(len(labels))
    parts: dict[str, list[Any]] = {name: [] for name in ("train", "fit", "stop", "choice", "test")}
    for task in range(NUM_TASKS):
        of_task = order[labels[order] // 2 == task]
        train, num_stop = of_task[:rows], round(rows * STOP_FRACTION)
        chosen = {
            "train": train,
            "fit": train[num_stop:],
            "stop": train[:num_stop],
            "choice": of_task[rows : rows + CHOICE_ROWS],
        }
        for name, index in chosen.items():
            parts[name].append(_make_dataset(images[index], labels[index], task if ids else 0))
        is_tested = test_labels // 2 == task
        parts["test"].append(
            _make_dataset(test_images[is_tested], test_labels[is_tested], task if ids else 0)
        )
    parts = {name: datasets for name, datasets in parts.items() if all(map(len, datasets))}
    streams: dict[str, Any] = with_classes_timeline(
        with_task_labels(benchmark_from_datasets(**parts))
    ).streams
    return streams


def _make_dataset(images: fashion_mnist.Array, labels: fashion_mnist.Array, task: int) -> Any:
    """Images uint8 [N, 28, 28] and labels [N] -> images in [0, 1], float [N, 1, 28, 28], and targets."""
    targets = torch.from_numpy(labels.astype(np.int64))
    dataset = TensorDataset(torch.from_numpy(images.astype(np.float32) / 255)[:, None], targets)
    return _make_taskaware_classification_dataset(dataset, task_labels=task, targets=targets.tolist())
