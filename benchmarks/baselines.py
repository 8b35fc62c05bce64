"""Avalanche's own strategies on a network as large as the grown one, stopped when their time is used up.

What had to be mended, each by a small subclass here: Avalanche 0.6.0 indexes a tensor with a set in its
multi-head classifier (an error in torch 2.13), which PNN uses too; PNN's first layer ignores `adapter`;
DER asks a multi-head model for logits without saying for which task.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.adapters.avalanche.pixels import IMAGE_COLUMN
from growlearn.domain.job import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.stems.stem import Stem

with patch_avalanche_import():
    from avalanche.core import SupervisedPlugin
    from avalanche.evaluation.metrics import accuracy_metrics
    from avalanche.models import IncrementalClassifier, MultiHeadClassifier, MultiTaskModule
    from avalanche.models.pnn import PNN, PNNLayer
    from avalanche.training.plugins.evaluation import EvaluationPlugin
    from avalanche.training.supervised import (
        DER,
        EWC,
        GDumb,
        JointTraining,
        LwF,
        Naive,
        PNNStrategy,
        Replay,
    )
    from avalanche.training.supervised.der import ClassBalancedBufferWithLogits

CLASSES = 10
MEMORY_ROWS = 2000
BATCH = 128
SIDE = 28


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
"""Seconds that pass, or seconds of processor that the process gets: the fairer on a machine others use."""


class Budget(SupervisedPlugin):  # type: ignore[misc]
    """Ends an experience when the time of all experiences so far is used up.

    Time spent after an experience (on importances, or on a memory) is taken off the next one. Until then
    the rate follows one cycle over the seconds left. Gradients are clipped to length 1, as in growth.
    """

    def __init__(self, peak: float, clock: str) -> None:
        super().__init__()
        self.peak, self.steps = peak, 0
        self._now = CLOCKS[clock]
        self.spent = self.granted = 0.0  # seconds, all experiences together
        self.started = 0.0

    def begin(self, seconds: float) -> None:
        """Grant more time, and start the clock."""
        self.granted += seconds
        self.started = self._now()

    def end(self) -> None:
        """Stop the clock."""
        self.spent += self._now() - self.started

    def before_training_iteration(self, strategy: Any, **_: Any) -> None:
        """Set the rate, or stop; one step is always made."""
        seconds = max(self.granted - self.spent, 1e-3)
        done = min(1.0, (self._now() - self.started) / seconds)
        if done == 1.0:
            strategy.stop_training()
        rising = min(1.0, 0.04 + 0.96 * done / 0.1)
        falling = 0.5 * (1 + math.cos(math.pi * max(0.0, (done - 0.1) / 0.9)))
        self.steps += 1
        for group in strategy.optimizer.param_groups:
            group["lr"] = self.peak * min(rising, falling)

    def before_update(self, strategy: Any, **_: Any) -> None:
        """Clip."""
        nn.utils.clip_grad_norm_(strategy.model.parameters(), 1.0)


class Heads(MultiHeadClassifier):  # type: ignore[misc]
    """Avalanche's heads, given the classes as a list, not as a set."""

    def adaptation(self, experience: Any) -> None:
        """As Avalanche does."""
        super().adaptation(
            SimpleNamespace(
                classes_in_this_experience=sorted(experience.classes_in_this_experience),
                task_labels=list(experience.task_labels),
            )
        )


class Trunk(nn.Module):
    """Our stem and our branches side by side, trained together: images [B, 1, 28, 28] -> [B, D]."""

    def __init__(self, spec: ModelConfig, branches: int) -> None:
        super().__init__()
        schema = Schema(inputs={IMAGE_COLUMN: InputColumn(type=InputType.IMAGE, shape=(1, SIDE, SIDE))})
        self.stem = Stem(schema, spec, {})
        self.branches = nn.ModuleList(ResidualBranch(spec) for _ in range(branches))
        self.norm = nn.LayerNorm(spec.embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Pooled tokens and pooled residuals, added up and normalised."""
        pixels = (x - 0.286) / 0.353  # mean and spread of Fashion-MNIST
        z = self.stem({f"image {IMAGE_COLUMN}": pixels})  # [B, T, D]
        features: Tensor = self.norm((z + sum(branch(z) for branch in self.branches)).mean(1))
        return features


class OneHead(nn.Module):
    """Trunk and one head over all classes."""

    def __init__(self, spec: ModelConfig, branches: int) -> None:
        super().__init__()
        self.trunk = Trunk(spec, branches)
        self.classifier = IncrementalClassifier(spec.embed_dim, CLASSES, masking=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, 10]."""
        logits: Tensor = self.classifier(self.trunk(x))
        return logits


class ManyHeads(MultiTaskModule):  # type: ignore[misc]
    """Trunk and a head a task."""

    def __init__(self, spec: ModelConfig, branches: int) -> None:
        super().__init__()
        self.trunk = Trunk(spec, branches)
        self.classifier = Heads(spec.embed_dim, CLASSES)

    def forward(self, x: Tensor, task_labels: Any) -> Any:
        """Logits [B, 10] of each row's own task; without labels a dictionary of all, as LwF wants it."""
        return self.classifier(self.trunk(x), task_labels)


class Columns(PNN):  # type: ignore[misc]
    """Progressive networks with the adapter in every layer and heads that work."""

    def __init__(self, hidden: int) -> None:
        super().__init__(num_layers=2, in_features=SIDE * SIDE, hidden_features_per_column=hidden)
        self.layers[0] = PNNLayer(SIDE * SIDE, hidden, adapter="linear")
        self.layers[1] = PNNLayer(hidden, hidden, adapter="linear")
        self.classifier = Heads(hidden, CLASSES)

    def adaptation(self, experience: Any) -> None:
        """As Avalanche does, with room for as many classes as a head has."""
        super().adaptation(experience)
        self.max_class_label = CLASSES


class _OfTask(nn.Module):
    """A multi-head model bound to one task."""

    def __init__(self, model: nn.Module, task: int) -> None:
        super().__init__()
        self.model, self.task = model, task

    def forward(self, x: Tensor) -> Tensor:
        """Logits of that task."""
        logits: Tensor = self.model(x, torch.full((len(x),), self.task))
        return logits


class _Buffer(ClassBalancedBufferWithLogits):  # type: ignore[misc]
    """DER's memory, for a model that must be told the task."""

    def update(self, strategy: Any, **kwargs: Any) -> None:
        """Store rows with the logits of their own task's head."""
        model = strategy.model
        if isinstance(model, MultiTaskModule):
            model = _OfTask(model, strategy.experience.task_labels[0])
        asked = SimpleNamespace(
            experience=strategy.experience, model=model, train_mb_size=512, device=strategy.device
        )
        super().update(asked, **kwargs)


class Dark(DER):  # type: ignore[misc]
    """DER++ with that memory."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.storage_policy = _Buffer(MEMORY_ROWS, adaptive_size=True)


_HALF = {"train_mb_size": BATCH // 2}  # the other half of each batch comes from memory
KINDS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "Naive": (Naive, {}, {}),
    "EWC": (EWC, {}, {"ewc_lambda": (100.0, 10_000.0)}),
    "LwF": (LwF, {"temperature": 2.0}, {"alpha": (1.0, 10.0)}),
    "Replay 2,000": (Replay, {"mem_size": MEMORY_ROWS, **_HALF}, {}),
    "DER++ 2,000": (Dark, {"mem_size": MEMORY_ROWS, "beta": 0.5, **_HALF}, {"alpha": (0.1, 0.5)}),
    "GDumb 2,000": (GDumb, {"mem_size": MEMORY_ROWS}, {}),
    "PNN": (PNNStrategy, {}, {}),
    "Joint": (JointTraining, {}, {}),
}
"""Strategy, its fixed options, and what is chosen beside the learning rate.

Any other strategy of Avalanche that takes a model and an optimiser is one more line.
"""

NEEDS_IDS = ("PNN",)


def counting() -> EvaluationPlugin:
    """An evaluator that counts right answers and prints nothing."""
    return EvaluationPlugin(accuracy_metrics(experience=True), loggers=[])


def model_for(name: str, ids: bool, spec: ModelConfig, parameters: int) -> nn.Module:
    """The largest network of a baseline's kind that has no more parameters than the grown one at its end."""
    if name == "PNN":
        return Columns(_widest(parameters))
    kind = ManyHeads if ids else OneHead
    count = lambda branches: sum(p.numel() for p in kind(spec, branches).parameters())  # noqa: E731
    one = count(2) - count(1)
    return kind(spec, max(1, 1 + (parameters - count(1)) // one))


def _widest(parameters: int) -> int:
    """Width of five columns of two layers, each with linear adapters from all earlier columns."""

    def size(hidden: int) -> int:
        first = 5 * (SIDE * SIDE + 1) * hidden + 10 * (SIDE * SIDE + 1) * hidden
        second = (5 + 10) * (hidden + 1) * hidden
        return first + second + 5 * (hidden + 1) * CLASSES

    return max((hidden for hidden in range(4, 400) if size(hidden) <= parameters), default=4)


def strategy_for(name: str, model: nn.Module, choice: dict[str, float], budget: Budget) -> Any:
    """An Avalanche strategy that trains until its budget stops it."""
    kind, fixed, _ = KINDS[name]
    extra = {key: value for key, value in choice.items() if key != "learning_rate"}
    options = {"train_mb_size": BATCH, **fixed, **extra}
    return kind(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=choice["learning_rate"], weight_decay=0.05),
        criterion=nn.CrossEntropyLoss(),
        train_epochs=1_000_000,
        eval_mb_size=512,
        plugins=[budget],
        evaluator=counting(),
        **options,
    )
