"""A stream's first answer on token ids: the linear term F of the stem and the head h of the branches."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from growlearn.domain.growth import ALONE, GrowthPlan
from growlearn.growth.branch_init import TrainableParts
from growlearn.growth.combination import COMBINATIONS, choose_option
from growlearn.growth.linear_fit import make_linear_head
from growlearn.growth.prefix_evaluation import all_prefix_logits
from growlearn.growth.training_data import CachedDataset


def join_linear_term(plan: GrowthPlan, trainable: TrainableParts, validation: CachedDataset) -> CachedDataset:
    """Validation rows with the combination of F and the trained h that is best on them, which may be h alone.

    As they are where the stem has no linear term.
    """
    linear = _linear_logits(trainable, validation)
    if linear is None:
        return validation
    new = all_prefix_logits(trainable, validation, 1)[0]  # h [N, C]
    options = replace(plan, combinations=(*COMBINATIONS, ALONE))
    _, combination = choose_option(options, [linear], new, linear, validation.targets)
    return replace(validation, frozen_logits=linear, combination=combination)


def _linear_logits(trainable: TrainableParts, dataset: CachedDataset) -> Tensor | None:
    """The class scores of the trained stem's linear term on all rows [N, C]; None without a term."""
    stem = trainable.stem
    linear = None if stem is None else make_linear_head(stem, len(trainable.head.gates))
    return None if linear is None else all_prefix_logits(replace(trainable, head=linear), dataset, 1)[0]
