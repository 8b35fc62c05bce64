"""A trained head over the features of its whole lineage, alone or added to the frozen answer."""

from __future__ import annotations

from growlearn.domain.growth import ALONE, Combination, GrowthPlan
from growlearn.growth.branch_init import TrainableParts
from growlearn.growth.frozen_answer import FrozenAnswer
from growlearn.growth.linear_fit import make_linear_head
from growlearn.network.model.head_sum import Answer, list_terms, make_answer
from growlearn.network.model.lineage_features import Feature, list_features, spread_head
from growlearn.network.model.network import GrowingNetwork

Lineage = tuple[str, ...]


def join_answer(
    plan: GrowthPlan,
    network: GrowingNetwork,
    trainable: TrainableParts,
    frozen: FrozenAnswer | None,
    combination: Combination,
) -> tuple[Lineage, Answer]:
    """The lineage and the answer of the grown task: a F + s h where a frozen answer enters, else h.

    Of a stream's first branches with a linear term, F is the head of that.
    """
    new_branches = plan.new_branches[: len(trainable.branches)]
    stem_id = plan.new_branches[0] if trainable.stem is not None else network.get_stem_id(plan.lineage)
    own_features = (
        Feature(stem_id, is_stem=True),
        *(Feature(branch) for branch in (*plan.lineage, *new_branches)),
    )
    frozen_lineage = () if frozen is None else frozen.lineage
    lineage = tuple(dict.fromkeys((*frozen_lineage, *plan.lineage, *new_branches)))
    stem_ids = {**network.stem_ids, **dict.fromkeys(new_branches, stem_id)}
    features = list_features(lineage, stem_ids, stem_id)
    head = trainable.head if own_features == features else spread_head(trainable.head, own_features, features)
    if frozen is None:
        linear = None if trainable.stem is None else make_linear_head(trainable.stem, len(features))
        if linear is None or combination == ALONE:
            return lineage, head
        return lineage, make_answer([linear, head], [Combination(), combination])
    terms = list_terms(frozen.answer)
    before = network.list_features(frozen.lineage)
    heads = [spread_head(known, before, features) for known, _ in terms]
    return lineage, make_answer([*heads, head], [*(known for _, known in terms), combination])


def find_initial_answer(
    plan: GrowthPlan, trainable: TrainableParts, frozen: FrozenAnswer | None
) -> tuple[Lineage, Answer]:
    """The lineage and the answer before training: the frozen answer, or the initial head alone."""
    if frozen is not None:
        return frozen.lineage, frozen.answer
    return find_untrained_answer(plan, trainable)


def find_untrained_answer(plan: GrowthPlan, trainable: TrainableParts) -> tuple[Lineage, Answer]:
    """The lineage and the initial head of the branch alone, before training."""
    untrained = () if trainable.stem is None else plan.new_branches
    return (*plan.lineage, *untrained), trainable.initial_head
