"""Branch growth as an Avalanche strategy: one frozen branch an experience.

experience -> images as rows -> training and validation rows -> parents' probe -> newborn branch
           -> Avalanche's loop, plugins and loggers over the training rows -> best epoch -> frozen

Importing this module imports Avalanche, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from growlearn.adapters.avalanche.classifier import GrowingClassifier
from growlearn.adapters.avalanche.growing import Growing
from growlearn.adapters.avalanche.importing import avalanche_importable
from growlearn.domain.errors import GrowLearnError, NotGrowable
from growlearn.domain.job import GrowthSpec, ModelSpec
from growlearn.growth.course import optimizer_of
from growlearn.growth.train import class_indices
from growlearn.ingest.rows import Rows, Split, object_column, split

with avalanche_importable():
    from avalanche.training.plugins.evaluation import EvaluationPlugin, default_evaluator
    from avalanche.training.templates import SupervisedTemplate

_READ_ROWS = 512


class BranchGrowth(SupervisedTemplate):  # type: ignore[misc] # avalanche ships no types
    """Grows one branch an experience; whatever was grown before is frozen and proven unchanged.

    `model` is the network's shape and `growth` how a branch is born and trained; `train_mb_size` and
    `train_epochs`, where given, take the place of its batch size and epochs. A share
    `growth.validation` of each experience's rows is not trained on: it chooses the epoch that is kept
    and calibrates the router. Training ends early where `growth.patience` says so. The learning rate
    is set before each iteration, so that a plugin may change it. Other keywords go to Avalanche's
    SupervisedTemplate. Runs on the CPU.

    An experience must have one task label. Experiences that share one (class- and domain-incremental
    benchmarks) are told apart by the router when they are answered.
    """

    def __init__(
        self,
        *,
        model: ModelSpec | GrowingClassifier = ModelSpec(),  # noqa: B008 - frozen
        growth: GrowthSpec = GrowthSpec(birth="copy"),  # noqa: B008 - frozen
        train_mb_size: int | None = None,
        train_epochs: int | None = None,
        eval_mb_size: int = 512,
        device: str | torch.device = "cpu",
        plugins: Sequence[Any] | None = None,
        evaluator: EvaluationPlugin | Callable[[], EvaluationPlugin] = default_evaluator,
        **template: Any,
    ) -> None:
        if torch.device(device).type != "cpu":
            raise GrowLearnError(f"growth in Avalanche cannot run on {device}", cure="use device='cpu'")
        self.growth = replace(
            growth, batch_size=train_mb_size or growth.batch_size, epochs=train_epochs or growth.epochs
        )
        super().__init__(
            model=GrowingClassifier(model) if isinstance(model, ModelSpec) else model,
            optimizer=torch.optim.SGD([torch.zeros(1)]),  # until a branch is born and brings its own
            train_mb_size=self.growth.batch_size,
            train_epochs=self.growth.epochs,
            eval_mb_size=eval_mb_size,
            device=device,
            plugins=plugins,
            evaluator=evaluator,
            **template,
        )
        self.adapted_dataset: Any
        self.optimized_param_id: dict[str, Tensor]
        self.growing: Growing | None = None
        self._parts: Split | None = None
        self._prefixes = torch.empty(0)
        self._step = 0

    # What Avalanche calls before an experience ------------------------------------------------------

    def train_dataset_adaptation(self, **kwargs: Any) -> None:
        """Leave the validation rows out of what is trained on; the same rows however often it is asked."""
        super().train_dataset_adaptation(**kwargs)
        rows = self._read()
        self._parts = split(rows, 0.0, self.growth.validation, least=1)
        train = np.flatnonzero(np.isin(rows.keys, self._parts.train.keys))
        if len(train) < self.growth.min_rows:
            raise NotGrowable(
                f"an experience with {len(train)} training rows, fewer than {self.growth.min_rows}",
                cure="give more rows, or lower growth.min_rows",
            )
        self.adapted_dataset = self.adapted_dataset.subset(train.tolist())

    def _read(self) -> Rows:
        """The experience's rows as its evaluation transforms give them."""
        dataset = self.experience.dataset.eval()
        loader = DataLoader(dataset, batch_size=_READ_ROWS, collate_fn=getattr(dataset, "collate_fn", None))
        batches = [(batch[0], batch[1]) for batch in loader]
        images = torch.cat([images for images, _ in batches])
        self.model.fit(images)
        rows: Rows = self.model.rows(images, torch.cat([labels for _, labels in batches]).tolist())
        return rows

    def model_adaptation(self, model: Any = None) -> Any:
        """Conceive the new branch when an experience is to be trained."""
        adapted = super().model_adaptation(model)
        if self.is_training and adapted is self.model and self._parts is not None:
            parts, self._parts = self._parts, None
            self.growing = Growing(adapted, self._new_name(), parts, self.growth)
        return adapted

    def _new_name(self) -> str:
        """The task label, and a number where experiences with that label were grown before."""
        label = self._label()
        before = len(self.model.regimes(label))
        return str(label) if before == 0 else f"{label}/{before + 1}"

    def _label(self) -> int:
        labels = sorted(set(getattr(self.experience, "task_labels", [0])))
        if len(labels) != 1:
            raise GrowLearnError(
                f"an experience with task labels {labels}", cure="give each experience one task label"
            )
        return int(labels[0])

    def make_optimizer(self, **_: Any) -> None:
        """An optimiser over the new branch alone."""
        self.optimized_param_id = {}
        if self.growing is not None:
            self.optimizer = optimizer_of(self.growing.newborn.trainable(), self.growth)

    # What it calls while it trains -------------------------------------------------------------------

    def _before_training_epoch(self, **kwargs: Any) -> None:
        self._step = 0
        super()._before_training_epoch(**kwargs)

    def _before_training_iteration(self, **kwargs: Any) -> None:
        growing = self._required()
        done = len(growing.losses) + min(1.0, self._step / max(1, len(self.dataloader)))
        for group in self.optimizer.param_groups:
            group["lr"] = growing.pace.rate(done)
        self._step += 1
        super()._before_training_iteration(**kwargs)

    def forward(self) -> Tensor:
        """Logits [B, classes known]; in training those of all prefixes are kept for the loss."""
        if self.is_training:
            growing = self._required()
            self._prefixes = growing.prefixes(self.model.rows(self.mb_x))  # [n, B, C]
            out: Tensor = self.model.spread(self._prefixes[-1], growing.plan.task)
        else:
            out = self.model(self.mb_x, self._task_labels())
        return out

    def _task_labels(self) -> Tensor:
        """The batch's task labels [B]; all 0 where the benchmark gives none."""
        none = torch.zeros(len(self.mb_x), dtype=torch.int64)
        return self.mb_task_id if hasattr(self.experience, "task_labels") else none

    def criterion(self) -> Tensor:
        """The criterion; in training its mean over all prefixes.

        Rows of other tasks or classes (a replay plugin's) teach nothing: what they are about is frozen.
        """
        if not self.is_training:
            return self._criterion(self.mb_output, self.mb_y)  # type: ignore[no-any-return]
        classes = self._required().plan.classes
        own = torch.isin(self.mb_y, torch.tensor(classes)) & (self._task_labels() == self._label())  # [B]
        if not own.any():
            return self._prefixes.sum() * 0.0
        targets = class_indices(object_column(self.mb_y[own].tolist()), classes)
        return torch.stack([self._criterion(prefix[own], targets) for prefix in self._prefixes]).mean()

    def optimizer_step(self) -> None:
        """Step with gradients of bounded length."""
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        super().optimizer_step()

    def _after_training_epoch(self, **kwargs: Any) -> None:
        super()._after_training_epoch(**kwargs)
        growing = self._required()
        growing.end_epoch()
        if growing.pace.last <= len(growing.losses) < self.train_epochs:
            self.stop_training()

    def _after_training_exp(self, **kwargs: Any) -> None:
        self._required().freeze()
        self.growing = None
        super()._after_training_exp(**kwargs)

    def _required(self) -> Growing:
        assert self.growing is not None, "training has begun"
        return self.growing
