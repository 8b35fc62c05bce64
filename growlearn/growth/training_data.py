"""The rows that a growth trains on, with everything that is frozen computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.domain.growth import ALONE, Combination, GrowthPlan
from growlearn.domain.schema import Label
from growlearn.growth.augmentation import augment_images, resolve_augmentation
from growlearn.growth.branch_init import TrainableParts
from growlearn.growth.feature_cache import TokensKept, cache_frozen_features, encode_inputs
from growlearn.growth.frozen_answer import FrozenAnswer
from growlearn.ingest.rows import Column, Rows
from growlearn.network.model.head_sum import combine
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.transfer import pick, to_device


@dataclass(frozen=True)
class CachedDataset:
    """Rows with cached features: `tokens` gives z [B, T, D] and parents' features [B, 1 + P, D].

    It takes row indices on the CPU; all tensors are on the device that trains.
    Where it gets a generator, the images that a trained stem reads are augmented with it.
    `linear_logits` are those of the linear term L of a trained stem [N, C], which the new head joins by
    `linear_combination` once it is trained: h = a L + s h'. `frozen_logits` are those of the frozen answer F
    [N, C] that h joins by `combination`. None where the one or the other does not enter.
    """

    tokens: Callable[[Tensor, torch.Generator | None], tuple[Tensor, Tensor]]
    targets: Tensor  # class indices [N]
    row_weights: Tensor | None = None  # in the loss, [N]; None: all 1
    frozen_logits: Tensor | None = None
    combination: Combination = ALONE
    linear_logits: Tensor | None = None
    linear_combination: Combination = ALONE

    def __len__(self) -> int:
        return len(self.targets)

    def weights_at(self, index: Tensor) -> Tensor | None:
        """The weights of the rows at `index` [B]."""
        return None if self.row_weights is None else pick(self.row_weights, index)

    def targets_at(self, index: Tensor) -> Tensor:
        """The class indices of the rows at `index` [B]."""
        return pick(self.targets, index)

    def answer_at(self, index: Tensor, logits: Tensor) -> Tensor:
        """What the model answers: the new head's logits [..., B, C] -> a F + s h [..., B, C]."""
        if self.linear_logits is not None:
            logits = combine(self.linear_combination, self.linear_logits[index], logits)
        if self.frozen_logits is None:
            return logits
        return combine(self.combination, pick(self.frozen_logits, index), logits)


def cache_dataset(
    plan: GrowthPlan,
    network: GrowingNetwork,
    trainable: TrainableParts,
    rows: Rows,
    frozen_answer: FrozenAnswer | None = None,
) -> CachedDataset:
    """Labelled rows with their frozen features, and with the logits of the frozen answer where one enters."""
    targets = to_class_indices(rows.labels, plan.classes)
    row_weights = torch.tensor(plan.class_weights)[targets] if plan.class_weights else None
    stem, device = trainable.stem, network.device
    frozen = cache_frozen_features(
        network,
        rows,
        plan.lineage,
        tokens_kept=_choose_tokens(trainable),
        answer_lineage=None if frozen_answer is None else frozen_answer.lineage,
    )
    inputs = None if stem is None else encode_inputs(stem, rows)

    names = resolve_augmentation(plan.growth)

    def tokens(index: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        features = frozen.at(index)
        z = None if features.z is None else to_device(features.z, device)  # [B, T, D]
        if stem is not None and inputs is not None:
            z = stem(augment_images(inputs(index), names, generator))
        assert z is not None
        return z, torch.cat([z.mean(1, keepdim=True), to_device(features.residuals, device)], dim=1)

    return CachedDataset(
        tokens,
        to_device(targets, device),
        None if row_weights is None else to_device(row_weights, device),
        None if frozen_answer is None or frozen.answer is None else frozen_answer.logits(frozen.answer),
        plan.combination,
    )


def _choose_tokens(trainable: TrainableParts) -> TokensKept:
    """What training reads of the frozen stem's tokens: a new branch all, a head alone their mean."""
    if trainable.stem is not None:
        return "none"
    return "all" if trainable.branches else "mean"


def to_class_indices(labels: Column, classes: tuple[Label, ...]) -> Tensor:
    """Labels [N] -> their indices in `classes`, int64 [N]."""
    class_index = {label: i for i, label in enumerate(classes)}
    return torch.tensor([class_index[label] for label in labels], dtype=torch.int64)
