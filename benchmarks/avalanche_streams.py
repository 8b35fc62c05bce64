"""Two streams of Fashion-MNIST as Avalanche benchmarks: five tasks of two classes, and five domains.

Every task or domain gets training, validation and test images of its own; test images are the data set's
own test rows, each used once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import fashion_mnist
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from growlearn.adapters.avalanche.importing import patch_avalanche_import

with patch_avalanche_import():
    from avalanche.benchmarks import benchmark_from_datasets, with_classes_timeline, with_task_labels
    from avalanche.benchmarks.utils.classification_dataset import _make_taskaware_classification_dataset

TASKS = 5
STREAMS = ("split", "domains")
PROBE_ROWS = 200  # test rows of each task that are also answered on the way, for the forgetting


@dataclass(frozen=True)
class Sizes:
    """Rows of each task."""

    train: int
    validation: int


def benchmark(stream: str, ids: bool, seed: int, sizes: Sizes) -> Any:
    """Streams train, validation, test and probe; without ids every row has task label 0."""
    rows = np.random.default_rng(seed)
    images, labels = fashion_mnist.load("train")
    parts: dict[str, list[Any]] = {"train": [], "validation": [], "test": [], "probe": []}
    order, test_images, test_labels = rows.permutation(len(labels)), *fashion_mnist.load("t10k")
    for task in range(TASKS):
        mine = _share(stream, labels[order], task)
        train, validation = np.split(mine[: sizes.train + sizes.validation], [sizes.train])
        test = _share(stream, test_labels, task)
        label = task if ids else 0
        for name, source, truth, where in (
            ("train", images, labels, order[train]),
            ("validation", images, labels, order[validation]),
            ("test", test_images, test_labels, test),
            ("probe", test_images, test_labels, test[:PROBE_ROWS]),
        ):
            seen = _as_seen(stream, task, source[where], rows)
            parts[name].append(_dataset(seen, truth[where], label))
    return with_classes_timeline(with_task_labels(benchmark_from_datasets(**parts)))


def _share(stream: str, labels: fashion_mnist.Array, task: int) -> Any:
    """Indices of the rows of a task: its two classes, or a fifth of all."""
    if stream == "split":
        return np.flatnonzero(labels // 2 == task)
    return np.arange(task, len(labels), TASKS)


def _as_seen(stream: str, task: int, images: fashion_mnist.Array, rows: np.random.Generator) -> Tensor:
    """Images uint8 [N, 28, 28] -> float [N, 1, 28, 28] in [0, 1], as the domain shows them."""
    shown = images.astype(np.float32) / 255
    if stream == "domains":
        if task == 1:
            shown = np.rot90(shown, axes=(1, 2)).copy()
        elif task == 2:
            shown = 1 - shown
        elif task == 3:
            shown = (shown + rows.normal(0, 0.3, shown.shape)).clip(0, 1).astype(np.float32)
        elif task == 4:
            places = np.random.default_rng(0).permutation(28 * 28)
            shown = shown.reshape(len(shown), -1)[:, places].reshape(shown.shape)
    return torch.from_numpy(shown)[:, None]


def _dataset(images: Tensor, labels: fashion_mnist.Array, task: int) -> Any:
    targets = torch.from_numpy(labels.astype(np.int64))
    dataset = TensorDataset(images, targets)
    return _make_taskaware_classification_dataset(dataset, task_labels=task, targets=targets.tolist())
