"""Branch growth as an Avalanche strategy: one frozen branch per experience.

experience -> inputs as rows -> training and validation rows -> parent selection -> new branch
           -> Avalanche's loop, plugins and loggers over the training rows -> best epoch -> frozen

Importing this module imports Avalanche, which takes seconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import CrossEntropyLoss
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from growlearn.adapters.avalanche.branch_training import BranchTraining
from growlearn.adapters.avalanche.classifier import GrowingClassifier
from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.domain.errors import CannotGrow, GrowLearnError
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.growth.training_data import to_class_indices
from growlearn.growth.training_loop import make_optimizer
from growlearn.growth.weight_average import track_averages, use_averages
from growlearn.ingest.rows import Rows, Split, object_column, split_rows
from growlearn.network.devices import resolve_device
from growlearn.network.transfer import to_device

with patch_avalanche_import():
    from avalanche.training.templates import SupervisedTemplate

_READ_BATCH_ROWS = 512


class BranchGrowth(SupervisedTemplate):  # type: ignore[misc] # avalanche ships no types
    """Grows one branch per experience; earlier branches and heads are frozen and checked to be unchanged.

    `model` is the network's configuration and `growth` how a branch is initialised and trained;
    `train_mb_size` and `train_epochs`, where given, replace its batch size and epochs. The fraction
    `growth.validation_fraction` of each experience's rows is not used for training: it selects the best
    epoch and calibrates the router. `growth.patience` sets early stopping. Other keywords go to Avalanche's
    SupervisedTemplate. `device` trains and answers: cpu, cuda, cuda:N, mps, or auto for the fastest there is;
    that of `growth` is not read.

    Without an `optimizer` a branch is trained by AdamW, with the learning rate of `growth` on one cycle, set
    before each iteration, so that a plugin may change it; a moving average of its weights is kept. A given
    `optimizer`, of one parameter group, gets each branch's parameters in turn and keeps its own options and
    learning rate, which then are Avalanche's schedulers' to change; no average is taken.

    An experience must have one task label. Between experiences that share one (class- and
    domain-incremental benchmarks) the router decides at inference.
    """

    def __init__(
        self,
        *,
        model: ModelConfig | GrowingClassifier = ModelConfig(),  # noqa: B008 - frozen
        optimizer: Optimizer | None = None,
        criterion: Any = CrossEntropyLoss(),  # noqa: B008 - has no state
        train_mb_size: int | None = None,
        train_epochs: int | None = None,
        growth: GrowthConfig = GrowthConfig(init="warm_start"),  # noqa: B008 - frozen
        device: str | torch.device = "cpu",
        **template: Any,
    ) -> None:
        device = resolve_device(str(device), "device")
        if optimizer is not None and len(optimizer.param_groups) != 1:
            raise GrowLearnError(
                f"an optimizer with {len(optimizer.param_groups)} parameter groups", hint="give it one group"
            )
        num_epochs = growth.max_epochs if train_epochs is None else train_epochs
        self.growth = replace(
            growth, batch_size=train_mb_size or growth.batch_size, epochs=max(1, num_epochs)
        )
        self._is_rate_given = optimizer is not None
        super().__init__(
            model=GrowingClassifier(model) if isinstance(model, ModelConfig) else model,
            optimizer=optimizer or torch.optim.SGD([torch.zeros(1)]),  # replaced with the first branch
            criterion=criterion,
            train_mb_size=self.growth.batching(0)[0],
            train_epochs=num_epochs,
            device=device,
            **{"eval_mb_size": _READ_BATCH_ROWS, **template},
        )
        self.optimizer: Optimizer
        self.adapted_dataset: Any
        self.optimized_param_id: dict[str, Tensor]
        self.branch_training: BranchTraining | None = None
        self._row_split: Split | None = None
        self._prefix_logits = torch.empty(0)
        self._epoch_iteration = 0

    # What Avalanche calls before an experience ---------------------------------------------------------

    def train_dataset_adaptation(self, **kwargs: Any) -> None:
        """Remove the validation rows from the training data; the same rows at every call."""
        super().train_dataset_adaptation(**kwargs)
        rows = self._read_rows()
        self._row_split = split_rows(rows, 0.0, self.growth.validation_fraction, min_validation_rows=1)
        train = np.flatnonzero(np.isin(rows.row_hashes, self._row_split.train.row_hashes))
        if len(train) < self.growth.min_rows:
            raise CannotGrow(
                f"an experience with {len(train)} training rows, fewer than {self.growth.min_rows}",
                hint="give more rows, or lower growth.min_rows",
            )
        self.adapted_dataset = self.adapted_dataset.subset(train.tolist())

    def _read_rows(self) -> Rows:
        """The experience's rows after its evaluation transforms."""
        dataset = self.experience.dataset.eval()
        loader = DataLoader(
            dataset, batch_size=_READ_BATCH_ROWS, collate_fn=getattr(dataset, "collate_fn", None)
        )
        inputs, labels = [], []
        for self.mbatch in loader:  # so a subclass may read batches of its own form
            self._unpack_minibatch()
            inputs.append(self.mb_x)
            labels.append(self.mb_y)
        self.mbatch = None
        targets = _check_targets(torch.cat(labels)).tolist()
        self.model.fit(torch.cat(inputs))
        self.model.extend_classes(targets)
        rows: Rows = self.model.to_rows(torch.cat(inputs), targets)
        return rows

    def train(self, *arguments: Any, **options: Any) -> Any:
        """As Avalanche's; an experience that is interrupted leaves nothing of its branch behind."""
        try:
            return super().train(*arguments, **options)
        except BaseException:
            self.branch_training, self._row_split, self._prefix_logits = None, None, torch.empty(0)
            self.model.drop_unfinished()
            raise

    def model_adaptation(self, model: Any = None) -> Any:
        """Create the new branch before an experience is trained."""
        adapted = super().model_adaptation(model)
        if self.is_training and adapted is self.model and self._row_split is not None:
            parts, self._row_split = self._row_split, None
            self.branch_training = BranchTraining(adapted, self._make_task_name(), parts, self.growth)
        return adapted

    def _make_task_name(self) -> str:
        """The task label, with a number where earlier experiences had that label."""
        label = self._get_task_label()
        num_earlier = len(self.model.list_task_versions(label))
        return str(label) if num_earlier == 0 else f"{label}/{num_earlier + 1}"

    def _get_task_label(self) -> int:
        labels = sorted(set(getattr(self.experience, "task_labels", [0])))
        if len(labels) != 1:
            raise GrowLearnError(
                f"an experience with task labels {labels}", hint="give each experience one task label"
            )
        return int(labels[0])

    def make_optimizer(self, **_: Any) -> None:
        """An optimiser over the new branch alone."""
        self.optimized_param_id = {}
        if self.branch_training is None:
            return
        modules = self.branch_training.trainable_parts.modules()
        if self._is_rate_given:
            parameters = [parameter for module in modules for parameter in module.parameters()]
            self.optimizer.param_groups[0]["params"] = parameters
            self.optimizer.state.clear()
        else:
            self.optimizer = make_optimizer(modules, self.growth)
            track_averages(self.optimizer)

    # What Avalanche calls during training --------------------------------------------------------------

    def _before_training_epoch(self, **kwargs: Any) -> None:
        self._epoch_iteration = 0
        super()._before_training_epoch(**kwargs)

    def _before_training_iteration(self, **kwargs: Any) -> None:
        if not self._is_rate_given:
            self._set_learning_rate()
        super()._before_training_iteration(**kwargs)

    def _set_learning_rate(self) -> None:
        branch_training = self._require_training()
        epochs_done = len(branch_training.losses) + min(
            1.0, self._epoch_iteration / max(1, len(self.dataloader))
        )
        for group in self.optimizer.param_groups:
            group["lr"] = branch_training.lr_schedule.learning_rate_at(epochs_done)
        self._epoch_iteration += 1

    def forward(self) -> Tensor:
        """Logits [B, known classes]; in training those of all prefixes are stored for the loss."""
        if self.is_training:
            branch_training = self._require_training()
            self._prefix_logits = branch_training.compute_prefix_logits(
                self.model.to_rows(self.mb_x)
            )  # [n, B, C]
            out: Tensor = self.model.expand_logits(self._prefix_logits[-1], branch_training.plan.task)
        else:
            out = self.model(self.mb_x, self._get_task_labels())
        return out

    def _get_task_labels(self) -> Tensor:
        """The batch's task labels [B]; all 0 where the benchmark gives none."""
        zeros = torch.zeros(len(self.mb_x), dtype=torch.int64, device=self.mb_x.device)
        return self.mb_task_id if hasattr(self.experience, "task_labels") else zeros

    def criterion(self) -> Tensor:
        """The criterion; in training its mean over all prefixes.

        Rows of other tasks or classes (a replay plugin's) do not enter the loss: their heads are frozen.
        """
        if not self.is_training:
            return self._criterion(self.mb_output, self.mb_y)  # type: ignore[no-any-return]
        classes = self._require_training().plan.classes
        own_classes = to_device(torch.tensor(classes), self.mb_y.device)
        is_own_row = torch.isin(self.mb_y, own_classes) & (
            self._get_task_labels() == self._get_task_label()
        )  # [B]
        if not is_own_row.any():
            return self._prefix_logits.sum() * 0.0
        targets = to_class_indices(object_column(self.mb_y[is_own_row].tolist()), classes)
        targets = to_device(targets, self.mb_y.device)
        return torch.stack(
            [self._criterion(prefix[is_own_row], targets) for prefix in self._prefix_logits]
        ).mean()

    def optimizer_step(self) -> None:
        """Step with gradients of bounded length."""
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        super().optimizer_step()

    def _after_training_epoch(self, **kwargs: Any) -> None:
        super()._after_training_epoch(**kwargs)
        branch_training = self._require_training()
        with use_averages(self.optimizer):  # does nothing for a given optimiser: it has none
            branch_training.end_epoch()
        if branch_training.lr_schedule.last_epoch <= len(branch_training.losses) < self.train_epochs:
            self.stop_training()

    def _after_training_exp(self, **kwargs: Any) -> None:
        self._require_training().freeze()
        self.branch_training, self._prefix_logits = None, torch.empty(0)
        super()._after_training_exp(**kwargs)

    def _require_training(self) -> BranchTraining:
        assert self.branch_training is not None, "training has begun"
        return self.branch_training


def _check_targets(targets: Tensor) -> Tensor:
    """Targets [N], which must be class labels: whole numbers from 0."""
    if targets.ndim != 1 or targets.is_floating_point() or (targets < 0).any():
        raise GrowLearnError(
            f"targets of shape {list(targets.shape)} and type {targets.dtype} are no class labels",
            hint="give each row one whole number from 0",
        )
    return targets
