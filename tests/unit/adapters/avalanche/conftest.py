from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.utils.data import TensorDataset

from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.avalanche import BranchGrowth, GrowthConfig, ModelConfig

with patch_avalanche_import():
    from avalanche.benchmarks import nc_benchmark
    from avalanche.core import SupervisedPlugin
    from avalanche.evaluation.metrics import accuracy_metrics, forgetting_metrics, loss_metrics
    from avalanche.logging import TextLogger
    from avalanche.training.plugins import EvaluationPlugin

MODEL = ModelConfig(embed_dim=16, depth=1, num_heads=2, patch_size=2)
GROWTH = GrowthConfig(init="warm_start", learning_rate=5e-3)


def digits(rows: slice) -> TensorDataset:
    """Real digits in [0, 1], with their targets where Avalanche looks for them."""
    bunch = load_digits()
    targets = torch.tensor(bunch.target[rows])
    dataset = TensorDataset(torch.tensor(bunch.images[rows] / 16, dtype=torch.float32)[:, None], targets)
    dataset.targets = targets.tolist()  # type: ignore[attr-defined]
    return dataset


def benchmark(task_labels: bool, experiences: int = 5) -> Any:
    return nc_benchmark(
        digits(slice(0, 900)),
        digits(slice(900, None)),
        n_experiences=experiences,
        task_labels=task_labels,
        shuffle=False,
    )


def counting_plugin() -> Any:
    """A plugin whose every callback is counted by name."""
    names = [name for name in dir(SupervisedPlugin) if name.startswith(("before_", "after_"))]

    def count(name: str) -> Any:
        return lambda self, strategy, **_: self.calls.update([name])

    plugin = type("Counting", (SupervisedPlugin,), {name: count(name) for name in names})()
    plugin.calls, plugin.names = Counter(), names
    return plugin


def strategy(plugins: Any = (), **options: Any) -> BranchGrowth:
    return BranchGrowth(
        **{
            "model": MODEL,
            "growth": GROWTH,
            "train_mb_size": 32,
            "train_epochs": 2,
            "plugins": list(plugins),
            "evaluator": EvaluationPlugin(accuracy_metrics(stream=True), loggers=[TextLogger(io.StringIO())]),
            **options,
        }
    )


@dataclass
class Script:
    """A whole Avalanche script, run."""

    strategy: BranchGrowth
    plugin: Any
    printed: io.StringIO
    results: list[dict[str, Any]] = field(default_factory=list)
    answers: list[list[Tensor]] = field(default_factory=list)  # after each experience, those of each so far


def run(task_labels: bool) -> Script:
    torch.manual_seed(0)
    printed, plugin, stream = io.StringIO(), counting_plugin(), benchmark(task_labels)
    evaluator = EvaluationPlugin(
        accuracy_metrics(epoch=True, experience=True, stream=True),
        loss_metrics(minibatch=True, stream=True),
        forgetting_metrics(stream=True),
        loggers=[TextLogger(printed)],
    )
    script = Script(strategy([plugin], evaluator=evaluator, train_epochs=5), plugin, printed)
    for experience in stream.train_stream:
        script.strategy.train(experience)
        script.results.append(script.strategy.eval(stream.test_stream))
        model = script.strategy.model
        rows = model.to_rows(digits(slice(0, 200)).tensors[0])
        script.answers.append(
            [torch.from_numpy(model.network.logits(rows, task)) for task in model.network.task_index]
        )
    return script


@pytest.fixture(scope="session")
def with_labels() -> Script:
    """Task-incremental: the benchmark names the task of every row."""
    return run(task_labels=True)


@pytest.fixture(scope="session")
def without_labels() -> Script:
    """Class-incremental: every row has task label 0."""
    return run(task_labels=False)
