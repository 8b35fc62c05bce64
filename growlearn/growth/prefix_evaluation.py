"""The answers of every prefix of a growth, and how good they are on the rows of a dataset."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.growth import GrowthPlan, PrefixPoint
from growlearn.growth.branch_init import TrainableParts
from growlearn.growth.calibration import calibrate_plan
from growlearn.growth.frozen_answer import FrozenAnswer
from growlearn.growth.head_fit import cross_entropy
from growlearn.growth.training_data import CachedDataset
from growlearn.growth.validation_score import ValidationScore
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
    own = evaluate_prefixes(plan, trainable, dataset, num_own)
    names: tuple[str | None, ...] = (None, *plan.lineage, *plan.new_branches)[-num_own:]
    if frozen is None:
        return _make_points(names, own)
    with torch.no_grad():
        prefixes = frozen.prefix_logits(network, rows)  # [prefixes, N, C]
    earlier = [measure_logits(plan, logits, dataset.targets) for logits in prefixes]
    return (*_make_points(frozen.prefix_names(network), earlier), *_make_points(names, own))


def _make_points(names: Sequence[str | None], scores: Sequence[ValidationScore]) -> tuple[PrefixPoint, ...]:
    return tuple(
        PrefixPoint(branch=name, loss=score.loss, accuracy=score.accuracy)
        for name, score in zip(names, scores, strict=True)
    )


def evaluate_prefixes(
    plan: GrowthPlan, trainable: TrainableParts, dataset: CachedDataset, prefixes: int
) -> list[ValidationScore]:
    """The scores of the last prefixes on the rows of a dataset, the whole lineage last."""
    logits = all_prefix_logits(trainable, dataset, prefixes)
    return [measure_logits(plan, prefix, dataset.targets) for prefix in logits]


def all_prefix_logits(trainable: TrainableParts, dataset: CachedDataset, prefixes: int) -> Tensor:
    """The answers of the last prefixes on all rows of a dataset [prefixes, N, C], the whole lineage last."""
    with torch.no_grad(), evaluation_mode(trainable.stem):
        indices = torch.split(torch.arange(len(dataset)), INFERENCE_BATCH_SIZE)
        return torch.cat([last_prefix_logits(trainable, dataset, index, prefixes) for index in indices], 1)


def measure_logits(plan: GrowthPlan, logits: Tensor, targets: Tensor) -> ValidationScore:
    """The score of logits [N, C] of validation rows with class indices [N], after a temperature.

    Without one, weights that grow too sure of right answers look worse than those that know less.
    """
    head = calibrate_plan(plan, logits, targets)
    accuracy = float((logits.argmax(1) == targets).double().mean())
    return ValidationScore(head.loss, accuracy, head.value)


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


def fewest_branches_within(merits: Sequence[float], max_drop: float | None) -> int:
    """The fewest new branches whose merit is at most `max_drop` below that of all.

    >>> fewest_branches_within((0.80, 0.84, 0.845), 0.01), fewest_branches_within((0.80, 0.84, 0.845), None)
    (2, 3)
    """
    if max_drop is None:
        return len(merits)
    return 1 + next(index for index, merit in enumerate(merits) if merit >= merits[-1] - max_drop)
