"""What a branch with a stem of its own answers: the linear term L of the stem and the trained head h'."""

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
    """Validation rows with the combination of L and h' that is best on them, which may be h' alone.

    As they are where the stem has no linear term, or the branch was trained through a frozen answer.
    """
    own = replace(validation, frozen_logits=None)
    linear = _linear_logits(trainable, own)
    if linear is None or plan.combination != ALONE:
        return validation
    new = all_prefix_logits(trainable, own, 1)[0]  # h' [N, C]
    options = replace(plan, combinations=(*COMBINATIONS, ALONE), refinement=None)
    _, combination = choose_option(options, [linear], new, linear, validation.targets)
    if combination == ALONE:
        return validation
    return replace(validation, linear_logits=linear, linear_combination=combination)


def _linear_logits(trainable: TrainableParts, dataset: CachedDataset) -> Tensor | None:
    """The class scores of the trained stem's linear term on all rows [N, C]; None without a term."""
    stem = trainable.stem
    linear = None if stem is None else make_linear_head(stem, len(trainable.head.gates))
    return None if linear is None else all_prefix_logits(replace(trainable, head=linear), dataset, 1)[0]
