"""Avalanche's own strategies on the network that one growth trains: a stem, a branch and a head.

What had to be patched, each by a small subclass here: Avalanche 0.6.0 indexes a tensor with a set in its
multi-head classifier (an error in torch 2.13), and DER asks a multi-head model for logits without saying for
which task. Its PNN is made of perceptrons; here a column is a stem and a branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.adapters.avalanche.pixels import IMAGE_COLUMN
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.lr_schedule import make_lr_schedule
from growlearn.growth.mixed_precision import mixed_precision
from growlearn.ingest.rows import Rows, object_column
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.stems.stem import Stem, make_stem

with patch_avalanche_import():
    from avalanche.core import SupervisedPlugin
    from avalanche.evaluation.metrics import accuracy_metrics
    from avalanche.models import (
        IncrementalClassifier,
        MultiHeadClassifier,
        MultiTaskModule,
        avalanche_forward,
    )
    from avalanche.training.plugins.evaluation import EvaluationPlugin
    from avalanche.training.supervised import DER, EWC, GDumb, JointTraining, LwF, Naive, Replay
    from avalanche.training.supervised.der import ClassBalancedBufferWithLogits

NUM_CLASSES = 10
MEMORY_ROWS = 2_000
BATCH_SIZE = 128
EVAL_BATCH_SIZE = 512
WEIGHT_DECAY = 0.05
_SCHEMA = Schema(inputs={IMAGE_COLUMN: InputColumn(type=InputType.IMAGE, shape=(1, 28, 28))})


class Convergence(SupervisedPlugin):  # type: ignore[misc]
    """Trains each experience until its validation loss stops falling, with growth's own learning rates.

    `stop` holds the validation rows of each experience. The loss is that of the current one; for strategies
    with a memory that of all so far, for joint training that of all. Gradients are clipped to length 1, as in
    growth.
    """

    def __init__(
        self, config: GrowthConfig, stop: Sequence[Any], scope: Literal["current", "so far", "all"]
    ) -> None:
        super().__init__()
        self.config, self._stop, self._scope = config, stop, scope
        self._initial_loss, self._losses = 0.0, [0.0]
        self._iteration = 0
        self._precision = ExitStack()

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        """Measure the loss before training."""
        self._initial_loss, self._losses = self._compute_loss(strategy), []

    def before_training_epoch(self, *_: Any, **__: Any) -> None:
        """Count the iterations of an epoch."""
        self._iteration = 0

    def before_training_iteration(self, strategy: Any, **_: Any) -> None:
        """Set the learning rate."""
        done = len(self._losses) + min(1.0, self._iteration / max(1, len(strategy.dataloader)))
        schedule = make_lr_schedule(self.config, self._initial_loss, self._losses)
        for group in strategy.optimizer.param_groups:
            group["lr"] = schedule.learning_rate_at(done)
        self._iteration += 1

    def before_forward(self, strategy: Any, **_: Any) -> None:
        """Multiply in the precision of a growth."""
        for stem in (module for module in strategy.model.modules() if isinstance(module, Stem)):
            self._precision.enter_context(mixed_precision(stem, strategy.device, self.config.precision))

    def after_forward(self, *_: Any, **__: Any) -> None:
        """Multiply in float32 again."""
        self._precision.close()

    def before_update(self, strategy: Any, **_: Any) -> None:
        """Clip the gradients."""
        nn.utils.clip_grad_norm_(strategy.model.parameters(), 1.0)

    def after_training_epoch(self, strategy: Any, **_: Any) -> None:
        """End the experience where the schedule ends."""
        self._losses.append(self._compute_loss(strategy))
        if make_lr_schedule(self.config, self._initial_loss, self._losses).last_epoch <= len(self._losses):
            strategy.stop_training()

    @torch.no_grad()
    def _compute_loss(self, strategy: Any) -> float:
        number = strategy.experience.current_experience
        scopes = {"current": slice(number, number + 1), "so far": slice(number + 1), "all": slice(None)}
        total, count = 0.0, 0
        strategy.model.eval()
        for experience in self._stop[scopes[self._scope]]:
            for x, y, task in DataLoader(experience.dataset, batch_size=EVAL_BATCH_SIZE):
                logits = avalanche_forward(strategy.model, x, task)
                total += nn.functional.cross_entropy(logits, y, reduction="sum").item()
                count += len(y)
        strategy.model.train()
        return total / count


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
    """Our stem and one of our branches: images [B, 1, 28, 28] -> features [B, D].

    The stem's normalisation is fitted to `images`.
    """

    def __init__(self, config: ModelConfig, images: Tensor) -> None:
        super().__init__()
        self.stem = make_stem(_SCHEMA, config, _to_rows(images))
        self.branch = ResidualBranch(config)
        self.norm = nn.LayerNorm(config.embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Pooled tokens and the pooled residual, added up and normalised, as a head reads them."""
        z = self.stem(self.stem.encode(_to_rows(x)))  # [B, T, D]
        features: Tensor = self.norm(z.mean(1) + self.branch.pooled(z))
        return features


def _to_rows(images: Tensor) -> Rows:
    """Images in [0, 1], [B, 1, 28, 28], as rows; nothing reads their hashes here."""
    levels = (images * 255).round().to(torch.uint8).numpy()
    empty = object_column([None] * len(levels))
    return Rows({IMAGE_COLUMN: levels}, empty, None, np.zeros(len(levels), np.uint64))


class OneHead(nn.Module):
    """Trunk and one head over all classes."""

    def __init__(self, config: ModelConfig, images: Tensor) -> None:
        super().__init__()
        self.trunk = Trunk(config, images)
        self.classifier = IncrementalClassifier(config.embed_dim, NUM_CLASSES, masking=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, 10]."""
        logits: Tensor = self.classifier(self.trunk(x))
        return logits


class ManyHeads(MultiTaskModule):  # type: ignore[misc]
    """Trunk and a head a task."""

    def __init__(self, config: ModelConfig, images: Tensor) -> None:
        super().__init__()
        self.trunk = Trunk(config, images)
        self.classifier = Heads(config.embed_dim, NUM_CLASSES)

    def forward(self, x: Tensor, task_labels: Any) -> Any:
        """Logits [B, 10] of each row's own task; without labels a dictionary of all, as LwF wants it."""
        return self.classifier(self.trunk(x), task_labels)


class Columns(MultiTaskModule):  # type: ignore[misc]
    """A progressive network (Rusu et al. 2016): a column a task, which reads the frozen earlier ones.

    A column is a trunk and a head; what it reads of the earlier trunks' features passes a perceptron.
    """

    def __init__(self, config: ModelConfig, images: Tensor) -> None:
        super().__init__()
        self._config, self._images, self._task_labels = config, images, list[int]()
        self.max_class_label = NUM_CLASSES
        self.trunks, self.adapters, self.heads = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.placeholder = nn.Parameter(torch.zeros(1))  # so that an optimiser can be built before a column

    def adaptation(self, experience: Any) -> None:
        """Freeze all columns and add one for each new task label."""
        for label in sorted(set(experience.task_labels) - set(self._task_labels)):
            self.requires_grad_(False)
            width = self._config.embed_dim
            before = len(self.trunks) * width
            self.trunks.append(Trunk(self._config, self._images))
            self.adapters.append(
                nn.Sequential(nn.Linear(before, width), nn.ReLU(), nn.Linear(width, width))
                if before
                else nn.Identity()
            )
            self.heads.append(nn.Linear(width, NUM_CLASSES))
            self._task_labels.append(label)

    def train(self, mode: bool = True) -> Columns:
        """Train the last column alone; the others keep what their normalisation counts."""
        super().train(mode)
        for trunk in self.trunks[:-1]:
            trunk.eval()
        return self

    def forward_single_task(self, x: Tensor, task_label: int) -> Tensor:
        """Logits [B, 10] of a task."""
        column = self._task_labels.index(task_label)
        with torch.no_grad():
            before = [trunk(x) for trunk in self.trunks[:column]]
        features = self.trunks[column](x)  # [B, D]
        if before:
            features = features + self.adapters[column](torch.cat(before, dim=1))
        logits: Tensor = self.heads[column](features)
        return logits


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
            experience=strategy.experience,
            model=model,
            train_mb_size=EVAL_BATCH_SIZE,
            device=strategy.device,
        )
        super().update(asked, **kwargs)


class PatchedDer(DER):  # type: ignore[misc]
    """DER++ with that memory."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.storage_policy = _Buffer(MEMORY_ROWS, adaptive_size=True)


@dataclass(frozen=True)
class Baseline:
    """One of Avalanche's strategies, its fixed options, and the values of those that are chosen."""

    strategy: Any
    options: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, tuple[float, ...]] = field(default_factory=dict)
    memory_rows: int = 0
    epochs: int | None = None  # None: as many as every other method may train


_HALF = {"train_mb_size": BATCH_SIZE // 2}  # the other half of each batch comes from memory
BASELINES = {
    "Naive": Baseline(Naive),
    "EWC": Baseline(EWC, choices={"ewc_lambda": (100.0, 10_000.0)}),
    "LwF": Baseline(LwF, {"temperature": 2.0}, {"alpha": (1.0, 10.0)}),
    "Replay": Baseline(Replay, {"mem_size": MEMORY_ROWS, **_HALF}, memory_rows=MEMORY_ROWS),
    "DER++": Baseline(
        PatchedDer,
        {"mem_size": MEMORY_ROWS, "beta": 0.5, **_HALF},
        {"alpha": (0.1, 0.5)},
        memory_rows=MEMORY_ROWS,
    ),
    "GDumb": Baseline(GDumb, {"mem_size": MEMORY_ROWS}, memory_rows=MEMORY_ROWS, epochs=30),
    "PNN": Baseline(Naive),  # Avalanche's PNNStrategy is Naive with a check of the model's class
    "Joint": Baseline(JointTraining),
}
NEEDS_IDS = ("PNN",)


def make_evaluator() -> EvaluationPlugin:
    """An evaluator that counts right answers and prints nothing."""
    return EvaluationPlugin(accuracy_metrics(experience=True), loggers=[])


def make_strategy(
    name: str, config: ModelConfig, training: GrowthConfig, choice: dict[str, float], streams: dict[str, Any]
) -> Any:
    """An Avalanche strategy that trains until it has converged."""
    baseline = BASELINES[name]
    ids = len({label for experience in streams["fit"] for label in experience.task_labels}) > 1
    first_images = torch.stack([row[0] for row in streams["fit"][0].dataset])
    model: nn.Module = (Columns if name == "PNN" else ManyHeads if ids else OneHead)(config, first_images)
    if baseline.epochs is not None:
        training = GrowthConfig(
            epochs=baseline.epochs, patience=training.patience, learning_rate=training.learning_rate
        )
    scope: Any = "all" if name == "Joint" else "so far" if baseline.memory_rows else "current"
    convergence = Convergence(training, list(streams["stop"]), scope)
    return baseline.strategy(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY),
        criterion=nn.CrossEntropyLoss(),
        train_epochs=training.epochs,
        eval_mb_size=EVAL_BATCH_SIZE,
        plugins=[convergence],
        evaluator=make_evaluator(),
        **{"train_mb_size": BATCH_SIZE, **baseline.options, **choice},
    )
