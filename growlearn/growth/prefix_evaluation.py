"""The answers of every prefix of a growth, and how good they are on the rows of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.growth import GrowthPlan, PrefixPoint
from growlearn.growth.branch_init import TrainableParts
from growlearn.growth.frozen_answer import FrozenAnswer
from growlearn.growth.head_fit import cross_entropy
from growlearn.growth.prefix_metrics import HeadMetric, PrefixMetrics
from growlearn.growth.training_data import CachedDataset
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import INFERENCE_BATCH_SIZE, GrowingNetwork
from growlearn.network.stems.stem import evaluation_mode


def make_prefix_curve(
    plan: GrowthPlan,
    network: GrowingNetwork,
    trainable: TrainableParts,
    frozen: FrozenAnswer | None,
    validation: tuple[Rows, CachedDataset],
) -> tuple[PrefixPoint, ...]:
    """A point for every prefix, named by the branch that it ends in.

    Of the frozen answer's prefixes first, where one enters; else of the new head's own, the stem alone first.
    """
    rows, dataset = validation
    num_own = trainable.num_prefixes if frozen is not None else 1 + len(plan.lineage) + len(plan.new_branches)
    own = evaluate_prefixes(trainable, dataset, num_own)
    names: tuple[str | None, ...] = (None, *plan.lineage, *plan.new_branches)[-num_own:]
    if frozen is None:
        return _make_points(names, own)
    with torch.no_grad():
        prefixes = frozen.prefix_logits(network, rows)  # [prefixes, N, C]
    earlier = measure_logits(replace(dataset, frozen_logits=None), prefixes)
    return (*_make_points(frozen.prefix_names(network), earlier), *_make_points(names, own))


def _make_points(names: Sequence[str | None], metrics: PrefixMetrics) -> tuple[PrefixPoint, ...]:
    scores = zip(names, metrics.losses, metrics.accuracies, strict=True)
    return tuple(PrefixPoint(branch=name, loss=loss, accuracy=accuracy) for name, loss, accuracy in scores)


def evaluate_prefixes(
    trainable: TrainableParts, dataset: CachedDataset, prefixes: int, head_metric: HeadMetric | None = None
) -> PrefixMetrics:
    """Loss, accuracy and value of the metric of the last prefixes on the rows of a dataset."""
    return measure_logits(dataset, all_prefix_logits(trainable, dataset, prefixes), head_metric)


def all_prefix_logits(trainable: TrainableParts, dataset: CachedDataset, prefixes: int) -> Tensor:
    """The answers of the last prefixes on all rows of a dataset [prefixes, N, C], the whole lineage last."""
    with torch.no_grad(), evaluation_mode(trainable.stem):
        indices = torch.split(torch.arange(len(dataset)), INFERENCE_BATCH_SIZE)
        return torch.cat([last_prefix_logits(trainable, dataset, index, prefixes) for index in indices], 1)


def measure_logits(
    dataset: CachedDataset, logits: Tensor, head_metric: HeadMetric | None = None
) -> PrefixMetrics:
    """Loss, accuracy and value of the metric of each prefix's logits [prefixes, N, C]."""
    batches = torch.split(torch.arange(len(dataset)), INFERENCE_BATCH_SIZE)
    parts = torch.split(logits, INFERENCE_BATCH_SIZE, dim=1)  # each [prefixes, B, C]
    batch_losses = [
        prefix_losses(part, dataset.targets_at(index), dataset.weights_at(index))
        for part, index in zip(parts, batches, strict=True)
    ]
    losses = torch.zeros(len(logits), dtype=torch.float64)  # [prefixes]
    for index, batch_loss in zip(batches, torch.stack(batch_losses).cpu(), strict=True):
        losses += batch_loss.double() * len(index)
    correct = (logits.argmax(2) == dataset.targets).sum(1)
    return PrefixMetrics(
        tuple(float(loss) / len(dataset) for loss in losses),
        tuple(int(count) / len(dataset) for count in correct),
        tuple(None if head_metric is None else head_metric(prefix, dataset.targets) for prefix in logits),
    )


def prefix_losses(
    logits: Tensor, targets: Tensor, row_weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Cross-entropy of every prefix: logits [n, B, C], targets and weights [B] -> [n]."""
    return torch.stack([cross_entropy(prefix, targets, row_weights, smoothing) for prefix in logits])


def last_prefix_logits(
    trainable: TrainableParts,
    dataset: CachedDataset,
    index: Tensor,
    prefixes: int,
    noise: tuple[torch.Generator | None, float] = (None, 0.0),
) -> Tensor:
    """The rows at `index` [B] -> logits [prefixes, B, C] of the last prefixes, the whole lineage last.

    `noise` is that of a training batch: what draws the augmentation of its rows, and the dropout rate of the
    tokens that new branches read and of the normed feature of the head.
    """
    generator, dropout = noise
    z, pooled = dataset.tokens(index, generator)
    features = append_branch_features(trainable, F.dropout(z, dropout), pooled)
    return dataset.answer_at(index, trainable.head.prefix_logits(features, prefixes, dropout))


def append_branch_features(trainable: TrainableParts, z: Tensor, pooled: Tensor) -> Tensor:
    """Append the new branches' features: z [B, T, D], pooled [B, 1 + P, D] -> [B, 1 + P + n, D]."""
    return torch.cat([pooled, *(branch.pooled(z)[:, None] for branch in trainable.branches)], dim=1)
